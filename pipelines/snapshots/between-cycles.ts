/**
 * What happens between two cycles of the position source: looks where the venue's stream says that something changed.
 *
 * SNA-1  A change is a reason to look: only what the venue answers is recorded.
 * SNA-2  Changes of a moment are one look, looks are a second apart, and a burst of them is bounded by an allowance; what is not looked at
 *      is the next cycle's.
 * SNA-3  Nothing here delays a cycle for longer than one look takes, and a look without an answer is the next cycle's.
 * SNA-4  A stream that did not tell of a fill that a cycle found is begun anew: one that says nothing is no better than none.
 */
import { type FollowedChanges, type ObservedCycle, transient } from './cycle.ts';
import type { ChangeStream, VenueChange } from '../../ports/venue.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';

/** The part of the position source that looks between cycles. */
export interface FollowingSource {
  readonly symbols: ReadonlySet<string>;
  follow(asked: ReadonlySet<string> | null): Promise<FollowedChanges>;
  noteMark(symbol: string, price: number): void;
}

export interface BetweenCyclesOptions {
  readonly stream: ChangeStream;
  readonly source: FollowingSource;
  /** Writes what a look found. */
  readonly write: (followed: FollowedChanges) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** A fill comes as several events. Unit: milliseconds. */
const GATHER_MS = 100;

/** SNA-2. Unit: milliseconds. */
const APART_MS = 1000;

/** SNA-2: looks at once, and how long until one more is allowed. In the long run about a tenth of Binance's weight. */
const BURST = 10;
const REFILL_MS = 3000;

/** An event may be ahead of what the venue answers: so often is asked again, a second later each. */
const TRIES = 3;

/** SNA-4: events may be behind the fills that they tell of by less than this. Unit: milliseconds. */
const EVENTS_LATE_MS = 5000;

export class BetweenCycles {
  readonly #options: BetweenCyclesOptions;
  /** Symbols to look at -> tries that are left. */
  readonly #asked = new Map<string, number>();
  /** Whether changes of any symbol may have been missed. */
  #gap = false;
  readonly #changedAt = new Map<string, EpochMillis>();
  #wake: (() => void) | null = null;
  #askedAt: EpochMillis = 0;
  #lookedAt: EpochMillis = 0;
  #allowance = BURST;
  #refilledAt: EpochMillis;

  constructor(options: BetweenCyclesOptions) {
    this.#options = options;
    this.#refilledAt = options.clock.now();
  }

  /** Follows the stream until the signal aborts. Never throws. */
  async follow(signal: AbortSignal): Promise<void> {
    const { stream, metrics } = this.#options;
    const tells = metrics.gauge('streamTells', {});
    metrics.onLook(() => tells.set(stream.tellsSince === null ? 0 : 1));
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

  /** A cycle has looked at everything: what was asked for before it began is answered. */
  cycled(cycle: ObservedCycle): void {
    const { stream, source, logger, metrics } = this.#options;
    stream.watch(source.symbols);
    const missed = cycle.reconciled.filter((record) => this.#wasMissed(record)).map(({ symbol }) => symbol);
    if (missed.length === 0) return;
    metrics.counter('streamMissed', {}).add(missed.length);
    logger.warn({ symbols: missed }, `the stream did not tell of fills of ${missed.join(', ')}, which a cycle found`);
    stream.distrust('it did not tell of a fill');
  }

  /** Begins a cycle. */
  starts(): void {
    this.#asked.clear();
    this.#gap = false;
  }

  /** Waits, and looks where it is asked for, until that time. */
  async until(time: EpochMillis, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const now = clock.now();
      if (now >= time) return;
      if (!this.#gap && this.#asked.size === 0) {
        await this.#changeOr(time - now, signal);
        continue;
      }
      const at = this.#nextLookAt();
      if (at >= time) {
        await clock.sleep(time - now, signal);
        return;
      }
      if (at > now) await clock.sleep(at - now, signal);
      if (!signal.aborted) await this.#look();
    }
  }

  #note(change: VenueChange): void {
    const { source, clock } = this.#options;
    if (change.kind === 'mark') {
      source.noteMark(change.symbol, Number(change.price));
      return;
    }
    if (!this.#gap && this.#asked.size === 0) this.#askedAt = clock.now();
    if (change.kind === 'gap') this.#gap = true;
    else {
      this.#changedAt.set(change.symbol, clock.now());
      if (!source.symbols.has(change.symbol)) return;
      this.#asked.set(change.symbol, TRIES);
    }
    this.#wake?.();
  }

  /** SNA-2. */
  #nextLookAt(): EpochMillis {
    const now = this.#options.clock.now();
    const refills = Math.floor((now - this.#refilledAt) / REFILL_MS);
    if (refills > 0) {
      this.#allowance = Math.min(BURST, this.#allowance + refills);
      this.#refilledAt += refills * REFILL_MS;
    }
    const allowed = this.#allowance > 0 ? now : this.#refilledAt + REFILL_MS;
    return Math.max(allowed, this.#askedAt + GATHER_MS, this.#lookedAt + APART_MS);
  }

  /** SNA-3. */
  async #look(): Promise<void> {
    const { source, write, clock, logger, metrics } = this.#options;
    const asked = new Map(this.#asked);
    const isGap = this.#gap;
    this.#asked.clear();
    this.#gap = false;
    this.#allowance -= 1;
    this.#lookedAt = clock.now();
    metrics.counter('extraLooks', {}).add(1);
    const followed = await source.follow(isGap ? null : new Set(asked.keys())).catch((thrown: unknown) => {
      logger.warn({}, `looking between cycles: ${messageOf(transient(thrown))}; the next cycle looks again`);
      return null;
    });
    if (followed === null) return;
    // The source tells of a fill once, so what cannot be written ends it, as in a cycle.
    if (followed.reconciled.length > 0) await write(followed);
    const again = [...followed.unsure, ...followed.unchanged.filter((symbol) => asked.has(symbol))];
    for (const symbol of again) this.#again(symbol, asked.get(symbol) ?? TRIES);
  }

  #again(symbol: string, tries: number): void {
    if (tries <= 1 || this.#asked.has(symbol)) return;
    if (!this.#gap && this.#asked.size === 0) this.#askedAt = this.#options.clock.now();
    this.#asked.set(symbol, tries - 1);
  }

  /** SNA-4: a fill from while the stream told of the account's changes, and long enough ago. */
  #wasMissed({ symbol, reductions, reconciled_at: now }: ObservedCycle['reconciled'][number]): boolean {
    const { tellsSince } = this.#options.stream;
    if (tellsSince === null) return false;
    const toldAt = this.#changedAt.get(symbol) ?? 0;
    return reductions.some(
      ({ closed_at: at }) =>
        at > tellsSince + EVENTS_LATE_MS && now - at > EVENTS_LATE_MS && toldAt < at - EVENTS_LATE_MS,
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
