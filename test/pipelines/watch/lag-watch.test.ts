import { expect, it } from 'vitest';
import { untilCaughtUp } from '../../../pipelines/watch/lag-watch.ts';
import type { Clock } from '../../../ports/clock.ts';
import { TOPICS } from '../../../schemas/topics.ts';

const GROUPS = [{ group: 'scoring', topics: [TOPICS.positionSnapshot] }];
const PARTITION = { partition: 0, begin: 100_000, end: 1_000_000 };
const AWAY = new Error('the broker is away');

/** A clock that only sleeping moves. */
class SleptClock implements Clock {
  slept = 0;

  now(): number {
    return this.slept;
  }

  sleep(ms: number): Promise<void> {
    this.slept += ms;
    return Promise.resolve();
  }
}

function logAt(committed: (slept: number) => number | Error, clock: SleptClock) {
  return {
    offsets: () => Promise.resolve([PARTITION]),
    committed: () => {
      const at = committed(clock.slept);
      return at instanceof Error ? Promise.reject(at) : Promise.resolve(new Map([[0, at]]));
    },
  };
}

async function waitedFor(committed: (slept: number) => number | Error): Promise<number> {
  const clock = new SleptClock();
  await untilCaughtUp(logAt(committed, clock), GROUPS, clock, new AbortController().signal);
  return clock.slept;
}

it('waits for a group that works off what lay there, and not for the rest that always comes', async () => {
  expect(await waitedFor((slept) => Math.min(999_000, slept * 50))).toBe(20_000);
});

it('waits for nothing where the group keeps up', async () => {
  expect(await waitedFor(() => 1_000_000)).toBe(0);
});

it('waits for two minutes at most: a group that stands still is what is to be found out', async () => {
  expect(await waitedFor(() => 0)).toBe(120_000);
  expect(await waitedFor(() => AWAY)).toBe(120_000);
});

it('waits no longer once it is to stop', async () => {
  const clock = new SleptClock();
  await untilCaughtUp(
    logAt(() => 0, clock),
    GROUPS,
    clock,
    AbortSignal.abort(),
  );
  expect(clock.slept).toBe(0);
});
