/**
 * The time that each account has come to: its watermark, the newest time of its own snapshots. Whatever follows of them is measured by it, so
 * desks in one log may live years apart, and no clock but that of the account's source counts.
 *
 * One rule for time stamps that are too far ahead: a record that lies more than an hour (`leap`) beyond the one before it of its series
 * (a position's snapshots, a symbol's signals) waits for the next one. Where that goes on from it, the source had paused; where that is
 * earlier, the time was wrong and is dropped. Where the log is written live, the reader's clock decides at once: what is more than an
 * hour ahead of it is never believed (stall-watch.ts).
 */
import type { EpochMillis, ModelSignal } from '../../schemas/generated/records.ts';

interface Timed {
  readonly at: EpochMillis;
}

/** Records that come in order, a partition's key has them so, of which one may carry a time that is far off. */
export class Series<O extends Timed> {
  readonly #leapMs: number;
  #last: O | null = null;
  #ahead: O | null = null;
  #vouched = false;

  constructor(leapMs: number) {
    this.#leapMs = leapMs;
  }

  /** The latest that is believed. */
  get last(): O | null {
    return this.#last;
  }

  /** One that waits for the next. */
  get ahead(): O | null {
    return this.#ahead;
  }

  /** Two records agree on the time; nothing vouches for that of a first one. */
  get vouched(): boolean {
    return this.#vouched;
  }

  /** Those that are believed through this one, oldest first. One that is not newer than the last is a repeat, and changes nothing. */
  add(next: O): readonly O[] {
    const last = this.#last;
    if (last === null) return this.#believe([next]);
    if (next.at <= last.at) {
      if (next.at < last.at) this.#ahead = null;
      // The first one was ahead.
      return !this.#vouched && this.#leaps(next, last) ? this.#believe([next]) : [];
    }
    const ahead = this.#ahead !== null && next.at > this.#ahead.at ? this.#ahead : null;
    const leaps = this.#leaps(ahead ?? last, next);
    this.#vouched ||= ahead !== null || !leaps;
    const believed = [ahead, leaps ? null : next].filter((one) => one !== null);
    if (believed.length > 0) this.#believe(believed);
    if (leaps) this.#ahead = next;
    return believed;
  }

  #believe(records: readonly O[]): readonly O[] {
    this.#last = records.at(-1) ?? this.#last;
    this.#ahead = null;
    return records;
  }

  #leaps(from: O, to: O): boolean {
    return to.at - from.at > this.#leapMs;
  }
}

/** What of a series tells time. */
export type Progress = Pick<Series<Timed>, 'last' | 'vouched'>;

/**
 * The time that series have come to together; -Infinity without any. The newest that two records of a series agree on, or a first
 * record that is no leap beyond it. Where there are only first records: the newest that another one is near to, else the oldest, since
 * a watermark that is late raises nothing falsely.
 */
export function watermarkOf(series: readonly Progress[], leapMs: number): EpochMillis {
  const newestFirst = series
    .flatMap(({ last, vouched }) => (last === null ? [] : [{ at: last.at, vouched }]))
    .toSorted((one, other) => other.at - one.at);
  const vouched = newestFirst.find((one) => one.vouched)?.at;
  const near = (at: EpochMillis, index: number): boolean =>
    vouched === undefined ? at - (newestFirst[index + 1]?.at ?? -Infinity) <= leapMs : at - vouched <= leapMs;
  return (newestFirst.find(({ at }, index) => near(at, index)) ?? newestFirst.at(-1))?.at ?? -Infinity;
}

/** What the models said, symbol by symbol: they are programs of their own, and go on where the source of snapshots died. */
export class SignalSeries {
  readonly #leapMs: number;
  readonly #accounts = new Map<string, Map<string, Series<Timed>>>();

  constructor(leapMs: number) {
    this.#leapMs = leapMs;
  }

  add({ account, symbol }: Pick<ModelSignal, 'account' | 'symbol'>, at: EpochMillis): void {
    let symbols = this.#accounts.get(account);
    if (symbols === undefined) this.#accounts.set(account, (symbols = new Map()));
    let series = symbols.get(symbol);
    if (series === undefined) symbols.set(symbol, (series = new Series(this.#leapMs)));
    series.add({ at });
  }

  /** -Infinity where nobody spoke. A single signal that is not near another one says nothing. */
  watermark(account: string): EpochMillis {
    const symbols = [...(this.#accounts.get(account)?.values() ?? [])];
    return symbols.length > 1 || symbols.some(({ vouched }) => vouched)
      ? watermarkOf(symbols, this.#leapMs)
      : -Infinity;
  }
}

/** The watermarks of all accounts at one moment. */
export class AccountWatermarks {
  readonly #watermarks: ReadonlyMap<string, EpochMillis>;
  readonly #vouched: ReadonlySet<string>;
  readonly #signals: SignalSeries;
  readonly #heardOf = new Map<string, EpochMillis>();
  readonly #leapMs: number;
  readonly #now: EpochMillis | null;

  /** `positions`: the snapshots of each position, by account. `now`: the reader's clock where the log is written live. */
  constructor(
    positions: ReadonlyMap<string, readonly Progress[]>,
    signals: SignalSeries,
    leapMs: number,
    now: EpochMillis | null,
  ) {
    this.#watermarks = new Map([...positions].map(([account, series]) => [account, watermarkOf(series, leapMs)]));
    this.#vouched = new Set(
      [...positions].filter(([, series]) => series.some(({ vouched }) => vouched)).map(([account]) => account),
    );
    this.#signals = signals;
    this.#leapMs = leapMs;
    this.#now = now;
  }

  get accounts(): readonly string[] {
    return [...this.#watermarks.keys()];
  }

  /** -Infinity where nothing of it was observed. */
  of(account: string): EpochMillis {
    return this.#watermarks.get(account) ?? -Infinity;
  }

  /** Until when it is heard of: its models go on where its snapshots do not. */
  heardOf(account: string): EpochMillis {
    let heardAt = this.#heardOf.get(account);
    if (heardAt === undefined) {
      heardAt = Math.max(this.of(account), this.#signals.watermark(account));
      this.#heardOf.set(account, heardAt);
    }
    return heardAt;
  }

  /** Whether a time is one that the account cannot have come to; false for an account of which nothing is known. */
  isAhead(account: string, at: EpochMillis): boolean {
    return at - this.#latest(account, at) > this.#leapMs;
  }

  /** The same time, or the latest that the account can have come to. */
  bounded(account: string, at: EpochMillis): EpochMillis {
    return this.isAhead(account, at) ? this.#latest(account, at) : at;
  }

  /** That of the account which is furthest; of those for which a single record speaks only where there is no other. Null without any. */
  newest(): EpochMillis | null {
    const accounts = this.#vouched.size > 0 ? [...this.#vouched] : this.accounts;
    const newest = accounts.reduce((latest, account) => Math.max(latest, this.of(account)), -Infinity);
    return newest === -Infinity ? null : newest;
  }

  #latest(account: string, at: EpochMillis): EpochMillis {
    const heardAt = this.heardOf(account);
    return this.#now ?? (heardAt === -Infinity ? at : heardAt);
  }
}
