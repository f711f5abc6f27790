import { describe, expect, it, onTestFinished } from 'vitest';
import { BetweenCycles } from '../../../pipelines/snapshots/between-cycles.ts';
import { PrometheusMetrics } from '../../../connectors/metrics/prometheus-metrics.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { FollowedChanges } from '../../../pipelines/snapshots/cycle.ts';
import type { ChangeStream, VenueChange } from '../../../ports/venue.ts';
import type { Clock } from '../../../ports/clock.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import type { PositionReconciled } from '../../../schemas/generated/records.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const START = 1_770_000_000_000;

/** Time that stands until it is moved; whoever sleeps is woken in turn. */
class HandClock implements Clock {
  #now = START;
  #sleeping: { readonly at: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (ms <= 0 || signal?.aborted === true) return resolve();
      signal?.addEventListener('abort', () => resolve(), { once: true });
      this.#sleeping.push({ at: this.#now + ms, wake: resolve });
      return undefined;
    });
  }

  /** A millisecond at a time is slow, and a jump would skip what is decided on the way: from sleeper to sleeper. */
  async move(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const next = Math.min(...this.#sleeping.map(({ at }) => at));
      if (next > end) break;
      this.#now = next;
      const due = this.#sleeping.filter(({ at }) => at <= next);
      this.#sleeping = this.#sleeping.filter(({ at }) => at > next);
      for (const { wake } of due) wake();
    }
    this.#now = end;
    await settled();
  }
}

/** What is waiting for answers that are there goes on until it waits for time. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

interface Observation {
  readonly at: number;
  readonly asked: readonly string[] | null;
}

interface Given {
  readonly logger?: Logger;
  readonly write?: (followed: FollowedChanges) => Promise<void>;
}

function between(answer: (observation: Observation) => Partial<FollowedChanges> = () => ({}), given: Given = {}) {
  const clock = new HandClock();
  const observations: Observation[] = [];
  const written: FollowedChanges[] = [];
  const marks: [string, number][] = [];
  const distrusted: string[] = [];
  let listener: (change: VenueChange) => void = () => {};
  const stream: ChangeStream & { completeSince: number | null; watched: ReadonlySet<string> } = {
    completeSince: START - 60_000,
    watched: new Set(),
    follow: (listens) => {
      listener = listens;
      return Promise.resolve();
    },
    watch: (symbols) => {
      stream.watched = symbols;
    },
    distrust: (why) => distrusted.push(why),
  };
  const metrics = new PrometheusMetrics();
  const observer = {
    symbols: new Set(['BTCUSDT', 'ETHUSDT']),
    noteMark: (symbol: string, price: number) => void marks.push([symbol, price]),
    follow: async (asked: ReadonlySet<string> | null): Promise<FollowedChanges> => {
      const observation = { at: clock.now() - START, asked: asked === null ? null : [...asked] };
      observations.push(observation);
      return { now: clock.now(), reconciled: [], unchanged: [], unsure: [], ...answer(observation) };
    },
  };
  const made = new BetweenCycles({
    stream,
    observer,
    write: given.write ?? (async (followed) => void written.push(followed)),
    clock,
    logger: given.logger ?? SILENT_LOGGER,
    metrics,
  });
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  void made.follow(stop.signal);
  const changed = (symbol: string): void => listener({ kind: 'account', symbol, at: clock.now() });
  const tell = (change: VenueChange): void => listener(change);
  const until = (ms: number) => made.until(START + ms, stop.signal);
  return { clock, observations, written, marks, distrusted, stream, metrics, made, changed, tell, until, stop };
}

describe('between cycles', () => {
  it('SNA-1: a changed symbol is observed, and what was found is written', async () => {
    const record = GOOD_RECORDS['position.reconciled'];
    const { clock, observations, written, changed, until } = between(() => ({ reconciled: [record] }));
    const waiting = until(30_000);
    await clock.move(5000);
    changed('BTCUSDT');
    await clock.move(1000);
    expect(observations).toEqual([{ at: 5100, asked: ['BTCUSDT'] }]);
    expect(written).toMatchObject([{ reconciled: [record] }]);
    await clock.move(24_000);
    await waiting;
    expect(observations).toHaveLength(1);
  });

  it('SNA-2: a burst is one observation, and observations are a second apart', async () => {
    const { clock, observations, changed, until } = between();
    void until(30_000);
    await clock.move(1);
    for (let fill = 0; fill < 1200; fill++) changed(fill % 2 === 0 ? 'BTCUSDT' : 'ETHUSDT');
    await clock.move(300);
    changed('BTCUSDT');
    changed('NOTOURSUSDT');
    await clock.move(5000);
    expect(observations).toEqual([
      { at: 101, asked: ['BTCUSDT', 'ETHUSDT'] },
      { at: 1101, asked: ['BTCUSDT'] },
    ]);
  });

  it('SNA-2: endless changes are bounded by an allowance', async () => {
    const { clock, observations, changed, until } = between();
    void until(120_000);
    for (let tenth = 0; tenth < 1200; tenth++) {
      changed('BTCUSDT');
      await clock.move(100);
    }
    // A burst of ten, and one in three seconds.
    expect(observations.length).toBeGreaterThan(40);
    expect(observations.length).toBeLessThanOrEqual(51);
  });

  it('an answer that is behind the event is asked for again, three times at most', async () => {
    const { clock, observations, changed, until } = between(({ at }) => (at < 6000 ? { unchanged: ['BTCUSDT'] } : {}));
    void until(60_000);
    changed('BTCUSDT');
    await clock.move(20_000);
    expect(observations.map(({ at }) => at)).toEqual([100, 1100, 2100]);
  });

  it('a gap leads to one observation of everything, and unchanged symbols are not asked for again', async () => {
    const { clock, observations, tell, until } = between(() => ({ unchanged: ['BTCUSDT'], unsure: [] }));
    void until(60_000);
    tell({ kind: 'gap' });
    await clock.move(10_000);
    expect(observations).toEqual([{ at: 100, asked: null }]);
  });

  it('SNA-3: what would come after the next cycle is left to it, and it begins with nothing pending', async () => {
    const { clock, observations, changed, until, made } = between();
    const waiting = until(10_000);
    await clock.move(9950);
    changed('BTCUSDT');
    await clock.move(50);
    await waiting;
    made.beginCycle();
    void until(40_000);
    await clock.move(10_000);
    expect(observations).toEqual([]);
  });

  it('an observation that cannot be written ends the source, which would not return it again', async () => {
    const lost = new HarvestlineError('ACCOUNT_TAKEN', 'another process works it');
    const { clock, changed, until } = between(() => ({ reconciled: [GOOD_RECORDS['position.reconciled']] }), {
      write: () => Promise.reject(lost),
    });
    const waiting = until(5000);
    const thrown = waiting.catch((error: unknown) => error);
    changed('BTCUSDT');
    await clock.move(5000);
    expect(await thrown).toBe(lost);
  });

  it('SNA-3: an observation without an answer ends nothing', async () => {
    const warned: string[] = [];
    const logger = { ...SILENT_LOGGER, warn: (_: object, words: string) => void warned.push(words) };
    const { clock, changed, until } = between(
      () => {
        throw new HarvestlineError('EXCHANGE_AWAY', 'no answer');
      },
      { logger },
    );
    const waiting = until(5000);
    changed('BTCUSDT');
    await clock.move(5000);
    await waiting;
    expect(warned).toEqual([expect.stringMatching(/no answer.*next cycle/)]);
  });

  it('marks reach the observer, and the stream is told which are wanted', async () => {
    const { marks, tell, made, stream } = between();
    tell({ kind: 'mark', symbol: 'BTCUSDT', price: '107.5', at: START });
    expect(marks).toEqual([['BTCUSDT', 107.5]]);
    made.endCycle({ now: START, reconciled: [], snapshots: [], missing: [] });
    expect(stream.watched).toEqual(new Set(['BTCUSDT', 'ETHUSDT']));
  });

  describe('SNA-4: a fill that a cycle found', () => {
    const found = (closedAt: number, now: number): PositionReconciled => {
      const record = GOOD_RECORDS['position.reconciled'];
      const reductions = record.reductions.map((one) => ({ ...one, closed_at: closedAt }));
      return { ...record, symbol: 'BTCUSDT', reconciled_at: now, reductions };
    };

    it.each([
      ['had no event', {}, 1],
      ['had one', { eventAt: 11_000 }, 0],
      ['is so new that its event may be on the way', { now: 14_000 }, 0],
      ['is older than the stream', { completeSince: START + 9000 }, 0],
      ['came while there was no stream', { completeSince: null }, 0],
    ])('%s', async (_, given: { eventAt?: number; now?: number; completeSince?: number | null }, times) => {
      const { clock, made, stream, changed, distrusted } = between();
      if (given.completeSince !== undefined) stream.completeSince = given.completeSince;
      await clock.move(given.eventAt ?? 0);
      if (given.eventAt !== undefined) changed('BTCUSDT');
      const now = START + (given.now ?? 30_000);
      made.endCycle({ now, reconciled: [found(START + 10_000, now)], snapshots: [], missing: [] });
      expect(distrusted).toHaveLength(times);
    });
  });
});
