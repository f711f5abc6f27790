/** A market of a local exchange. Quantities are in the exchange's contracts. */
export interface Market {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  readonly tick: string;
  readonly lotStep: string;
  readonly minQuantity: string;
  readonly maxQuantity: string;
  readonly marketMaxQuantity: string;
  /** Unit: quote currency; 0: none. */
  readonly minNotional: string;
  /** Unit: base currency per contract. */
  readonly contractSize: string;
  readonly isTrading: boolean;
  /** The time of delivery; null: a perpetual. Unit: milliseconds. */
  readonly deliversAt: number | null;
}

export interface MarketSpec extends Partial<Market> {
  readonly symbol: string;
  readonly base: string;
  /** The mark price. */
  readonly price: string;
}
