import type { MarketRules } from '../../../ports/exchange.ts';
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
