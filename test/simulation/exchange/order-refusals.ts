/** Whether the exchange takes an order: its filters, in the order in which Binance checks them. */
import type { EpochMillis } from '../../../ports/clock.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { OrderRequest, Pricing, RefusalMeaning } from '../../../ports/exchange.ts';
import type { Side } from '../../../schemas/generated/records.ts';
import type { FaultBoard } from '../faults.ts';
import { unitsOf } from './decimal-units.ts';
import type { SymbolBook } from './symbol-book.ts';

/** An order that is taken. */
export interface Placing {
  readonly book: SymbolBook;
  readonly lots: number;
  readonly limitTicks: number | null;
}

/** What a fault of `order_refused` or `symbol_refused` may be. A venue says `would-take` of an order that was to rest only. */
const MEANINGS: readonly RefusalMeaning[] = [
  'reduce-only',
  'blocked',
  'min-notional',
  'min-quantity',
  'max-quantity',
  'precision',
  'margin',
  'symbol',
  'price',
  'busy',
  'clock',
  'keys',
  'duplicate-id',
  'other',
];

/** The codes of Binance's USD-M futures. */
const CODES: Readonly<Record<RefusalMeaning, string>> = {
  'reduce-only': '-2022',
  blocked: '-4118',
  'min-notional': '-4164',
  'min-quantity': '-4003',
  'max-quantity': '-4005',
  precision: '-1111',
  margin: '-2019',
  symbol: '-1121',
  price: '-4131',
  'would-take': '-5022',
  busy: '-1008',
  clock: '-1021',
  keys: '-2015',
  'duplicate-id': '-4116',
  other: '-4087',
};

export function codeOf(meaning: RefusalMeaning): string {
  return CODES[meaning];
}

export function refusalOf(
  { position: { symbol, side }, quantity, pricing }: OrderRequest,
  book: SymbolBook | undefined,
  now: EpochMillis,
  faults: FaultBoard,
): Placing | RefusalMeaning {
  if (book === undefined || faults.strikes('market_paused', symbol) !== null) return 'symbol';
  const refused = faults.strikes('symbol_refused', symbol) ?? faults.strikes('order_refused', symbol);
  if (refused !== null) return MEANINGS[Math.floor(refused.much * MEANINGS.length)] ?? 'other';
  const { market } = book;
  const { lots: open } = book.of(side);
  const lots = unitsOf(quantity, market.lotDecimals);
  if (lots === null) return 'precision';
  if (lots < market.minLots) return 'min-quantity';
  if (market.maxLots !== null && lots > market.maxLots) return 'max-quantity';
  if (open === 0) return 'reduce-only';
  const ticks = book.path.ticks(now);
  if (lots < open && book.valueOf(lots, ticks) < market.minNotional) return 'min-notional';
  const held = reserved(book, side);
  if (held > 0 && lots > open - held) return 'blocked';
  const limitTicks = limitOf(pricing, side, market.priceDecimals);
  if (limitTicks !== null && limitTicks <= 0) return 'price';
  const wouldTake = limitTicks !== null && (side === 'LONG' ? limitTicks <= ticks : limitTicks >= ticks);
  return pricing.kind === 'post-only' && wouldTake ? 'would-take' : { book, lots, limitTicks };
}

/** What orders in the book would close. Unit: lots. */
function reserved(book: SymbolBook, side: Side): number {
  let lots = 0;
  for (const one of book.waiting) if (one.kind === 'LIMIT' && one.side === side) lots += one.lots ?? 0;
  for (const order of book.working) if (order.rests && order.side === side) lots += order.lots - order.filledLots;
  return lots;
}

/** On the market's ticks, never so that the order may fill at a worse price; where it rests, beyond its price. Null: any price. */
function limitOf(pricing: Pricing, side: Side, priceDecimals: number): number | null {
  const sells = side === 'LONG';
  if (pricing.kind === 'market') return null;
  if (pricing.kind === 'ioc') {
    const ticks = new Exact(pricing.limitPrice).mul(10 ** priceDecimals);
    return (sells ? ticks.ceil() : ticks.floor()).toNumber();
  }
  const ticks = new Exact(pricing.price).mul(10 ** priceDecimals);
  return (sells ? ticks.floor().add(1) : ticks.ceil().sub(1)).toNumber();
}
