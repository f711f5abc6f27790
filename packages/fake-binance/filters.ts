import { Exact } from '../../ports/exact-decimal.ts';
import type { Direction } from './account.ts';
import { BinanceError } from './binance-error.ts';
import type { Market } from './market.ts';
import type { OrderRequest } from './order.ts';

/** PERCENT_PRICE of every market: how far on its costly side a limit order may be. Unit: factor of the mark price. */
export const PRICE_CAP = '1.05';
export const PRICE_FLOOR = '0.95';

/** MAX_NUM_ORDERS of every market. Unit: open orders. */
export const MOST_OPEN_ORDERS = 200;

const CLIENT_ID = /^[.A-Z:/a-z0-9_-]{1,36}$/;

const DECIMAL = /^\d+(\.\d+)?$/;
const DECIMAL_RANGE = '^([0-9]{1,20})(\\.[0-9]{1,20})?$';

export function vetClientId(clientId: string): void {
  if (!CLIENT_ID.test(clientId)) throw new BinanceError('-4015');
}

/** LOT_SIZE, or MARKET_LOT_SIZE for a market order. */
export function vetQuantity({ quantity: text, type }: Pick<OrderRequest, 'quantity' | 'type'>, market: Market): Exact {
  const quantity = decimalOf(text, 'quantity');
  if (quantity.lte(0)) throw new BinanceError('-4003');
  if (!quantity.mod(market.lotStep).isZero()) throw new BinanceError('-1111');
  if (quantity.lt(market.minQuantity)) throw new BinanceError('-4004');
  if (quantity.gt(type === 'MARKET' ? market.marketMaxQuantity : market.maxQuantity)) throw new BinanceError('-4005');
  return quantity;
}

/** PRICE_FILTER and PERCENT_PRICE. */
export function vetPrice(
  { price: text, side }: Pick<OrderRequest, 'price' | 'side'>,
  market: Market,
  mark: Exact,
): Exact {
  const price = decimalOf(text ?? '', 'price');
  vetTick(price, market);
  if (side === 'BUY' && price.gt(mark.mul(PRICE_CAP))) throw new BinanceError('-4016');
  if (side === 'SELL' && price.lt(mark.mul(PRICE_FLOOR))) throw new BinanceError('-4024');
  return price;
}

/** PERCENT_PRICE of a market order: how far the best price on the other side may be. */
export function vetBestPrice(side: Direction, best: Exact, mark: Exact): void {
  const isFar = side === 'BUY' ? best.gt(mark.mul(PRICE_CAP)) : best.lt(mark.mul(PRICE_FLOOR));
  if (isFar) throw new BinanceError('-4131');
}

export function vetTriggerPrice(text: string, market: Market): void {
  vetTick(decimalOf(text, 'triggerPrice'), market);
}

/** MIN_NOTIONAL, from which orders that only reduce are exempt. */
export function vetNotional(notional: Exact, { minNotional }: Market): void {
  if (notional.lt(minNotional)) throw new BinanceError('-4164', minNotional);
}

function vetTick(price: Exact, { tick }: Market): void {
  if (price.decimalPlaces() > new Exact(tick).decimalPlaces()) throw new BinanceError('-1111');
  if (price.lte(0) || !price.mod(tick).isZero()) throw new BinanceError('-4014');
}

function decimalOf(text: string, name: string): Exact {
  if (text === '') throw new BinanceError('-1102', name);
  if (!DECIMAL.test(text)) throw new BinanceError('-1100', [name, DECIMAL_RANGE]);
  return new Exact(text);
}
