/** How an order fills: in how many parts, at which prices, for which fees. */
import type { EpochMillis } from '../../../ports/clock.ts';
import type { RandomStream } from '../../../ports/random.ts';
import type { Fault } from '../faults.ts';
import type { AccountFill, AccountOrder } from './account-ledger.ts';
import type { SymbolBook } from './symbol-book.ts';

/** Unit: millionths of the value. */
const TAKER_RATE = 500n;
const MAKER_RATE = 200n;

/** Slippage is drawn between 0 and this, always against the account. Unit: fraction of the price. */
const MOST_SLIPPAGE = 0.0006;

const MOST_PARTS = 3;

/** The share of fills that are charged in BNB. */
const IN_BNB = 0.15;

/** How much later than its fill a list shows it while lists are behind: less than the minute that any list may be. Unit: milliseconds. */
const LISTED_LATE_MS = [1000, 50_000] as const;

interface Filling {
  readonly book: SymbolBook;
  readonly order: AccountOrder;
  /** How much of it may fill. Unit: lots. */
  readonly lots: number;
  readonly markTicks: number;
  /** Of this order alone. */
  readonly random: RandomStream;
  readonly now: EpochMillis;
  /** The lists are behind; null: they are not. */
  readonly late: Fault | null;
}

/** Fills as much of the order as is open, and as its limit lets. */
export function fillOrder({ book, order, lots, markTicks, random, now, late }: Filling): readonly AccountFill[] {
  const [least, most] = LISTED_LATE_MS;
  const lateMs = late === null ? 0 : Math.round(least + late.much * (most - least));
  const whole = order.reduces ? Math.min(lots, book.of(order.side).lots) : lots;
  const parts = Math.min(whole, random.integer(1, MOST_PARTS));
  const sells = (order.side === 'LONG') === order.reduces;
  const fills: AccountFill[] = [];
  for (let part = 0; part < parts; part++) {
    const even = Math.floor(whole / parts);
    const ticks = order.rests ? (order.limitTicks ?? markTicks) : slipped(random, markTicks, sells);
    const isBnb = random.uniform() < IN_BNB;
    if (isBeyond(order.limitTicks, ticks, sells)) continue;
    const fee = { rate: order.rests ? MAKER_RATE : TAKER_RATE, isBnb };
    const own = part < parts - 1 ? even : whole - even * (parts - 1);
    fills.push(book.record(order, own, ticks, fee, now, lateMs));
  }
  return fills;
}

function isBeyond(limitTicks: number | null, ticks: number, sells: boolean): boolean {
  return limitTicks !== null && (sells ? ticks < limitTicks : ticks > limitTicks);
}

/** A price in ticks, worsened by slippage. */
function slipped(random: RandomStream, ticks: number, sells: boolean): number {
  const by = random.uniform() * MOST_SLIPPAGE * ticks;
  return sells ? Math.max(1, Math.floor(ticks - by)) : Math.ceil(ticks + by);
}
