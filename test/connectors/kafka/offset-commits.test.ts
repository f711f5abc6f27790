import * as fc from 'fast-check';
import type { Offsets } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { OffsetCommits, BatchesInFlight } from '../../../connectors/kafka/assignment.ts';

const TOPIC = 'prices';

/** Lets all pending promises settle. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

/** The group's coordinator, which answers each commit when the test tells it to. */
class Coordinator {
  /** The requested commits, in order. */
  readonly asked: Record<number, number>[] = [];
  readonly committed: Record<number, number> = {};
  readonly #unanswered: { readonly offsets: Record<number, number>; readonly answer: PromiseWithResolvers<void> }[] =
    [];

  readonly send = ({ topics }: Offsets): Promise<void> => {
    const offsets = Object.fromEntries(
      topics.flatMap(({ partitions }) => partitions.map(({ partition, offset }) => [partition, Number(offset)])),
    );
    const answer = Promise.withResolvers<void>();
    this.asked.push(offsets);
    this.#unanswered.push({ offsets, answer });
    return answer.promise;
  };

  get unanswered(): number {
    return this.#unanswered.length;
  }

  /** Answers the oldest commit, if there is one. */
  async answer(how: 'accepted' | 'failed'): Promise<void> {
    const oldest = this.#unanswered.shift();
    if (how === 'failed') oldest?.answer.reject(new Error('no answer'));
    else {
      Object.assign(this.committed, oldest?.offsets);
      oldest?.answer.resolve();
    }
    await turns();
  }
}

type Step = { readonly acknowledge: number } | 'commit' | 'accepted' | 'failed' | 'forget';

const aStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ acknowledge: fc.nat({ max: 2 }) }) },
  { weight: 6, arbitrary: fc.constantFrom('commit', 'accepted', 'failed') },
  { weight: 1, arbitrary: fc.constant('forget' as const) },
);

describe('offset commits', () => {
  it('PORT-3: however acknowledgements, commits and failures fall, each commit has exactly what is pending, one at a time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aStep, { maxLength: 60 }), async (steps) => {
        const commits = new OffsetCommits();
        const coordinator = new Coordinator();
        /** The offsets of the next commit: acknowledged since the assignment, and not committed yet. */
        let pending: Record<number, number> = {};
        let next = 0;
        let seen = 0;
        let inHand: Record<number, number> | null = null;

        const step = async (what: Step): Promise<void> => {
          if (what === 'commit') commits.commit(coordinator.send).catch(() => {});
          else if (what === 'forget') {
            commits.forget();
            pending = {};
            inHand = null;
          } else if (what === 'accepted' || what === 'failed') {
            if (what === 'accepted') {
              for (const [partition, offset] of Object.entries(inHand ?? {})) {
                if (pending[Number(partition)] === offset) delete pending[Number(partition)];
              }
            }
            if (coordinator.unanswered > 0) inHand = null;
            await coordinator.answer(what);
          } else {
            next += 1;
            pending[what.acknowledge] = next;
            commits.add(TOPIC, what.acknowledge, next);
          }
          await turns();
          expect(coordinator.unanswered).toBeLessThanOrEqual(1);
          for (; seen < coordinator.asked.length; seen += 1) {
            expect(coordinator.asked[seen]).toEqual(pending);
            inHand = { ...pending };
          }
        };

        for (const what of steps) await step(what);
        while (coordinator.unanswered > 0) await step('accepted');
        await step('commit');
        await step('accepted');
        expect(pending).toEqual({});
        await step('commit');
        expect(coordinator.unanswered).toBe(0);
      }),
    );
  });

  it('an older offset never comes after a newer one: the second commit waits for the answer to the first', async () => {
    const commits = new OffsetCommits();
    const coordinator = new Coordinator();
    commits.add(TOPIC, 0, 5);
    const first = commits.commit(coordinator.send);
    await turns();
    commits.add(TOPIC, 0, 9);
    const second = commits.commit(coordinator.send);
    await turns();
    expect(coordinator.asked).toEqual([{ 0: 5 }]);
    await coordinator.answer('accepted');
    await first;
    await coordinator.answer('accepted');
    await second;
    expect(coordinator.asked).toEqual([{ 0: 5 }, { 0: 9 }]);
    expect(coordinator.committed).toEqual({ 0: 9 });
  });

  it('a commit that fails says so, keeps what is pending, and stops none of the commits that follow', async () => {
    const commits = new OffsetCommits();
    const coordinator = new Coordinator();
    commits.add(TOPIC, 0, 5);
    commits.add(TOPIC, 1, 2);
    const failed = commits.commit(coordinator.send);
    // Rejected before it is awaited below.
    failed.catch(() => {});
    await turns();
    commits.add(TOPIC, 1, 3);
    await coordinator.answer('failed');
    await expect(failed).rejects.toThrow('no answer');
    const again = commits.commit(coordinator.send);
    await turns();
    await coordinator.answer('accepted');
    await again;
    expect(coordinator.committed).toEqual({ 0: 5, 1: 3 });
  });

  it('what was pending before a new assignment is not committed under it', async () => {
    const commits = new OffsetCommits();
    const coordinator = new Coordinator();
    commits.add(TOPIC, 0, 5);
    commits.forget();
    await commits.commit(coordinator.send);
    commits.add(TOPIC, 1, 2);
    void commits.commit(coordinator.send);
    await turns();
    expect(coordinator.asked).toEqual([{ 1: 2 }]);
  });
});

describe('KFK-4: batches on their way', () => {
  const ended = async (promise: Promise<void>): Promise<boolean> => {
    let isEnded = false;
    void promise.then(() => (isEnded = true));
    await turns();
    return isEnded;
  };

  it('what follows in a partition waits for the batch that was worked last there, and for no other partition', async () => {
    const inFlight = new BatchesInFlight();
    const first = Promise.withResolvers<boolean>();
    const second = Promise.withResolvers<boolean>();
    const other = Promise.withResolvers<boolean>();
    inFlight.add(TOPIC, 0, first.promise);
    inFlight.add(TOPIC, 1, other.promise);
    expect(await ended(inFlight.ended(TOPIC, 0))).toBe(false);
    first.resolve(true);
    expect(await ended(inFlight.ended(TOPIC, 0))).toBe(true);
    inFlight.add(TOPIC, 0, second.promise);
    expect(await ended(inFlight.ended(TOPIC, 0))).toBe(false);
    // A batch that is not acknowledged has ended, too.
    second.resolve(false);
    expect(await ended(inFlight.ended(TOPIC, 0))).toBe(true);
    expect(await ended(inFlight.ended(TOPIC, 1))).toBe(false);
    expect(await ended(inFlight.ended('orders', 1))).toBe(true);
  });

  it('a stop waits for those of all partitions', async () => {
    const inFlight = new BatchesInFlight();
    const batches = [0, 1, 2].map(() => Promise.withResolvers<boolean>());
    for (const [partition, { promise }] of batches.entries()) inFlight.add(TOPIC, partition, promise);
    const all = inFlight.allEnded();
    for (const { resolve } of batches) {
      expect(await ended(all)).toBe(false);
      resolve(true);
    }
    expect(await ended(all)).toBe(true);
  });
});
