/**
 * Observations between two cycles of the position observer, of symbols that the venue's event stream reports as changed. So a fill is recorded
 * within a second or two instead of at the next cycle.
 *
 * SNA-1  An event is only a reason to ask: what is recorded is the venue's answer.
 * SNA-2  Events that come together lead to one observation, observations are a second apart, and an allowance bounds their number. What
 *        exceeds it is left to the next cycle.
 * SNA-3  Nothing here delays a cycle for longer than one observation takes. One without an answer is left to the next cycle.
 * SNA-4  A stream that did not report a fill that a cycle found is restarted: it may be silently dead.
 */
import { type FollowedChanges, type ObservedCycle, transient } from './cycle.ts';
import type { ChangeStream, VenueChange } from '../../ports/venue.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { PositionObserver } from './position-observer.ts';

interface BetweenCyclesOptions {
  readonly stream: ChangeStream;
  readonly observer: Pick<PositionObserver, 'symbols' | 'follow' | 'noteMark'>;
  /** Writes what an observation found. */
  readonly write: (followed: FollowedChanges) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** How long further events are waited for after the first: one fill comes as several. Unit: milliseconds. */
const GATHER_MS = 100;

/** SNA-2: the least time between two observations. Unit: milliseconds. */
const APART_MS = 1000;

/** SNA-2: how many observations may follow each other, and how long it takes until one more may. In the long run this is about a tenth of Binance's request weight. */
const BURST = 10;
const REFILL_MS = 3000;

/** How often a symbol is asked about, a second apart, until the answer shows the change: an event may be ahead of the answers. */
const TRIES = 3;

/** SNA-4: an event is behind its fill by less than this. Unit: milliseconds. */
const EVENTS_LATE_MS = 5000;

export class BetweenCycles {
  readonly #options: BetweenCyclesOptions;
  /** Symbols to observe -> the tries that are left. */
  readonly #asked = new Map<string, number>();
  /** True where events of any symbol may have been missed. */
  #gap = false;
  readonly #changedAt = new Map<string, EpochMillis>();
  #wake: (() => void) | null = null;
  #askedAt: EpochMillis = 0;
  #observedAt: EpochMillis = 0;
  #allowance = BURST;
  #refilledAt: EpochMillis;

  constructor(options: BetweenCyclesOptions) {
    this.#options = options;
    this.#refilledAt = options.clock.now();
  }

  /** Follows the stream until the signal aborts. Never throws. */
  async follow(signal: AbortSignal): Promise<void> {
    const { stream, metrics } = this.#options;
    const reporting = metrics.gauge('streamTells', {});
    metrics.onLook(() => reporting.set(stream.completeSince === null ? 0 : 1));
    const changes = metrics.counter('streamChanges', { kind: 'account' });
    const marks = metrics.counter('streamChanges', { kind: 'mark' });
    const gaps = metrics.counter('streamChanges', { kind: 'gap' });
    await stream.follow((change) => {
      if (change.kind === 'mark') marks.add(1);
      else if (change.kind === 'account') changes.add(1);
      else gaps.add(1);
      this.#note(change);
    }, signal);
  }

  /** A cycle has ended: restarts the stream where it did not report a fill that the cycle found. */
  endCycle(cycle: ObservedCycle): void {
    const { stream, observer, logger, metrics } = this.#options;
    stream.watch(observer.symbols);
    const missed = cycle.reconciled.filter((record) => this.#wasMissed(record)).map(({ symbol }) => symbol);
    if (missed.length === 0) return;
    metrics.counter('streamMissed', {}).add(missed.length);
    logger.warn({ symbols: missed }, `the stream did not tell of fills of ${missed.join(', ')}, which a cycle found`);
    stream.distrust('it did not tell of a fill');
  }

  /** A cycle begins: it answers everything that was asked for so far. */
  beginCycle(): void {
    this.#asked.clear();
    this.#gap = false;
  }

  /** Waits until that time, and meanwhile observes the symbols that change. */
  async until(time: EpochMillis, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const now = clock.now();
      if (now >= time) return;
      if (!this.#gap && this.#asked.size === 0) {
        await this.#changeOr(time - now, signal);
        continue;
      }
      const at = this.#nextObservationAt();
      if (at >= time) {
        await clock.sleep(time - now, signal);
        return;
      }
      if (at > now) await clock.sleep(at - now, signal);
      if (!signal.aborted) await this.#observe();
    }
  }

  #note(change: VenueChange): void {
    const { observer, clock } = this.#options;
    if (change.kind === 'mark') {
      observer.noteMark(change.symbol, Number(change.price));
      return;
    }
    if (!this.#gap && this.#asked.size === 0) this.#askedAt = clock.now();
    if (change.kind === 'gap') this.#gap = true;
    else {
      this.#changedAt.set(change.symbol, clock.now());
      if (!observer.symbols.has(change.symbol)) return;
      this.#asked.set(change.symbol, TRIES);
    }
    this.#wake?.();
  }

  /** SNA-2: the earliest time of the next observation. */
  #nextObservationAt(): EpochMillis {
    const now = this.#options.clock.now();
    const refills = Math.floor((now - this.#refilledAt) / REFILL_MS);
    if (refills > 0) {
      this.#allowance = Math.min(BURST, this.#allowance + refills);
      this.#refilledAt += refills * REFILL_MS;
    }
    const allowed = this.#allowance > 0 ? now : this.#refilledAt + REFILL_MS;
    return Math.max(allowed, this.#askedAt + GATHER_MS, this.#observedAt + APART_MS);
  }

  /** Observes the changed symbols once; an unanswered observation is left to the next cycle (SNA-3). */
  async #observe(): Promise<void> {
    const { observer, write, clock, logger, metrics } = this.#options;
    const asked = new Map(this.#asked);
    const isGap = this.#gap;
    this.#asked.clear();
    this.#gap = false;
    this.#allowance -= 1;
    this.#observedAt = clock.now();
    metrics.counter('extraLooks', {}).add(1);
    const followed = await observer.follow(isGap ? null : new Set(asked.keys())).catch((thrown: unknown) => {
      logger.warn({}, `looking between cycles: ${messageOf(transient(thrown))}; the next cycle looks again`);
      return null;
    });
    if (followed === null) return;
    // The observer returns each reduction once, so a write that fails for good ends the process, as in a cycle.
    if (followed.reconciled.length > 0) await write(followed);
    const again = [...followed.unsure, ...followed.unchanged.filter((symbol) => asked.has(symbol))];
    for (const symbol of again) this.#again(symbol, asked.get(symbol) ?? TRIES);
  }

  #again(symbol: string, tries: number): void {
    if (tries <= 1 || this.#asked.has(symbol)) return;
    if (!this.#gap && this.#asked.size === 0) this.#askedAt = this.#options.clock.now();
    this.#asked.set(symbol, tries - 1);
  }

  /** SNA-4: the record has a fill from a time at which the stream was reporting, long enough ago, and no event came for it. */
  #wasMissed({ symbol, reductions, reconciled_at: now }: ObservedCycle['reconciled'][number]): boolean {
    const { completeSince } = this.#options.stream;
    if (completeSince === null) return false;
    const eventAt = this.#changedAt.get(symbol) ?? 0;
    return reductions.some(
      ({ closed_at: at }) =>
        at > completeSince + EVENTS_LATE_MS && now - at > EVENTS_LATE_MS && eventAt < at - EVENTS_LATE_MS,
    );
  }

  async #changeOr(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      await this.#options.clock.sleep(ms, AbortSignal.any([signal, woken.signal]));
    } finally {
      this.#wake = null;
    }
  }
}
