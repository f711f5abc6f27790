/**
 * One membership in a consumer group, from joining it to leaving it, as connectors/kafka/group-member.ts is one: KFK-24 to KFK-29 and KFK-46 hold, with
 * its own parts (assignment.ts) where they can be had without kafkajs.
 *
 * SIM-25  The partitions of a member are worked at the same time, each one batch after the other.
 * SIM-26  A member joins again once its batches in hand have ended; those of a lost generation end at their next append.
 */
import { Generation, OffsetCommits } from '../../../connectors/kafka/assignment.ts';
import type { MemberEnd } from '../../../connectors/kafka/broker-errors.ts';
import { HarvestlineError, isKind } from '../../../errors/harvestline-error.ts';
import type {
  Append,
  Assigned,
  Batch,
  BatchHandler,
  OutgoingRecord,
  SubscribeOptions,
} from '../../../ports/event-log.ts';
import type { RandomStream } from '../../../ports/random.ts';
import { Backoff } from '../../../ports/retry.ts';
import type { Host } from '../host.ts';
import { LONGEST_WAIT_MS } from './appender.ts';
import type { SimulatedBroker } from './broker.ts';
import { type Commit, type Group, type Joined, MembershipRefused, type MemberSide, type Notice } from './group.ts';
import { Confirmations } from './confirmations.ts';
import { type LogRequests, away } from './log-requests.ts';
import { OpenFetches } from './open-fetches.ts';
import { findStarts, placeOf } from './starts.ts';
import { OffsetOutOfRange } from './stored-partition.ts';

/** As connectors/kafka/group-member.ts has them. Units: milliseconds, records. */
const COMMIT_MS = 200;
const MAX_BATCH_RECORDS = 5000;

/** Fetches of a partition without an answer, one after the other, until the broker counts as away. */
const FETCHES = 2;

/** What the memberships of one subscription have in common. */
export interface MemberContext {
  /** Unique in the world, and the same for all of them. */
  readonly id: string;
  readonly broker: SimulatedBroker;
  readonly requests: LogRequests;
  readonly append: (records: readonly OutgoingRecord[], signal: AbortSignal) => Promise<void>;
  readonly random: RandomStream;
  /** Topics that earlier memberships have read. */
  readonly known: Set<string>;
}

export class SimulatedMember implements MemberSide {
  readonly id: string;
  readonly host: Host;
  readonly topics: readonly string[];
  readonly random: RandomStream;
  readonly #options: SubscribeOptions;
  readonly #handler: BatchHandler;
  readonly #context: MemberContext;
  readonly #group: Group;
  readonly #ended = Promise.withResolvers<MemberEnd>();
  readonly #ending = new AbortController();
  readonly #commits = new OffsetCommits();
  /** Batches in progress, and appends of `onAssigned`. */
  readonly #inProgress = new Set<Promise<unknown>>();
  /** The partitions that are worked. */
  readonly #working = new Set<Promise<unknown>>();
  readonly #fetches: OpenFetches;
  readonly #confirmations: Confirmations;
  #generation = new Generation();
  /** The group's number of it. */
  #number = 0;
  /** Resolves when the generation is over for this member. */
  #over = Promise.withResolvers<void>();
  #preparing: Promise<void> = Promise.resolve();
  /** A notice about a generation of which this member does not know yet. */
  #early: { readonly generation: number; readonly notice: Notice } | null = null;
  #isCommitDue = false;
  #hasJoined = false;
  #failure: MemberEnd | null = null;

  constructor(context: MemberContext, options: SubscribeOptions, handler: BatchHandler) {
    this.id = context.id;
    this.host = context.requests.host;
    this.topics = options.topics;
    this.random = context.random;
    this.#context = context;
    this.#options = options;
    this.#handler = handler;
    this.#group = context.broker.group(options.group);
    const { maxBatchRecords = MAX_BATCH_RECORDS } = options;
    this.#confirmations = new Confirmations(this.host.clock);
    this.#fetches = new OpenFetches(this, context.broker, context.requests, maxBatchRecords);
  }

  get hasJoined(): boolean {
    return this.#hasJoined;
  }

  /** Consumes until `stop`, a failure, or an outage of the broker. */
  async run(): Promise<MemberEnd> {
    const working = this.#joinAndWork();
    const end = await this.#ended.promise;
    await working;
    await Promise.allSettled(this.#inProgress);
    await this.#commit();
    if (end.kind !== 'unavailable') await this.#leave();
    return this.#failure ?? end;
  }

  stop(): void {
    this.#end({ kind: 'stopped' });
  }

  tell(generation: number, notice: Notice): void {
    if (generation > this.#number) this.#early = { generation, notice };
    if (generation !== this.#number || this.#generation.lost) return;
    this.#take(this.#generation, new MembershipRefused(`generation ${generation} is over`, notice));
  }

  /** What the group said about a generation. */
  #take(generation: Generation, refusal: MembershipRefused): void {
    if (refusal.notice === 'rebalancing') generation.startRebalance(refusal);
    else generation.lose(refusal);
    if (generation !== this.#generation) return;
    if (refusal.notice === 'dropped') this.#end({ kind: 'unavailable', error: away(refusal.message) });
    this.#release();
  }

  #end(end: MemberEnd): void {
    if (end.kind === 'unavailable') this.#generation.lose(end.error as Error);
    this.#ending.abort();
    this.#ended.resolve(end);
    this.#release();
  }

  /** Ends what waits in this generation. */
  #release(): void {
    this.#over.resolve();
    this.#fetches.takeBackAll();
  }

  #isOver(generation: Generation): boolean {
    return generation !== this.#generation || generation.rebalanceError !== null || this.#ending.signal.aborted;
  }

  async #joinAndWork(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const joined = await this.#join();
      if (joined === null) continue;
      const generation = this.#begin(joined);
      // One after the other: `onAssigned` of the next assignment must not overtake this one.
      this.#preparing = this.#preparing
        .catch(() => {})
        .then(() => this.#prepare(generation, joined.assigned))
        .catch((error: unknown) => {
          if (generation === this.#generation) this.#end({ kind: 'failed', error });
        });
      await this.#over.promise;
      // SIM-26.
      await Promise.all(this.#working);
      await this.#commit();
    }
  }

  /** Null where the membership has ended, or the group refused the member. */
  async #join(): Promise<Joined | null> {
    const joining = this.#confirmations.by(() => this.#context.requests.join(() => this.#group.join(this)));
    try {
      return await Promise.race([joining, this.#ended.promise.then(() => null)]);
    } catch (error) {
      if (!(error instanceof MembershipRefused))
        this.#end({ kind: isKind(error, 'transient') ? 'unavailable' : 'failed', error });
      return null;
    }
  }

  #begin({ generation: number }: Joined): Generation {
    this.#hasJoined = true;
    this.#commits.forget();
    this.#generation.lose(new Error('a new assignment came'));
    const generation = new Generation();
    this.#generation = generation;
    this.#number = number;
    this.#over = Promise.withResolvers();
    const early = this.#early;
    this.#early = null;
    if (early !== null) this.tell(early.generation, early.notice);
    // The end may have come in the same moment as the answer.
    if (this.#ending.signal.aborted) this.#release();
    return generation;
  }

  /** Finds where to start, commits it, runs `onAssigned`, and begins to work (KFK-26, KFK-29). */
  async #prepare(generation: Generation, assigned: Assigned): Promise<void> {
    const { clock } = this.host;
    const { signal } = this.#ending;
    const append = this.#appendOf(generation);
    const starts = { ...this.#context, append, commit: (commits: readonly Commit[]) => this.#send(commits) };
    const backoff = new Backoff({ clock, signal, longestMs: LONGEST_WAIT_MS, onWait: () => {} });
    let offsets: ReadonlyMap<string, number> | null = null;
    while (offsets === null) {
      if (this.#isOver(generation)) return;
      try {
        offsets = await findStarts(assigned, this.#options, starts);
      } catch (thrown) {
        if (thrown instanceof MembershipRefused) this.#take(generation, thrown);
        if (this.#isOver(generation)) return;
        if (!isKind(thrown, 'transient')) throw thrown;
        await backoff.wait(thrown);
      }
    }
    if (this.#isOver(generation)) return;
    await this.#options.onAssigned?.(assigned, append);
    generation.markReady();
    if (this.#isOver(generation)) return;
    for (const [topic, partitions] of Object.entries(assigned)) {
      for (const partition of partitions) {
        const working = this.#work(generation, topic, partition, offsets.get(placeOf(topic, partition)) ?? 0);
        this.#working.add(working);
        void working.then(() => this.#working.delete(working));
      }
    }
  }

  /** SIM-25. Never rejects. */
  async #work(generation: Generation, topic: string, partition: number, start: number): Promise<void> {
    let offset = start;
    let unanswered = 0;
    while (!this.#isOver(generation)) {
      try {
        const batch = await this.#fetches.fetch(topic, partition, offset);
        unanswered = 0;
        if (batch === null || this.#isOver(generation)) return;
        const isAcknowledged = await this.#track(this.#process(generation, batch));
        if (!isAcknowledged) return;
        offset = batch.nextOffset;
      } catch (thrown) {
        if (this.#isOver(generation)) return;
        if (thrown instanceof OffsetOutOfRange) {
          // The next assignment reports what is gone.
          generation.startRebalance(thrown);
          this.#release();
        } else if (!isKind(thrown, 'transient')) this.#end({ kind: 'failed', error: thrown });
        else if (++unanswered === FETCHES) this.#end({ kind: 'unavailable', error: thrown });
      }
    }
  }

  /** False where the handler or the log failed, or the group went on without this member. Never rejects. */
  async #process(generation: Generation, batch: Batch): Promise<boolean> {
    const { signal } = this.#ending;
    const append = this.#appendOf(generation);
    try {
      const outputs = await this.#handler(batch, append);
      try {
        await append(outputs);
      } catch (refusal) {
        if (!isKind(refusal, 'poison')) throw refusal;
        await append(await this.#handler(batch, append, refusal));
      }
    } catch (error) {
      // KFK-28: an error that follows from a refused append is no failure of the handler.
      if (generation.lost) return false;
      // Nor is an outage that lasted until the stop.
      if (!(signal.aborted && isKind(error, 'transient'))) this.#failure ??= { kind: 'failed', error };
      this.#end({ kind: 'failed', error });
      return false;
    }
    if (generation.lost) return false;
    this.#commits.add(batch.topic, batch.partition, batch.nextOffset);
    void this.#commitSoon();
    return true;
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#inProgress.add(work);
    try {
      return await work;
    } finally {
      this.#inProgress.delete(work);
    }
  }

  /** An append that fails once the generation is lost (KFK-28, KFK-46). */
  #appendOf(generation: Generation): Append {
    return async (records) => {
      const { signal } = this.#ending;
      const isOver = (): boolean => generation.lost || (signal.aborted && !generation.ready);
      while (!isOver() && !this.#confirmations.isRecent) await this.#ask(generation, records.length > 0);
      if (isOver()) {
        throw new HarvestlineError('MEMBERSHIP_LOST', `${this.#options.group} goes on without this member`);
      }
      await this.#track(this.#context.append(records, signal));
    };
  }

  /** KFK-47. */
  async #ask(generation: Generation, mustWrite: boolean): Promise<void> {
    const beat = (): void => this.#group.heartbeat(this.id, this.#number);
    try {
      await this.#confirmations.by(() => this.#context.requests.heartbeat(beat));
    } catch (thrown) {
      if (thrown instanceof MembershipRefused) return this.#take(generation, thrown);
      if (!mustWrite) throw thrown;
      this.#end({ kind: 'unavailable', error: thrown });
    }
  }

  async #commitSoon(): Promise<void> {
    if (this.#isCommitDue) return;
    const { signal } = this.#ending;
    this.#isCommitDue = true;
    await this.host.clock.sleep(COMMIT_MS, signal);
    this.#isCommitDue = false;
    if (!signal.aborted && !(await this.#commit())) await this.#commitSoon();
  }

  /** False where it got no answer: then it is sent again with the next. */
  async #commit(): Promise<boolean> {
    const generation = this.#generation;
    if (generation.lost) return true;
    try {
      await this.#commits.commit(({ topics }) =>
        this.#send(
          topics.flatMap(({ topic, partitions }) =>
            partitions.map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) })),
          ),
        ),
      );
      return true;
    } catch (thrown) {
      if (thrown instanceof MembershipRefused) this.#take(generation, thrown);
      return !isKind(thrown, 'transient');
    }
  }

  #send(commits: readonly Commit[]): Promise<void> {
    const number = this.#number;
    return this.#context.requests.commit(this.#options.group, () => this.#group.commit(this.id, number, commits));
  }

  async #leave(): Promise<void> {
    const leave = (): void => this.#group.leave(this.id);
    try {
      await this.#context.requests.join(leave);
    } catch {
      // The group notices by itself.
      this.#context.broker.afterSession(this.host, leave);
    }
  }
}
