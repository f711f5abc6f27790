import type { MarketRules, RefusalMeaning } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';

/** A market of the paper exchange. */
export interface PaperMarket extends MarketRules {
  /** Fill prices are whole multiples of it. Unit: quote currency per contract. */
  readonly tick: string;
}

/** Gives prices five significant digits, as in most futures markets. Unit: powers of ten. */
const TICK_DIGITS = 4;

/** As at large futures exchanges. Unit: quote currency. */
const MIN_NOTIONAL = '5';

/** Plausible rules for a market at that price: a lot step is worth between 0.1 and 1 of the quote currency. */
export function rulesForPrice(price: number): PaperMarket {
  const magnitude = new Exact(price).e;
  const lotStep = toText(Exact.pow(10, -magnitude - 1));
  return {
    tick: toText(Exact.pow(10, magnitude - TICK_DIGITS)),
    lotStep,
    minQuantity: lotStep,
    maxQuantity: null,
    minNotional: MIN_NOTIONAL,
  };
}

/** Whether two markets have the same rules; the largest order is not kept in the book. */
export function sameMarket(one: PaperMarket, other: PaperMarket): boolean {
  const { tick, lotStep, minQuantity, minNotional } = one;
  return (
    tick === other.tick &&
    lotStep === other.lotStep &&
    minQuantity === other.minQuantity &&
    minNotional === other.minNotional
  );
}

/** A rejection, with the code that Binance USD-M would give, so that reports of paper and real orders read alike. */
export interface Rejection {
  readonly meaning: RefusalMeaning;
  readonly code: string;
  readonly message: string;
}

export function duplicateId(clientOrderId: string): Rejection {
  return { meaning: 'duplicate-id', code: '-4116', message: `client order id ${clientOrderId} is already known` };
}

/** The rejection of the fault `reject`. */
export const INJECTED_REJECTION: Rejection = {
  meaning: 'other',
  code: '-2010',
  message: 'the order was rejected (a fault asked for)',
};

/** The quantity that a reduce-only order may fill, or why it is rejected. `open` is the open quantity of its position. */
export function vetOrder(requested: Exact, open: Exact, markPrice: number, market: PaperMarket): Exact | Rejection {
  if (open.isZero())
    return { meaning: 'reduce-only', code: '-2022', message: 'reduce-only order rejected: the position is flat' };
  if (requested.gte(open)) {
    return open.lt(market.minQuantity) ? belowMinQuantity(open, market) : open;
  }
  if (!requested.mod(market.lotStep).isZero()) {
    return {
      meaning: 'precision',
      code: '-1111',
      message: `quantity ${toText(requested)} is no multiple of lot step ${market.lotStep}`,
    };
  }
  if (requested.lt(market.minQuantity)) return belowMinQuantity(requested, market);
  const notional = requested.mul(markPrice);
  if (notional.lt(market.minNotional)) {
    return {
      meaning: 'min-notional',
      code: '-4164',
      message: `notional ${toText(notional)} is below the minimum ${market.minNotional}`,
    };
  }
  return requested;
}

function belowMinQuantity(quantity: Exact, market: PaperMarket): Rejection {
  return {
    meaning: 'min-quantity',
    code: '-1013',
    message: `quantity ${toText(quantity)} is below the minimum ${market.minQuantity}`,
  };
}
