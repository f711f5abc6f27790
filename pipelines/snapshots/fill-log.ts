import type { EpochMillis } from '../../ports/clock.ts';
import type { Fills, Venue, VenueFill } from '../../ports/venue.ts';

/** A venue's list of fills may be late: what came just before the latest look is asked for again. Unit: milliseconds. */
const OVERLAP_MS = 60 * 60 * 1000;

/** The fills of so many are held while an opening is looked for; one that lies behind more stays unknown. Unit: fills. */
const MAX_FILLS = 50_000;

/**
 * The fills of one symbol, whole from a moment on to now. It is read forwards as they come, and backwards piece by piece, so that a position
 * which was opened long ago holds up nothing while its opening is looked for.
 */
export class FillLog {
  readonly #venue: Venue;
  readonly #symbol: string;
  #fills: readonly VenueFill[] = [];
  /** From when on they are whole; null: nothing has been read. */
  #since: EpochMillis | null = null;
  #readAt: EpochMillis = 0;
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

  /** Nothing older than what is there will be told, or asked for. */
  reaches(oldest: EpochMillis): boolean {
    return this.#since !== null && (this.#isAtEnd || this.#since <= oldest || this.#fills.length >= MAX_FILLS);
  }

  /** Reads what has come since the latest look, or everything from `from` on where it is the first. Throws EXCHANGE_AWAY. */
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

  /** Reads one piece further back. False: there is no more, or the venue answers no more such questions just now. Throws EXCHANGE_AWAY. */
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

  /** The latest answer is believed: an earlier one may have been false. */
  #merge(fills: readonly VenueFill[]): void {
    if (fills.length === 0) return;
    const told = new Map(fills.map((fill) => [fill.fillId, fill]));
    const before = this.#fills.map((fill) => told.get(fill.fillId) ?? fill);
    for (const { fillId } of before) told.delete(fillId);
    // Stable, so fills of one millisecond stay in the venue's order.
    this.#fills = [...before, ...told.values()].toSorted((one, other) => one.filledAt - other.filledAt);
  }
}

/** The longest pause. Unit: looks. */
const LONGEST = 32;

/** Looks in which something that failed is not tried again: twice as many after each failure in a row. */
export class LookPause {
  #left = 0;
  #next = 1;

  /** To be asked once a look. */
  isOver(): boolean {
    if (this.#left === 0) return true;
    this.#left -= 1;
    return false;
  }

  failed(): void {
    this.#left = this.#next;
    this.#next = Math.min(2 * this.#next, LONGEST);
  }

  succeeded(): void {
    this.#left = 0;
    this.#next = 1;
  }
}
