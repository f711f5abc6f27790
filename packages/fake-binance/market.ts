/** A market and its filters. Decimal texts; quantities in contracts, prices in quote currency. */
export interface Market {
  readonly symbol: string;
  readonly baseAsset: string;
  /** Prices of orders are whole multiples of it. */
  readonly tick: string;
  readonly lotStep: string;
  readonly minQuantity: string;
  readonly maxQuantity: string;
  /** The same for market orders. */
  readonly marketMaxQuantity: string;
  readonly minNotional: string;
  /** `TRADING`, or another word of Binance's: then orders are refused. */
  readonly status: string;
}

/** What a market is made of; what is left out has a default of marketOf. */
export interface MarketSpec extends Partial<Market> {
  readonly symbol: string;
  /** The mark price. */
  readonly price: string;
}

export function marketOf(market: Omit<MarketSpec, 'price'>): Market {
  return {
    baseAsset: market.symbol.replace(/USDT$/, ''),
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
