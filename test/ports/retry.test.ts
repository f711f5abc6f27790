import { expect, it } from 'vitest';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { VirtualClock } from '../../ports/clock.ts';
import { Backoff, type BackoffOptions, retryTransient } from '../../ports/retry.ts';

const AWAY = new HarvestlineError('BROKER_AWAY', 'no route');

/** A dependency that is unavailable for the first `failures` calls, and the waits that come of it. */
function dependency(failures: number, options: Partial<BackoffOptions> = {}) {
  const clock = new VirtualClock(0);
  const waits: number[] = [];
  let calls = 0;
  const work = (): Promise<string> => {
    calls += 1;
    return calls > failures ? Promise.resolve('answer') : Promise.reject(AWAY);
  };
  const onWait: BackoffOptions['onWait'] = (_, waitMs) => void waits.push(waitMs);
  return {
    clock,
    waits,
    calls: () => calls,
    run: () => retryTransient({ clock, longestMs: 1000, onWait, ...options }, work),
  };
}

it('RUN-26: waits grow up to their bound, and each is told', async () => {
  const { clock, waits, run } = dependency(6);
  expect(await run()).toBe('answer');
  expect(waits).toEqual([100, 200, 400, 800, 1000, 1000]);
  expect(clock.now()).toBe(3500);
});

it('RUN-25: what is not transient is thrown at once', async () => {
  const refused = new HarvestlineError('LOG_REFUSED', 'no');
  const clock = new VirtualClock(0);
  const onWait = (): never => {
    throw new Error('told of a wait');
  };
  await expect(retryTransient({ clock, longestMs: 1000, onWait }, () => Promise.reject(refused))).rejects.toBe(refused);
  expect(clock.now()).toBe(0);
});

it('RUN-27: a signal that aborts ends it with the last error, and nothing is tried any more', async () => {
  const stop = new AbortController();
  const { calls, run } = dependency(6, {
    signal: stop.signal,
    onWait: (_, waitMs) => {
      if (waitMs === 400) stop.abort();
    },
  });
  await expect(run()).rejects.toBe(AWAY);
  expect(calls()).toBe(3);
});

it('steady at first: waits neither grow nor are told again, until the time for that is over', async () => {
  const { waits, run } = dependency(5, { steadyForMs: 300 });
  await run();
  expect(waits).toEqual([100, 100, 200]);
});

it('what worked in between makes the next failure the first again', async () => {
  const waits: number[] = [];
  const backoff = new Backoff({
    clock: new VirtualClock(0),
    longestMs: 1000,
    onWait: (_, waitMs) => void waits.push(waitMs),
  });
  await backoff.wait(AWAY);
  await backoff.wait(AWAY);
  backoff.reset();
  await backoff.wait(AWAY);
  expect(waits).toEqual([100, 200, 100]);
});
