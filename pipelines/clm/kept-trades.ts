import type { TradeClosed } from '../../schemas/generated/records.ts';

/** A recorder that writes a trade twice does so within this time. Unit: milliseconds. */
const DOUBLE_WITHIN_MS = 50;

/** Fuller tables are slow to search. Unit: ratio. */
const FULLEST = 0.5;

/** The size of the first table. Unit: places; a power of two. */
const FIRST_SIZE = 1024;

const UINT32 = 2 ** 32;
/** 53 bits of the content's hash are kept: what a double holds exactly. */
const HIGH_BITS = 2 ** 21;

const FREE = -1;

/**
 * Recognises rows that repeat a trade which was kept before: same account, symbol, side, prices, result, model and size, at most 50 ms apart.
 * Trades are looked up by slots of 50 ms: two that are kept never share one.
 *
 * CLM-20  Memory: some 50 bytes a trade, for a million are imported at a time. Contents are compared by 53 bits of their hash, and only
 *         among trades within 50 ms, so that two different ones are not taken for one in practice.
 */
export class KeptTrades {
  #contents = new Float64Array(FIRST_SIZE);
  #times = new Float64Array(FIRST_SIZE);
  /** Which row it was, as the keeper counts them. */
  #rows = new Float64Array(FIRST_SIZE).fill(FREE);
  #size = 0;

  /** The row of the trade that this one repeats; null for one that repeats none. */
  repeated(trade: TradeClosed): number | null {
    if (this.#size === 0) return null;
    const slot = slotOf(trade.closed_at);
    const content = hashOf(contentOf(trade));
    for (let near = slot - 1; near <= slot + 1; near++) {
      const at = this.#placeOf(content, near);
      const row = this.#rows[at] as number;
      if (row !== FREE && Math.abs((this.#times[at] as number) - trade.closed_at) <= DOUBLE_WITHIN_MS) return row;
    }
    return null;
  }

  has(trade: TradeClosed): boolean {
    return this.repeated(trade) !== null;
  }

  add(trade: TradeClosed, row = 0): void {
    if (this.#size + 1 > FULLEST * this.#rows.length) this.#grow();
    this.#set(hashOf(contentOf(trade)), trade.closed_at, row);
  }

  #set(content: number, time: number, row: number): void {
    const at = this.#placeOf(content, slotOf(time));
    if (this.#rows[at] === FREE) this.#size += 1;
    this.#contents[at] = content;
    this.#times[at] = time;
    this.#rows[at] = row;
  }

  /** Where a trade of this content and slot is, or the free place where it belongs. */
  #placeOf(content: number, slot: number): number {
    const mask = this.#rows.length - 1;
    let at = (Math.imul((content % UINT32) ^ (slot % UINT32), 0x9e3779b1) >>> 7) & mask;
    while (this.#rows[at] !== FREE) {
      if (this.#contents[at] === content && slotOf(this.#times[at] as number) === slot) return at;
      at = (at + 1) & mask;
    }
    return at;
  }

  #grow(): void {
    const [contents, times, rows] = [this.#contents, this.#times, this.#rows];
    const length = 2 * rows.length;
    this.#contents = new Float64Array(length);
    this.#times = new Float64Array(length);
    this.#rows = new Float64Array(length).fill(FREE);
    this.#size = 0;
    rows.forEach((row, at) => {
      if (row !== FREE) this.#set(contents[at] as number, times[at] as number, row);
    });
  }
}

function slotOf(closedAt: number): number {
  return Math.floor(closedAt / DOUBLE_WITHIN_MS);
}

function contentOf({
  account,
  symbol,
  side,
  entry_price,
  exit_price,
  pnl_percent,
  model_id,
  quantity,
}: TradeClosed): string {
  return `${account} ${symbol} ${side} ${entry_price} ${exit_price} ${pnl_percent} ${model_id} ${quantity}`;
}

/** Two rounds of FNV-1a with different starts, 53 bits of both. */
function hashOf(text: string): number {
  let one = 0x811c9dc5;
  let other = 0x01000193;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x85ebca6b);
    other ^= other >>> 13;
  }
  return (one >>> 0) + ((other >>> 0) % HIGH_BITS) * UINT32;
}
