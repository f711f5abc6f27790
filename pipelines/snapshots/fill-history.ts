/**
 * The fills of one symbol as the venue lists them: how far back they are read, and when they are read again. How they explain the positions is
 * match-fills.ts.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import type { Fills, Venue, VenueFill, VenueHolding } from '../../ports/venue.ts';
import { type FillMatch, type KnownPosition, matchFills } from './match-fills.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** How far back the fills of a new position are read at once: less than the span that venues allow in one request. Unit: milliseconds. */
const RECENT_MS = 6 * DAY_MS;

/** How far back an opening is searched for: venues keep about half a year. Unit: days. */
export const LONGEST_REACH_DAYS = 180;

/**
 * How many pieces of older fills one observation reads. On Binance, which answers a week at a time, this is two months: most openings are found
 * at once, and one observation waits for no more answers than this.
 */
const PIECES_PER_OBSERVATION = 8;

/** A record is later than the fills that it was made from, by the venue's delay and the clock's error. Unit: milliseconds. */
const RECORDED_LATE_MS = 60 * 60 * 1000;

/** The venue's time is known to about half a round trip. Unit: milliseconds. */
const CLOCK_ERROR_MS = 1000;

/** How the fills that were read explain the positions. */
interface FillReading {
  readonly match: FillMatch;
  /** False: older fills may explain more, and have not been read yet. */
  readonly isComplete: boolean;
  /** Why older fills could not be read; null: nothing failed. */
  readonly failure: unknown;
}

/** Reads the fills of one symbol for as long as its positions need them, and forgets them afterwards. */
export class FillHistory {
  readonly #symbol: string;
  readonly #venue: Venue;
  /** Null: no fills are held. */
  #log: FillLog | null = null;
  /** After a failed request for older fills. */
  readonly #searchPause = new RetryPause();
  /** After a full read that did not explain the positions. */
  readonly #rereadPause = new RetryPause();

  constructor(symbol: string, venue: Venue) {
    this.#symbol = symbol;
    this.#venue = venue;
  }

  /** True while fills are held for a later observation. */
  get isHeld(): boolean {
    return this.#log !== null;
  }

  /** Drops the fills: nothing is left to explain. */
  forget(): void {
    this.#log = null;
  }

  /**
   * Reads the fills as far as `known` and `holdings` need them, older ones a few pieces at a time. `isChanged` where there may be newer fills
   * than those held. Throws EXCHANGE_AWAY where the newest are not answered.
   */
  async read(
    known: readonly KnownPosition[],
    holdings: readonly VenueHolding[],
    shownAt: EpochMillis,
    isChanged: boolean,
  ): Promise<FillReading> {
    const log = (this.#log ??= new FillLog(this.#symbol, this.#venue));
    const maySearch = this.#searchPause.isOver();
    const reading = await readFills(log, known, holdings, shownAt, { isChanged, maySearch });
    if (reading.failure !== null) this.#searchPause.failed();
    else if (maySearch) this.#searchPause.succeeded();
    // The venue's answer may have been false or incomplete.
    if (reading.match.unexplained.length === 0) this.#rereadPause.succeeded();
    else if (reading.isComplete && this.#rereadPause.isOver()) {
      this.#log = null;
      this.#rereadPause.failed();
    }
    return reading;
  }

  /** The same with the newest fills only, between two observations. What it reads is kept only where fills are held anyway. */
  async readNewest(
    known: readonly KnownPosition[],
    holdings: readonly VenueHolding[],
    shownAt: EpochMillis,
  ): Promise<FillMatch> {
    const log = this.#log ?? new FillLog(this.#symbol, this.#venue);
    return (await readFills(log, known, holdings, shownAt, { isChanged: true, maySearch: false })).match;
  }
}

async function readFills(
  log: FillLog,
  known: readonly KnownPosition[],
  holdings: readonly VenueHolding[],
  shownAt: EpochMillis,
  { isChanged, maySearch }: { readonly isChanged: boolean; readonly maySearch: boolean },
): Promise<FillReading> {
  if (log.isEmpty || isChanged) await log.update(newestFrom(known, holdings, shownAt), shownAt);
  let match = bestMatch(log, known, holdings, shownAt);
  let failure: unknown = null;
  const pieces = maySearch ? PIECES_PER_OBSERVATION : 0;
  for (let piece = 0; piece < pieces; piece++) {
    try {
      if (!(await log.extend(oldestNeeded(match, known, shownAt)))) break;
    } catch (thrown) {
      failure = thrown;
      break;
    }
    match = bestMatch(log, known, holdings, shownAt);
  }
  return { match, isComplete: log.reaches(oldestNeeded(match, known, shownAt)), failure };
}

/** The time from which the newest fills are read. */
function newestFrom(
  known: readonly KnownPosition[],
  holdings: readonly VenueHolding[],
  shownAt: EpochMillis,
): EpochMillis {
  const isNew = holdings.some(({ side }) => !known.some((one) => one.side === side));
  return Math.min(isNew ? shownAt - RECENT_MS : shownAt, ...known.map(({ agreed }) => agreed.at - RECORDED_LATE_MS));
}

/** The time of the oldest fill that could still explain something; Infinity: everything is explained. */
function oldestNeeded(
  { followed, unexplained, unopened, late }: FillMatch,
  known: readonly KnownPosition[],
  shownAt: EpochMillis,
): EpochMillis {
  const undated = known.some((one) => one.openingSought && followed.get(one.position_id)?.opening === null);
  if (undated || unopened.some((holding) => !late.includes(holding))) return shownAt - LONGEST_REACH_DAYS * DAY_MS;
  return Math.min(...unexplained.map(({ opened_at }) => opened_at));
}

/**
 * The match of the longest beginning of the fills that explains everything; of all fills where none does. Fills later than `shownAt` are left
 * out only where fills and holdings agree without them: they came after the holdings were shown.
 */
function bestMatch(
  log: FillLog,
  known: readonly KnownPosition[],
  holdings: readonly VenueHolding[],
  shownAt: EpochMillis,
): FillMatch {
  const { fills, since } = log.whole;
  const of = (some: readonly VenueFill[]): FillMatch =>
    matchFills({ fills: some, since, shownAt, reaches: (time) => log.reaches(time) }, known, holdings);
  const whole = of(fills);
  if (explainsAll(whole)) return whole;
  for (let end = fills.length - 1; end >= 0 && (fills[end]?.filledAt ?? 0) >= shownAt - CLOCK_ERROR_MS; end--) {
    const shorter = of(fills.slice(0, end));
    if (explainsAll(shorter)) return shorter;
  }
  return whole;
}

function explainsAll({ unexplained, unopened }: FillMatch): boolean {
  return unexplained.length === 0 && unopened.length === 0;
}

/** A venue's list of fills may be late: this much before the latest request is asked for again. Unit: milliseconds. */
const OVERLAP_MS = 60 * 60 * 1000;

/** The most fills that are held while an opening is searched for; an opening that lies behind more stays unknown. Unit: fills. */
const MAX_FILLS = 50_000;

/**
 * The fills of one symbol, without a gap from one moment to now. New fills are added at the end; older ones are read piece by piece, so that a
 * position that was opened long ago delays nothing while its opening is searched for.
 */
class FillLog {
  readonly #venue: Venue;
  readonly #symbol: string;
  #fills: readonly VenueFill[] = [];
  /** The moment from which they are complete; null: nothing has been read. */
  #since: EpochMillis | null = null;
  #readAt: EpochMillis = 0;
  /** The venue has nothing older. */
  #isAtEnd = false;

  constructor(symbol: string, venue: Venue) {
    this.#symbol = symbol;
    this.#venue = venue;
  }

  get isEmpty(): boolean {
    return this.#since === null;
  }

  /** Throws TypeError before anything was read. */
  get whole(): Fills {
    if (this.#since === null) throw new TypeError(`the fills of ${this.#symbol} have not been read`);
    return { fills: this.#fills, since: this.#since };
  }

  /** True where no request would bring a fill between `oldest` and those held, or none may be made. */
  reaches(oldest: EpochMillis): boolean {
    return this.#since !== null && (this.#isAtEnd || this.#since <= oldest || this.#fills.length >= MAX_FILLS);
  }

  /** Reads the fills since the latest request, or from `from` on where it is the first. Throws EXCHANGE_AWAY. */
  async update(from: EpochMillis, now: EpochMillis): Promise<void> {
    const start = this.#since === null ? from : Math.max(this.#since, this.#readAt - OVERLAP_MS);
    const { fills, since } = await this.#venue.fills(this.#symbol, start);
    if (this.#since === null) {
      this.#since = since;
      this.#isAtEnd = since > start;
    }
    this.#readAt = now;
    this.#merge(fills);
  }

  /** Reads one older piece. False: there is none, or the venue answers no more such requests now. Throws EXCHANGE_AWAY. */
  async extend(oldest: EpochMillis): Promise<boolean> {
    if (this.#since === null || this.reaches(oldest)) return false;
    const older = await this.#venue.olderFills(this.#symbol, this.#since);
    if (older === null) return false;
    if (older.since >= this.#since) {
      this.#isAtEnd = true;
      return false;
    }
    this.#since = older.since;
    this.#merge(older.fills);
    return true;
  }

  /** Of a fill that comes again the latest answer counts: an earlier one may have been false. */
  #merge(fills: readonly VenueFill[]): void {
    if (fills.length === 0) return;
    const latest = new Map(fills.map((fill) => [fill.fillId, fill]));
    const before = this.#fills.map((fill) => latest.get(fill.fillId) ?? fill);
    for (const { fillId } of before) latest.delete(fillId);
    // Stable, so fills of one millisecond stay in the venue's order.
    this.#fills = [...before, ...latest.values()].toSorted((one, other) => one.filledAt - other.filledAt);
  }
}

/** The longest pause. Unit: observations. */
const LONGEST_PAUSE = 32;

/** Counts the observations in which a request that failed is not made again: twice as many after each failure in a row. */
class RetryPause {
  #left = 0;
  #next = 1;

  /** To be asked once in each observation. */
  isOver(): boolean {
    if (this.#left === 0) return true;
    this.#left -= 1;
    return false;
  }

  failed(): void {
    this.#left = this.#next;
    this.#next = Math.min(2 * this.#next, LONGEST_PAUSE);
  }

  succeeded(): void {
    this.#left = 0;
    this.#next = 1;
  }
}
