import { Exact } from '../../ports/exact-decimal.ts';
import type { BinanceExchange } from './binance-exchange.ts';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { BinanceServer } from './binance-server.ts';
import { MARKET, POSITION, openPosition, setMarket } from './control.ts';

/** Markets of very different prices and steps, as at a real exchange. */
const MARKETS = [
  { symbol: 'BTCUSDT', price: '60000.1', tick: '0.1', lotStep: '0.001' },
  { symbol: 'ETHUSDT', price: '2503.17', tick: '0.01', lotStep: '0.001' },
  { symbol: 'BNBUSDT', price: '601.53', tick: '0.01', lotStep: '0.01' },
  { symbol: 'SOLUSDT', price: '151.237', tick: '0.001', lotStep: '0.1' },
  { symbol: 'XRPUSDT', price: '0.6177', tick: '0.0001', lotStep: '0.1' },
  { symbol: 'ADAUSDT', price: '0.45230', tick: '0.00001', lotStep: '1' },
  { symbol: 'DOGEUSDT', price: '0.123450', tick: '0.000010', lotStep: '1' },
  { symbol: 'LINKUSDT', price: '14.173', tick: '0.001', lotStep: '0.01' },
  { symbol: 'AIOUSDT', price: '0.186000', tick: '0.000001', lotStep: '1' },
  { symbol: 'COLLECTUSDT', price: '0.0710200', tick: '0.0000001', lotStep: '1' },
  { symbol: 'FHEUSDT', price: '0.052170', tick: '0.000001', lotStep: '1' },
  { symbol: 'BERAUSDT', price: '1.7321', tick: '0.0001', lotStep: '0.1' },
  { symbol: 'STABLEUSDT', price: '0.0413700', tick: '0.0000001', lotStep: '1' },
  { symbol: 'LAUSDT', price: '0.37721', tick: '0.00001', lotStep: '0.1' },
  { symbol: 'PEPEUSDT', price: '0.0000117300', tick: '0.0000000001', lotStep: '100' },
] as const;

/** Markets that programs often mishandle: names in other scripts or with digits, another quote currency, dated contracts. */
const ODD_MARKETS = [
  { symbol: '币安人生USDT', price: '0.12345', tick: '0.00001', lotStep: '1' },
  { symbol: '1000PEPEUSDT', price: '0.0117300', tick: '0.0000001', lotStep: '1' },
  { symbol: 'BTCUSDC', price: '60001.2', tick: '0.1', lotStep: '0.001' },
  { symbol: 'ETHUSDC', price: '2503.42', tick: '0.01', lotStep: '0.001' },
  { symbol: 'BTCUSDT_261225', price: '60750.3', tick: '0.1', lotStep: '0.001' },
] as const;

/** Further markets: S15USDT and so on, each at its own price. */
function madeUp(index: number) {
  return { symbol: `S${index}USDT`, price: `${10 + index}.5`, tick: '0.001', lotStep: '0.1' };
}

/** Unit: quote currency. */
const POSITION_VALUE = 2000;
const HOUR_MS = 60 * 60 * 1000;

/**
 * Adds markets and opens a position in each, LONG and SHORT in turn, some hours ago, at prices that make R range from -1 to 9 now (2 % of the
 * entry price is one R). Returns the symbols.
 */
export function openDesk(exchange: BinanceExchange, count: number): readonly string[] {
  const now = exchange.now();
  const markets = Array.from({ length: count }, (_, index) => MARKETS[index] ?? madeUp(index));
  return markets.map(({ symbol, price, ...market }, index) => {
    exchange.setMarket({ symbol, price, ...market });
    const side = index % 2 === 0 ? 'LONG' : 'SHORT';
    const r = (index % 6) * 2 - 1;
    const mark = new Exact(price);
    const entry = mark
      .div(1 + (side === 'LONG' ? r : -r) * 0.02)
      .div(market.tick)
      .floor()
      .mul(market.tick);
    const quantity = new Exact(POSITION_VALUE).div(entry).div(market.lotStep).floor().mul(market.lotStep);
    exchange.open({
      symbol,
      side,
      quantity: quantity.toFixed(),
      price: entry.toFixed(),
      at: now - (1 + index) * HOUR_MS,
    });
    return symbol;
  });
}

/** A wrong command-line option. */
export class WrongOption extends Error {
  override readonly name = 'WrongOption';
}

/** Unit: markets. */
const MOST_SYMBOLS = 1000;

/** The defaults of a market that is given by name only. */
const ORDINARY = { price: '100', tick: '0.01', lotStep: '0.001' };

const ENTRY = z.union([z.string().min(1), MARKET.extend({ position: POSITION.omit({ symbol: true }).optional() })]);

/**
 * Adds the markets of `--symbols`: a number of generated ones with a position in each, or those of a file with one symbol per line or a JSON
 * list. ODD_MARKETS are always added. Throws WrongOption.
 */
export function listSymbols(server: BinanceServer, symbols: string): void {
  if (/^\d+$/.test(symbols)) {
    if (Number(symbols) > MOST_SYMBOLS) throw new WrongOption(`--symbols: at most ${MOST_SYMBOLS}`);
    openDesk(server.exchange, Number(symbols));
  } else {
    for (const entry of entriesOf(symbols)) list(server, entry);
  }
  for (const { price, ...market } of ODD_MARKETS) {
    if (!server.exchange.orders.markets.has(market.symbol)) server.exchange.setMarket({ ...market, price });
  }
}

function entriesOf(file: string): readonly z.infer<typeof ENTRY>[] {
  const text = read(file);
  if (!text.trimStart().startsWith('[')) {
    return text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
  }
  try {
    return z.array(ENTRY).max(MOST_SYMBOLS).parse(JSON.parse(text));
  } catch (thrown) {
    const why = thrown instanceof z.ZodError ? z.prettifyError(thrown) : String(thrown);
    throw new WrongOption(`--symbols: ${file}: ${why}`, { cause: thrown });
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new WrongOption(`--symbols: neither a number nor a file that can be read: ${file}`, { cause: thrown });
  }
}

function list(server: BinanceServer, entry: z.infer<typeof ENTRY>): void {
  if (typeof entry === 'string') return server.exchange.setMarket({ symbol: entry, ...ORDINARY });
  const { position, ...market } = entry;
  setMarket(server, { ...market, price: market.price ?? new Exact(ORDINARY.price).toFixed() });
  if (position !== undefined) openPosition(server, { symbol: market.symbol, ...position });
  return undefined;
}
