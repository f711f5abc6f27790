import { type Exact, toText } from '../../../ports/exact-decimal.ts';
import type { RefusalMeaning } from '../../../ports/exchange.ts';
import type { PaperMarket } from './market-rules.ts';

/** A definite no, with Binance USD-M's numeric code, so that reports of both venues read alike. */
export interface Refusal {
  readonly meaning: RefusalMeaning;
  readonly code: string;
  readonly message: string;
}

/** The fault `reject`. */
export const ARBITRARY_REFUSAL: Refusal = {
  meaning: 'other',
  code: '-2010',
  message: 'the order was rejected (a fault asked for)',
};

/** What is left of a reduce-only order on a position of which `open` is open, or why the venue refuses it. */
export function vetOrder(requested: Exact, open: Exact, markPrice: number, market: PaperMarket): Exact | Refusal {
  if (open.isZero())
    return { meaning: 'nothing-to-reduce', code: '-2022', message: 'reduce-only order rejected: the position is flat' };
  if (requested.gte(open)) {
    return open.lt(market.minQuantity) ? belowMinQuantity(open, market) : open;
  }
  if (!requested.mod(market.lotStep).isZero()) {
    const message = `quantity ${toText(requested)} is no multiple of lot step ${market.lotStep}`;
    return { meaning: 'quantity-too-precise', code: '-1111', message };
  }
  if (requested.lt(market.minQuantity)) return belowMinQuantity(requested, market);
  const notional = requested.mul(markPrice);
  if (notional.lt(market.minNotional)) {
    const message = `notional ${toText(notional)} is below the minimum ${market.minNotional}`;
    return { meaning: 'notional-too-small', code: '-4164', message };
  }
  return requested;
}

function belowMinQuantity(quantity: Exact, market: PaperMarket): Refusal {
  const message = `quantity ${toText(quantity)} is below the minimum ${market.minQuantity}`;
  return { meaning: 'quantity-too-small', code: '-1013', message };
}
