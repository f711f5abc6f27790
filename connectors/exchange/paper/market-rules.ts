import type { MarketRules, RefusalMeaning } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';

/** What the paper venue knows of one market. */
export interface PaperMarket extends MarketRules {
  /** Fill prices are whole multiples of it. Unit: quote currency per contract. */
  readonly tick: string;
}

/** Five significant digits of price, as most futures markets quote. Unit: powers of ten. */
const TICK_DIGITS = 4;

/** What large futures venues ask for. Unit: quote currency. */
const MIN_NOTIONAL = '5';

/** The rules of a market whose price has this magnitude: a lot step is worth from 0.1 to 1 of the quote currency. */
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

/** A definite no, with the code that Binance USD-M would give: reports of both venues read alike. */
export interface Refusal {
  readonly meaning: RefusalMeaning;
  readonly code: string;
  readonly message: string;
}

export function duplicateId(clientOrderId: string): Refusal {
  return { meaning: 'duplicate-id', code: '-4116', message: `client order id ${clientOrderId} is already known` };
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

function belowMinQuantity(quantity: Exact, market: PaperMarket): Refusal {
  return {
    meaning: 'min-quantity',
    code: '-1013',
    message: `quantity ${toText(quantity)} is below the minimum ${market.minQuantity}`,
  };
}
