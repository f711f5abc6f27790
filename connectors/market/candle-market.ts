import { readFile } from 'node:fs/promises';
import { formatProblems, HarvestlineError, messageOf, type Problem } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import { decodeUtf8 } from '../../schemas/strict-json.ts';
import { type CandleFile, readCandleFile } from './candle-file.ts';
import { type Market, type MarketCycle, type MarketTick, WARM_UP_CYCLES } from '../../ports/market.ts';

/** A broken export is broken on every line; this many tell what is wrong with it. */
const PROBLEMS_LISTED = 20;

/**
 * Recorded candles of one or more symbols, one CSV file (timestamp_ms,open,high,low,close,volume) each, on the union of their
 * timelines. The first 48 times are history. Throws CANDLES_INVALID that names file, line and column of every bad value, the
 * first 20 in full; USAGE where one of the files cannot be read. `onNote` with what was taken for something else than the header says,
 * once a file and unit.
 */
export async function loadCandleMarket(
  files: readonly string[],
  onNote: (text: string) => void = () => {},
): Promise<Market> {
  const problems: Problem[] = [];
  const loaded: CandleFile[] = [];
  const fileOf = new Map<string, string>();
  for (const file of files) {
    const text = await readText(file, problems);
    if (text === null) continue;
    const candleFile = readCandleFile(file, text, problems);
    const twin = fileOf.get(candleFile.symbol);
    if (twin !== undefined)
      problems.push({ path: file, why: `is a second file of ${candleFile.symbol}, after ${twin}` });
    fileOf.set(candleFile.symbol, file);
    loaded.push(candleFile);
    for (const [unit, rows] of candleFile.converted)
      onNote(`${file}: timestamp_ms is in ${unit} in ${rows} of ${candleFile.candles.length} rows, and read as that`);
  }
  if (files.length === 0) problems.push({ path: 'files', why: 'at least one file of candles is needed' });
  if (problems.length > 0) throw invalid(problems, loaded.length < files.length ? 'USAGE' : 'CANDLES_INVALID');
  return new CandleMarket(loaded);
}

async function readText(file: string, problems: Problem[]): Promise<string | null> {
  try {
    return decodeUtf8(await readFile(file));
  } catch (error) {
    problems.push({ path: file, why: `cannot be read: ${messageOf(error)}` });
    return null;
  }
}

function invalid(problems: readonly Problem[], code: 'USAGE' | 'CANDLES_INVALID'): HarvestlineError {
  const listed = problems.slice(0, PROBLEMS_LISTED);
  const more = problems.length - listed.length;
  const message = formatProblems(listed) + (more === 0 ? '' : `; and ${more} more`);
  return new HarvestlineError(code, message, { problems: listed });
}

class CandleMarket implements Market {
  readonly source = 'candles';
  readonly symbols: readonly string[];
  readonly intervalMs: number;
  /** Every time at which a candle closed, oldest first; the ticks of one time in the order of the files. */
  readonly #cycles: readonly MarketCycle[];

  constructor(files: readonly CandleFile[]) {
    this.symbols = files.map((file) => file.symbol);
    this.intervalMs = Math.min(...files.map((file) => file.intervalMs));
    const ticksAt = new Map<EpochMillis, MarketTick[]>();
    for (const { symbol, candles } of files) {
      for (const candle of candles) {
        const tick = { symbol, candle, drift: null };
        const ticks = ticksAt.get(candle.closedAt);
        if (ticks === undefined) ticksAt.set(candle.closedAt, [tick]);
        else ticks.push(tick);
      }
    }
    this.#cycles = [...ticksAt].toSorted(([a], [b]) => a - b).map(([now, ticks]) => ({ now, ticks }));
  }

  cycle(index: number): MarketCycle | undefined {
    if (index < -WARM_UP_CYCLES) throw new RangeError(`the market's history starts at cycle ${-WARM_UP_CYCLES}`);
    return this.#cycles[index + WARM_UP_CYCLES];
  }

  cycleAfter(time: EpochMillis): number {
    let low = 0;
    let high = this.#cycles.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#cycles[middle]?.now ?? Infinity) > time) high = middle;
      else low = middle + 1;
    }
    return Math.max(0, low - WARM_UP_CYCLES);
  }
}
