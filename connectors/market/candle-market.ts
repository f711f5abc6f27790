import { readFile } from 'node:fs/promises';
import { formatProblems, HarvestlineError, messageOf, type Problem } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import { decodeUtf8 } from '../../schemas/strict-json.ts';
import { type Market, type MarketCycle, type MarketTick, WARM_UP_CYCLES, type Candle } from '../../ports/market.ts';
import { basename } from 'node:path';
import { type CsvError, parse } from 'csv-parse/sync';
import { type TimeUnit, momentOf } from '../../schemas/time-unit.ts';

/** A broken export has a problem on every line; the first ones are enough. */
const PROBLEMS_LISTED = 20;

/**
 * A market of recorded candles, one CSV file (timestamp_ms,open,high,low,close,volume) per symbol, on the union of their times. The first 48
 * times are history. Throws CANDLES_INVALID with file, line and column of every bad value, the first 20 in full; USAGE where a file cannot be
 * read. `onNote` receives a line for each file and unit of time that differs from the header's.
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
  /** Every time at which a candle closed, oldest first; ticks of the same time in the order of the files. */
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

interface CandleFile {
  readonly symbol: string;
  /** Length of its candles. Unit: milliseconds. */
  readonly intervalMs: number;
  /** Oldest first. */
  readonly candles: readonly Candle[];
  /** The number of rows whose times were in another unit than milliseconds, by unit. */
  readonly converted: ReadonlyMap<TimeUnit, number>;
}

const COLUMNS = ['timestamp_ms', 'open', 'high', 'low', 'close', 'volume'] as const;
type Column = (typeof COLUMNS)[number];

/**
 * A smaller time is no date of today in any unit. It belongs to an invented market that begins in 1970, and counts as milliseconds, as the
 * header says. Unit: milliseconds.
 */
const MADE_UP_BELOW = 1e8;

/** History and one candle to act on. */
const MIN_CANDLES = WARM_UP_CYCLES + 1;

/** BASE-QUOTE or BASE-QUOTE-SETTLE, a timeframe, and whatever the exporter adds: `XRP-USDT-USDT-5m-futures`, `ETH-BTC-5m`. */
const EXPORT_NAME = /^([a-z0-9]+)-([a-z0-9]+)(?:-[a-z0-9]+)?-\d+[smhdw](?:-.*)?$/i;

/** The symbol that a file's name stands for: BASE and QUOTE of an exporter's name, else the letters and digits of the stem. Empty when there are none. */
export function symbolOf(file: string): string {
  const stem = basename(file).replace(/\.[^.]*$/, '');
  const [, base = '', quote = ''] = EXPORT_NAME.exec(stem) ?? [];
  return (base === '' ? stem.replaceAll(/[^a-z0-9]/gi, '') : base + quote).toUpperCase();
}

/** A row as csv-parse gives it with `info: true`. `lines` is the line in the file, from 1. */
interface CsvRow {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/**
 * Parses one file of candles. `timestamp_ms` is the time at which a candle opens; it closes one interval later, and the interval is the
 * smallest gap between two candles. Some exporters use other units under that name, or change the unit within a file, so the unit of each time
 * is recognised by its range. Bad values are added to `problems`, at `FILE:LINE COLUMN`; if there are any, the result must not be used.
 */
function readCandleFile(file: string, text: string, problems: Problem[]): CandleFile {
  const known = problems.length;
  const symbol = symbolOf(file);
  if (symbol === '') problems.push({ path: file, why: 'the name has no letter or digit to take a symbol from' });
  const rows = parseRows(file, text, problems);
  const header = rows[0]?.record;
  if (header?.join() !== COLUMNS.join()) {
    if (problems.length === known)
      problems.push({
        path: `${file}:1`,
        why: `the header must be ${COLUMNS.join()}, found ${header?.join() ?? 'nothing'}`,
      });
    return { symbol, intervalMs: 0, candles: [], converted: new Map() };
  }
  const parsed: (Omit<Candle, 'closedAt'> & { readonly openedAt: number })[] = [];
  const converted = new Map<TimeUnit, number>();
  let previous = -Infinity;
  let intervalMs = Infinity;
  for (const { record, info } of rows.slice(1)) {
    const row = new CandleRow(`${file}:${info.lines}`, record, problems);
    const { unit, ...candle } = row.candle();
    if (unit !== 'milliseconds') converted.set(unit, (converted.get(unit) ?? 0) + 1);
    if (Number.isFinite(candle.openedAt)) {
      if (candle.openedAt <= previous)
        row.refuse('timestamp_ms', `must be after the row before, ${previous}, found ${candle.openedAt}`);
      else intervalMs = Math.min(intervalMs, candle.openedAt - previous);
      previous = candle.openedAt;
    }
    parsed.push(candle);
  }
  if (problems.length === known && parsed.length < MIN_CANDLES) {
    problems.push({
      path: file,
      why: `is too short: it has ${parsed.length} candles; ${WARM_UP_CYCLES} warm the indicators up, so at least ${MIN_CANDLES} are needed`,
    });
  }
  const candles = parsed.map(({ openedAt, ...candle }) => ({ closedAt: openedAt + intervalMs, ...candle }));
  return { symbol, intervalMs, candles, converted };
}

function parseRows(file: string, text: string, problems: Problem[]): readonly CsvRow[] {
  try {
    const options = { bom: true, info: true, relax_column_count: true, skip_empty_lines: true, trim: true };
    // csv-parse's types ignore the effect of `info`.
    return parse(text, options) as unknown as readonly CsvRow[];
  } catch (cause) {
    const line = (cause as Partial<CsvError & { lines: number }>).lines;
    problems.push({ path: line === undefined ? file : `${file}:${line}`, why: messageOf(cause) });
    return [];
  }
}

/** Validates the values of a row. Each column is reported at most once. */
class CandleRow {
  readonly #at: string;
  readonly #record: readonly string[];
  readonly #problems: Problem[];

  constructor(at: string, record: readonly string[], problems: Problem[]) {
    this.#at = at;
    this.#record = record;
    this.#problems = problems;
  }

  refuse(column: Column | null, why: string): void {
    this.#problems.push({ path: column === null ? this.#at : `${this.#at} ${column}`, why });
  }

  candle(): Omit<Candle, 'closedAt'> & { readonly openedAt: number; readonly unit: TimeUnit } {
    if (this.#record.length > COLUMNS.length)
      this.refuse(null, `must have ${COLUMNS.length} values, found ${this.#record.length}`);
    const { at: openedAt, unit } = this.#openingTime();
    const open = this.#price('open');
    const high = this.#price('high');
    const low = this.#price('low');
    const close = this.#price('close');
    const volume = this.#number('volume', (value) => value >= 0 && value < Infinity, 'a number, at least 0');
    // Comparisons with NaN are false, so a refused value is not reported again.
    if (high < Math.max(open, close)) this.refuse('high', `must not be below open or close, found ${high}`);
    if (low > Math.min(open, close)) this.refuse('low', `must not be above open or close, found ${low}`);
    return { openedAt, unit, open, high, low, close, volume };
  }

  /** NaN where the value was refused. */
  #openingTime(): { readonly at: number; readonly unit: TimeUnit } {
    // Larger than safe integers are accepted: nanoseconds are, and exact enough for a millisecond.
    const value = this.#number('timestamp_ms', Number.isInteger, 'a whole number of milliseconds');
    if (Number.isNaN(value) || (value >= 0 && value < MADE_UP_BELOW)) return { at: value, unit: 'milliseconds' };
    const moment = momentOf(value);
    if (moment !== null) return moment;
    const why = `must be a time between 1973 and 2100, found ${value}: that is none in seconds, milliseconds, microseconds or nanoseconds`;
    this.refuse('timestamp_ms', why);
    return { at: NaN, unit: 'milliseconds' };
  }

  #price(column: Column): number {
    return this.#number(column, (value) => value > 0 && value < Infinity, 'a number above 0');
  }

  /** NaN where the value was refused. */
  #number(column: Column, accepts: (value: number) => boolean, kind: string): number {
    const text = this.#record[COLUMNS.indexOf(column)] ?? '';
    const value = text === '' ? NaN : Number(text);
    if (accepts(value)) return value;
    this.refuse(column, `must be ${kind}, found ${text === '' ? 'nothing' : JSON.stringify(text.slice(0, 40))}`);
    return NaN;
  }
}
