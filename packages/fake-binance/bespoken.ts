import { Exact } from '../../ports/exact-decimal.ts';
import { BinanceError } from './binance-error.ts';
import type { OrderRequest } from './order.ts';
import type { Orders } from './orders.ts';

/**
 * An order that only reduces is refused with -4118 where orders that rest in the book would reduce the position by so much already that
 * not enough of it is left. What is larger than the position itself is another refusal.
 */
export function vetBespoken(orders: Orders, { symbol, side, positionSide, reduceOnly, quantity }: OrderRequest): void {
  const own = positionSide ?? 'BOTH';
  const closing = own === 'BOTH' ? reduceOnly === true : side === (own === 'LONG' ? 'SELL' : 'BUY');
  if (!closing) return;
  const resting = orders.index
    .open(symbol)
    .filter((one) => one.side === side && one.positionSide === own && (own !== 'BOTH' || one.reduceOnly));
  const bespoken = Exact.sum(0, ...resting.map((one) => one.quantity.sub(one.executedQty)));
  if (bespoken.isZero()) return;
  const open = orders.account.reducible(symbol, own, side);
  if (open.gte(quantity) && open.lt(bespoken.add(quantity))) throw new BinanceError('-4118');
}
