import type { BookSpec } from './order-book.ts';

/** A market and its filters. Decimal texts; quantities in contracts, prices in quote currency. */
export interface Market {
  readonly symbol: string;
  readonly baseAsset: string;
  /** What prices are in, and what margin, profit and funding are paid in. */
  readonly quoteAsset: string;
  /** `PERPETUAL`, or what Binance calls a contract that is delivered: `CURRENT_QUARTER`, `NEXT_QUARTER` and their like. */
  readonly contractType: string;
  /** When it is delivered. Unit: milliseconds since 1970. */
  readonly deliveryDate: number;
  /** Prices of orders are whole multiples of it. */
  readonly tick: string;
  readonly lotStep: string;
  readonly minQuantity: string;
  readonly maxQuantity: string;
  /** The same for market orders. */
  readonly marketMaxQuantity: string;
  readonly minNotional: string;
  /** `TRADING`, or another word of Binance's (`PENDING_TRADING`, `SETTLING`, `CLOSE`): then orders are refused. */
  readonly status: string;
}

/** What a market is made of; what is left out has a default of marketOf. */
export interface MarketSpec extends Partial<Market> {
  readonly symbol: string;
  /** What others offer; left out: any quantity at the mark. */
  readonly book?: BookSpec;
  /** The mark price. */
  readonly price: string;
}

/** What Binance says of a perpetual contract: Christmas 2100. */
export const NEVER_DELIVERED = 4_133_404_800_000;

/** `BTCUSDT_261225`: what is delivered has the day behind its name. */
const SYMBOL = /^(?<base>.+?)(?<quote>USDT|USDC)(?:_(?<day>\d{6}))?$/u;

/** Deliveries are at 08:00 UTC. Unit: hours. */
const DELIVERY_HOUR = 8;

/** Base, quote and delivery as the symbol's name says them, where nothing else is said. */
export function marketOf(market: Omit<MarketSpec, 'price' | 'book'>): Market {
  const { base = market.symbol, quote = 'USDT', day } = SYMBOL.exec(market.symbol)?.groups ?? {};
  return {
    baseAsset: base,
    quoteAsset: quote,
    contractType: day === undefined ? 'PERPETUAL' : 'CURRENT_QUARTER',
    deliveryDate: day === undefined ? NEVER_DELIVERED : deliveryOn(day),
    tick: '0.01',
    lotStep: '0.001',
    minQuantity: market.lotStep ?? '0.001',
    maxQuantity: '1000000000',
    marketMaxQuantity: '1000000000',
    minNotional: '5',
    status: 'TRADING',
    ...market,
  };
}

function deliveryOn(day: string): number {
  const [year, month, date] = [0, 2, 4].map((start) => Number(day.slice(start, start + 2)));
  return Date.UTC(2000 + (year ?? 0), (month ?? 1) - 1, date, DELIVERY_HOUR);
}
