import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { decodeUtf8 } from '../../schemas/strict-json.ts';

const name = z.string().min(1).max(256);

/** Spelling to symbol; or a venue's market list, as ccxt's `fetchMarkets` gives it: `id` is the symbol, `symbol` a spelling. */
const SYMBOLS_MAP = z.union([z.record(name, name), z.array(z.object({ id: name, symbol: name }))]);

/** Reads the file of --symbols-map, JSON or YAML. Throws USAGE where it cannot be read or holds no map. */
export function readSymbolsMap(file: string): ReadonlyMap<string, string> {
  let read: z.ZodSafeParseResult<z.infer<typeof SYMBOLS_MAP>>;
  try {
    read = SYMBOLS_MAP.safeParse(parse(decodeUtf8(readFileSync(file))));
  } catch (cause) {
    throw new HarvestlineError('USAGE', `--symbols-map ${file}: ${messageOf(cause)}`, { cause, at: { file } });
  }
  if (!read.success)
    throw new HarvestlineError(
      'USAGE',
      `--symbols-map ${file} must be an object of spelling: symbol, or a list of markets with id and symbol`,
      { at: { file } },
    );
  if (!Array.isArray(read.data)) return new Map(Object.entries(read.data));
  return marketsMap(read.data);
}

/** A venue may list a pair in several contracts under one unified symbol; then the symbol names none of them. */
function marketsMap(markets: readonly { readonly id: string; readonly symbol: string }[]): ReadonlyMap<string, string> {
  const bySymbol = Map.groupBy(markets, ({ symbol }) => symbol);
  const spelled = [...bySymbol].flatMap(([symbol, same]) =>
    same.length === 1 ? same.map(({ id }) => [symbol, id] as const) : [],
  );
  return new Map([...markets.map(({ id }) => [id, id] as const), ...spelled]);
}
