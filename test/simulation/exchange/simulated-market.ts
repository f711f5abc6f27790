import type { MarketEnding, MarketRules } from '../../../ports/exchange.ts';
import { textOf } from './decimal-units.ts';

/** A market of the simulated exchange. Quantities are counted in lots of 10^-lotDecimals contracts, prices in ticks of 10^-priceDecimals. */
export interface SimulatedMarket {
  readonly symbol: string;
  readonly priceDecimals: number;
  readonly lotDecimals: number;
  /** Smallest order. Unit: lots. */
  readonly minLots: number;
  /** Largest order. Unit: lots. */
  readonly maxLots: number | null;
  /** Smallest order by value, unless it closes the whole position. Unit: quote currency. */
  readonly minNotional: number;
  /** Unit: quote currency per contract. */
  readonly startPrice: number;
  /** Standard deviation of one five-minute step. Unit: fraction of the price. */
  readonly volatility: number;
}

type Row = readonly [
  symbol: string,
  priceDecimals: number,
  lotDecimals: number,
  minLots: number,
  maxLots: number | null,
  minNotional: number,
  startPrice: number,
  volatility: number,
];

/** After Binance's USD-M futures: steps that differ by a factor of a thousand, minima that bite, and some maxima that are low. */
const ROWS: readonly Row[] = [
  ['BTCUSDT', 1, 3, 1, 120_000, 100, 62_000, 0.0011],
  ['ETHUSDT', 2, 3, 1, 2_000_000, 20, 3100, 0.0014],
  ['BNBUSDT', 2, 2, 1, 200_000, 5, 590, 0.0012],
  ['SOLUSDT', 3, 0, 1, 500, 5, 148, 0.002],
  ['XRPUSDT', 4, 1, 1, null, 5, 0.61, 0.0019],
  ['DOGEUSDT', 5, 0, 1, 40_000, 5, 0.153, 0.0025],
  ['ADAUSDT', 4, 0, 1, 2_000_000, 5, 0.48, 0.002],
  ['LTCUSDT', 2, 3, 1, 5_000_000, 20, 84, 0.0016],
  ['LINKUSDT', 3, 2, 1, 5_000_000, 20, 17, 0.0022],
  ['AVAXUSDT', 3, 0, 2, 1000, 5, 31, 0.0023],
  ['1000PEPEUSDT', 7, 0, 1, null, 5, 0.0101, 0.0033],
  ['DOTUSDT', 3, 1, 5, 50_000, 5, 6.4, 0.0019],
];

export const MARKETS: readonly SimulatedMarket[] = ROWS.map(
  ([symbol, priceDecimals, lotDecimals, minLots, maxLots, minNotional, startPrice, volatility]) => ({
    symbol,
    priceDecimals,
    lotDecimals,
    minLots,
    maxLots,
    minNotional,
    startPrice,
    volatility,
  }),
);

/** The market's rules as clients are told them. `ending` is null while it takes orders. */
export function rulesOf(market: SimulatedMarket, ending: MarketEnding | null): MarketRules {
  const { lotDecimals, minLots, maxLots, minNotional } = market;
  return {
    lotStep: textOf(1, lotDecimals),
    minQuantity: textOf(minLots, lotDecimals),
    maxQuantity: maxLots === null ? null : textOf(maxLots, lotDecimals),
    minNotional: String(minNotional),
    ...(ending === null ? {} : { ending }),
  };
}
