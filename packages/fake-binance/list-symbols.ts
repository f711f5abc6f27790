import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Exact } from '../../ports/exact-decimal.ts';
import type { BinanceServer } from './binance-server.ts';
import { MARKET, POSITION, openPosition, setMarket } from './control.ts';
import { ODD_MARKETS, openDesk } from './open-desk.ts';

/** What a person gave on the command line cannot be. */
export class WrongOption extends Error {
  override readonly name = 'WrongOption';
}

/** More would be a mistake. Unit: markets. */
const MOST_SYMBOLS = 1000;

/** Of a market that only its name says anything of. */
const ORDINARY = { price: '100', tick: '0.01', lotStep: '0.001' };

const ENTRY = z.union([z.string().min(1), MARKET.extend({ position: POSITION.omit({ symbol: true }).optional() })]);

/**
 * Lists what `--symbols` names: a number of made-up markets with a position in each, or those of a file, one symbol a line or a JSON list;
 * and the odd ones besides. Throws WrongOption with what is wrong.
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
