/**
 * The watermark of each account: the newest believable time of its own snapshots. How late or silent something is, is measured by it.
 *
 * WAT-1   An account's watermark moves with its own records only, so desks in one log may live years apart.
 * WAT-22  What is kept up to date record by record is what a count of all records gives.
 *
 * A time stamp may be wrong. A record that lies more than `leap` (an hour) ahead of the one before it in its series (the snapshots of a
 * position, the signals of a symbol) waits for the next one: if that is as late, the source had paused; if it is earlier, the time was
 * wrong and is dropped. Where the log is written live, the reader's clock decides at once (stall-watch.ts, WAT-11).
 */
import type { EpochMillis, ModelSignal } from '../../schemas/generated/records.ts';

interface Timed {
  readonly at: EpochMillis;
}

/** Records of one key, in the order of their partition, of which one may carry a wrong time. */
export class Series<O extends Timed> {
  readonly #leapMs: number;
  #last: O | null = null;
  #ahead: O | null = null;
  #confirmed = false;

  constructor(leapMs: number) {
    this.#leapMs = leapMs;
  }

  /** The latest record with a believable time. */
  get last(): O | null {
    return this.#last;
  }

  /** The record that is ahead and waits for the next; null without one. */
  get ahead(): O | null {
    return this.#ahead;
  }

  /** Two records agree on the time. False while only a first record is known. */
  get confirmed(): boolean {
    return this.#confirmed;
  }

  /** Adds a record, and returns those that are accepted now, oldest first. A record no newer than the last is a repeat and changes nothing. */
  add(next: O): readonly O[] {
    const last = this.#last;
    if (last === null) return this.#accept([next]);
    if (next.at <= last.at) {
      if (next.at < last.at) this.#ahead = null;
      // The first record was ahead.
      return !this.#confirmed && this.#leaps(next, last) ? this.#accept([next]) : [];
    }
    const ahead = this.#ahead !== null && next.at > this.#ahead.at ? this.#ahead : null;
    const leaps = this.#leaps(ahead ?? last, next);
    this.#confirmed ||= ahead !== null || !leaps;
    const accepted = [ahead, leaps ? null : next].filter((one) => one !== null);
    if (accepted.length > 0) this.#accept(accepted);
    if (leaps) this.#ahead = next;
    return accepted;
  }

  #accept(records: readonly O[]): readonly O[] {
    this.#last = records.at(-1) ?? this.#last;
    this.#ahead = null;
    return records;
  }

  #leaps(from: O, to: O): boolean {
    return to.at - from.at > this.#leapMs;
  }
}

/** What a watermark needs of a series. */
export type Progress = Pick<Series<Timed>, 'last' | 'confirmed'>;

/**
 * The watermark of several series, kept up to date record by record (WAT-22). It is the newest time that two records of a series agree on, or
 * that of a first record within `leap` of it. Where there are only first records it is the newest one with another within `leap`, else the
 * oldest: a watermark that is late raises no false alert.
 */
export class SeriesWatermark {
  readonly #leapMs: number;
  /** The newest time that two records agree on: it never falls, since the time of a confirmed series never does. */
  #confirmedAt = -Infinity;
  /** Series of which only a first record is known. */
  readonly #unconfirmed = new Set<Progress>();
  /** Null after a record, until it is asked for. */
  #at: EpochMillis | null = -Infinity;

  constructor(leapMs: number, series: Iterable<Progress> = []) {
    this.#leapMs = leapMs;
    for (const one of series) this.moved(one);
  }

  /** To be called with a series after each of its records. */
  moved(series: Progress): void {
    const { last, confirmed } = series;
    if (last === null) return;
    this.#at = null;
    if (confirmed) {
      this.#unconfirmed.delete(series);
      this.#confirmedAt = Math.max(this.#confirmedAt, last.at);
    } else this.#unconfirmed.add(series);
  }

  /** -Infinity without any record. */
  get at(): EpochMillis {
    return (this.#at ??= this.confirmed ? this.#nearConfirmed() : this.#amongFirst());
  }

  /** Two records of one of the series agree on a time. */
  get confirmed(): boolean {
    return this.#confirmedAt > -Infinity;
  }

  #nearConfirmed(): EpochMillis {
    let newest = this.#confirmedAt;
    for (const { last } of this.#unconfirmed) {
      if (last !== null && last.at - this.#confirmedAt <= this.#leapMs) newest = Math.max(newest, last.at);
    }
    return newest;
  }

  #amongFirst(): EpochMillis {
    const newestFirst = Array.from(this.#unconfirmed, ({ last }) => last?.at ?? -Infinity).toSorted(
      (one, other) => other - one,
    );
    const near = (at: EpochMillis, index: number): boolean =>
      at - (newestFirst[index + 1] ?? -Infinity) <= this.#leapMs;
    return newestFirst.find(near) ?? newestFirst.at(-1) ?? -Infinity;
  }
}

interface AccountSignals {
  readonly symbols: Map<string, Series<Timed>>;
  readonly watermark: SeriesWatermark;
}

/** The times of model signals, by account and symbol. Models are programs of their own: they go on when the source of snapshots dies. */
export class SignalSeries {
  readonly #leapMs: number;
  readonly #accounts = new Map<string, AccountSignals>();

  constructor(leapMs: number) {
    this.#leapMs = leapMs;
  }

  add({ account, symbol }: Pick<ModelSignal, 'account' | 'symbol'>, at: EpochMillis): void {
    let signals = this.#accounts.get(account);
    if (signals === undefined) {
      signals = { symbols: new Map(), watermark: new SeriesWatermark(this.#leapMs) };
      this.#accounts.set(account, signals);
    }
    let series = signals.symbols.get(symbol);
    if (series === undefined) signals.symbols.set(symbol, (series = new Series(this.#leapMs)));
    series.add({ at });
    signals.watermark.moved(series);
  }

  /** Latest signal time of the account; -Infinity without one, or where the only signal is near to no other. */
  watermark(account: string): EpochMillis {
    const signals = this.#accounts.get(account);
    if (signals === undefined) return -Infinity;
    return signals.symbols.size > 1 || signals.watermark.confirmed ? signals.watermark.at : -Infinity;
  }
}

/** The watermarks of all accounts, as of one moment. */
export class AccountWatermarks {
  readonly #watermarks: ReadonlyMap<string, EpochMillis>;
  readonly #confirmed: ReadonlySet<string>;
  readonly #signals: SignalSeries;
  readonly #activeAt = new Map<string, EpochMillis>();
  readonly #leapMs: number;
  readonly #now: EpochMillis | null;

  /** `positions`: the watermark of the snapshots of each account that has any. `now`: the reader's clock where the log is written live. */
  constructor(
    positions: ReadonlyMap<string, SeriesWatermark>,
    signals: SignalSeries,
    leapMs: number,
    now: EpochMillis | null,
  ) {
    this.#watermarks = new Map(Array.from(positions, ([account, { at }]) => [account, at]));
    this.#confirmed = new Set([...positions].filter(([, { confirmed }]) => confirmed).map(([account]) => account));
    this.#signals = signals;
    this.#leapMs = leapMs;
    this.#now = now;
  }

  get accounts(): readonly string[] {
    return [...this.#watermarks.keys()];
  }

  /** -Infinity where the account has no snapshot. */
  of(account: string): EpochMillis {
    return this.#watermarks.get(account) ?? -Infinity;
  }

  /** The latest time of its snapshots and signals. */
  latestActivity(account: string): EpochMillis {
    let activeAt = this.#activeAt.get(account);
    if (activeAt === undefined) {
      activeAt = Math.max(this.of(account), this.#signals.watermark(account));
      this.#activeAt.set(account, activeAt);
    }
    return activeAt;
  }

  /** Whether a time is too far ahead to be true of the account; false for an unknown account. */
  isAhead(account: string, at: EpochMillis): boolean {
    return at - this.#latest(account, at) > this.#leapMs;
  }

  /** The time itself, or the latest believable one where it is ahead. */
  bounded(account: string, at: EpochMillis): EpochMillis {
    return this.isAhead(account, at) ? this.#latest(account, at) : at;
  }

  /** The newest of all watermarks; null without any. Accounts with a single record count only where there are no others. */
  newest(): EpochMillis | null {
    const accounts = this.#confirmed.size > 0 ? [...this.#confirmed] : this.accounts;
    const newest = accounts.reduce((latest, account) => Math.max(latest, this.of(account)), -Infinity);
    return newest === -Infinity ? null : newest;
  }

  #latest(account: string, at: EpochMillis): EpochMillis {
    const activeAt = this.latestActivity(account);
    return this.#now ?? (activeAt === -Infinity ? at : activeAt);
  }
}
