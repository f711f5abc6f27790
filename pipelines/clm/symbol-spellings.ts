/**
 * One market, one symbol, however recorders spell it: `BTC/USDT:USDT`, `BTC-USDT` and `btcusdt` are BTCUSDT. Invariants:
 *
 * CLM-26  A person's map takes precedence over everything else. It may give another symbol to a market that is known here.
 * CLM-27  A symbol that the record or the market list has, as it is written, stays as it is.
 * CLM-28  Another spelling of one known market becomes that market's symbol. Otherwise a well-known form becomes BASE
 *         and QUOTE in capitals, and any other stays as it is: a delivery date or a contract kind is part of a market.
 */
export class SymbolSpellings {
  readonly #map: ReadonlyMap<string, string>;
  readonly #known: ReadonlySet<string>;
  /** BASE and QUOTE in capitals -> the known symbol of that pair; null where there are several. */
  readonly #byPair = new Map<string, string | null>();
  readonly #resolved = new Map<string, string>();

  /** `map`: spelling -> symbol. `known`: symbols that the record has. */
  constructor(map: ReadonlyMap<string, string>, known: Iterable<string>) {
    this.#map = map;
    this.#known = new Set([...known, ...map.values()]);
    for (const symbol of this.#known) this.#note(symbol, symbol);
    for (const [spelling, symbol] of map) this.#note(spelling, symbol);
  }

  symbolOf(spelling: string): string {
    const resolved = this.#resolved.get(spelling);
    if (resolved !== undefined) return resolved;
    const symbol = this.#resolve(spelling);
    this.#resolved.set(spelling, symbol);
    return symbol;
  }

  #resolve(spelling: string): string {
    const mapped = this.#map.get(spelling);
    if (mapped !== undefined) return mapped;
    if (this.#known.has(spelling)) return spelling;
    const pair = pairOf(spelling);
    if (pair === null) return spelling;
    const only = this.#byPair.get(pair);
    if (only !== null) return only ?? pair;
    return this.#known.has(pair) ? pair : spelling;
  }

  #note(spelling: string, symbol: string): void {
    const pair = pairOf(spelling);
    if (pair === null) return;
    const noted = this.#byPair.get(pair);
    this.#byPair.set(pair, noted === undefined || noted === symbol ? symbol : null);
  }
}

/** BASE/QUOTE as ccxt has it, with what it settles in: `BTC/USDT:USDT`. A delivery date or a strike after it is another market. */
const UNIFIED = /^([a-z0-9]+)\/([a-z0-9]+)(?::[a-z0-9]+)?$/i;

/** The currencies that markets are quoted in, by which the two parts of a symbol without a separator are found. */
const QUOTES = ['USDT', 'USDC', 'FDUSD', 'BUSD', 'TUSD', 'DAI', 'USD', 'EUR', 'GBP', 'JPY', 'KRW', 'TRY', 'BTC', 'ETH'];
const SEPARATED = new RegExp(`^([a-z0-9]+)[-_](${QUOTES.join('|')})$`, 'i');
const JOINED = new RegExp(`^(?:[A-Z0-9]+(?:${QUOTES.join('|')})|[a-z0-9]+(?:${QUOTES.join('|').toLowerCase()}))$`);

/** BASE and QUOTE in capitals, together; null for a spelling of no well-known form. */
function pairOf(spelling: string): string | null {
  const [, base, quote] = UNIFIED.exec(spelling) ?? SEPARATED.exec(spelling) ?? [];
  if (base !== undefined && quote !== undefined) return `${base}${quote}`.toUpperCase();
  return JOINED.test(spelling) ? spelling.toUpperCase() : null;
}
