import { Readable } from 'node:stream';
import { type Problem, isKind } from '../../errors/harvestline-error.ts';
import {
  contradictsPrices,
  priceMoveOf,
  tradeOf,
  type GoodTrade,
  type ParsedTrade,
  parseRecordedTrade,
} from './recorded-trade.ts';
import { KeptTrades } from './kept-trades.ts';
import { PnlSurvey, type PnlFinding, type PnlUnit, asRecorded, findPnlUnit, percentOf } from './pnl-unit.ts';
import { SymbolSpellings } from './symbol-spellings.ts';
import type { TimeZone } from './recorded-time.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { TIMESTAMP_PATH, timesAhead } from '../../schemas/time-bound.ts';
import type { EpochMillis, TradeClosed } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { type EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { parseJson } from '../../schemas/strict-json.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Line, readLines } from '../runtime/read-lines.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';
import { type ImportFigures, ImportTally, type RowPlace } from './import-summary.ts';

/** Large enough that its one sync to disk is shared by many rows, small enough to hold in memory. Unit: records. */
const BATCH_RECORDS = 10_000;

/** Unit: lines of one file. */
const MOST_LINES = 2 ** 40;

/** A stream of lines with the name it is reported by. */
export interface NamedInput {
  readonly name: string;
  readonly lines: AsyncIterable<Uint8Array>;
  /** The same lines once more. Left out: the bytes of the first reading are kept in memory. */
  readonly again?: () => AsyncIterable<Uint8Array>;
}

export interface ImportOptions {
  readonly account: string;
  readonly venue: string;
  readonly dryRun: boolean;
  /** No row was closed after it. */
  readonly now: EpochMillis;
  /** What pnl_percent is in; null: found over each input, and refused where it is not the move in per cent. */
  readonly pnl: PnlUnit | null;
  /** The zone of times that name none. */
  readonly timeZone: TimeZone;
  /** Spelling -> symbol, as a person gave it. */
  readonly symbolsMap: ReadonlyMap<string, string>;
  /** `name:line: path: why`. */
  readonly onBadLine: (text: string) => void;
  readonly onWarning: (text: string) => void;
  readonly onRow: () => void;
}

/** Where trades are written. Null where there is no log yet: nothing was recorded. */
export type ImportTarget = { readonly log: EventLog; readonly codec: RecordCodec } | null;

/** An input whose results are not in the unit that they are taken for. */
export interface RefusedInput {
  readonly file: string;
  readonly found: PnlFinding;
}

type ImportResult =
  | { readonly refused: null; readonly figures: ImportFigures }
  /** Nothing was written. */
  | { readonly refused: readonly RefusedInput[]; readonly rows: number; readonly bad: number };

/**
 * Imports recorded rows as trade.closed of origin BACKFILL. Invariants:
 * CLM-17  A row counts as exactly one of imported, doubled, already_recorded or bad.
 * CLM-18  Ids derive from a row's content and what is on the topic is read first: killed anywhere and run again, the record
 *         is the same.
 * CLM-19  Nothing is written before the unit of every input's results is found to be the expected one.
 *
 * Inputs are read twice, for their unit and for their rows, so that memory grows by some 50 bytes a row only, by which doubles are
 * recognised.
 */
export async function importTrades(
  inputs: readonly NamedInput[],
  target: ImportTarget,
  options: ImportOptions,
): Promise<ImportResult> {
  const surveyed: SurveyedInput[] = [];
  for (const input of inputs) surveyed.push(await survey(input, options));
  const refused = surveyed.flatMap(({ refusal }) => refusal ?? []);
  const tally = new ImportTally(options);
  if (refused.length > 0) {
    for (const { name, lines } of surveyed) await forEachRow(name, lines(), tally, options, () => undefined);
    return { refused, rows: tally.figures.rows, bad: tally.figures.bad };
  }
  const { recorded, symbols } = target === null ? NOTHING_RECORDED : await recordedBefore(target);
  const spellings = new SymbolSpellings(options.symbolsMap, symbols);
  const work = new TradeImport(target, recorded, spellings, tally, options);
  for (const { name, lines } of surveyed) {
    await forEachRow(name, lines(), tally, options, (line, parsed) => {
      work.take({ file: name, line }, parsed);
      return work.pending >= BATCH_RECORDS ? work.flush() : undefined;
    });
  }
  await work.flush();
  return { refused: null, figures: tally.figures };
}

/** An input whose unit is known. */
interface SurveyedInput {
  readonly name: string;
  readonly lines: () => AsyncIterable<Uint8Array>;
  readonly refusal: RefusedInput | null;
}

/** Reads an input for the unit of its results alone. What is bad is named when its rows are read. */
async function survey({ name, lines, again }: NamedInput, { pnl, timeZone }: ImportOptions): Promise<SurveyedInput> {
  if (pnl?.kind === 'percent') return { name, lines: () => lines, refusal: null };
  const kept: Uint8Array[] = [];
  const results = new PnlSurvey();
  for await (const chunk of readLines(again === undefined ? keeping(lines, kept) : lines)) {
    for (const line of chunk) {
      if (!results.wants(line.number) || isBlank(line)) continue;
      const parsed = parseLine(line, timeZone);
      if (!parsed.ok) continue;
      const { trade, leverage } = parsed;
      const percent = pnl === null ? trade.pnl_percent : percentOf(trade.pnl_percent, pnl, leverage);
      if (percent !== null) results.add(line.number, { pnl: percent, move: priceMoveOf(trade), leverage });
    }
  }
  const found = findPnlUnit(results.samples());
  return {
    name,
    lines: again ?? (() => Readable.from(kept)),
    refusal: found === null ? null : { file: name, found: pnl === null ? found : asRecorded(found, pnl) },
  };
}

async function* keeping(lines: AsyncIterable<Uint8Array>, kept: Uint8Array[]): AsyncIterable<Uint8Array> {
  for await (const chunk of lines) {
    kept.push(chunk);
    yield chunk;
  }
}

/** Counts every row, names the bad ones, and hands on the others. */
async function forEachRow(
  file: string,
  lines: AsyncIterable<Uint8Array>,
  tally: ImportTally,
  { timeZone, onRow }: ImportOptions,
  work: (line: number, parsed: GoodTrade) => Promise<void> | undefined,
): Promise<void> {
  for await (const chunk of readLines(lines)) {
    for (const line of chunk) {
      if (isBlank(line)) continue;
      onRow();
      tally.row();
      const parsed = parseLine(line, timeZone);
      if (parsed.ok) {
        // A promise only where a batch is written: waiting for each row would cost more than the row.
        const written = work(line.number, parsed);
        if (written !== undefined) await written;
      } else tally.bad({ file, line: line.number }, parsed.problems);
    }
  }
}

function isBlank({ text }: Line): boolean {
  return text !== null && text.trim() === '';
}

class TradeImport {
  readonly #target: ImportTarget;
  readonly #recorded: KeptTrades;
  readonly #spellings: SymbolSpellings;
  readonly #tally: ImportTally;
  readonly #options: ImportOptions;
  /** trade.closed is execution's topic. The import writes in its name: it brings what execution would have written then. */
  readonly #writer: TopicWriter | null;
  readonly #kept = new KeptTrades();
  readonly #files: string[] = [];
  #batch: EncodedRecord[] = [];

  constructor(
    target: ImportTarget,
    recorded: KeptTrades,
    spellings: SymbolSpellings,
    tally: ImportTally,
    options: ImportOptions,
  ) {
    this.#target = target;
    this.#recorded = recorded;
    this.#spellings = spellings;
    this.#tally = tally;
    this.#options = options;
    this.#writer = target === null ? null : new TopicWriter('execution', target.codec);
  }

  /** Records that wait for `flush`. */
  get pending(): number {
    return this.#batch.length;
  }

  /** Counts one row, and keeps its record if it is a new trade. */
  take(place: RowPlace, parsed: GoodTrade): void {
    const percent = percentOf(parsed.trade.pnl_percent, this.#options.pnl ?? { kind: 'percent' }, parsed.leverage);
    if (percent === null) {
      const why = 'is missing: --pnl leveraged divides each result by it';
      return this.#tally.bad(place, [{ path: 'leverage', why }]);
    }
    const spelling = parsed.trade.symbol;
    const recorded = { ...parsed.trade, pnl_percent: percent, symbol: this.#spellings.symbolOf(spelling) };
    const trade = tradeOf(recorded, this.#options.account, this.#options.venue);
    if (this.#recorded.has(trade)) return this.#tally.alreadyRecorded();
    const repeated = this.#kept.repeated(trade);
    if (repeated !== null) return this.#tally.doubled(place, this.#placeOf(repeated));
    const encoded = this.#encoded(trade);
    if ('problems' in encoded) return this.#tally.bad(place, encoded.problems);
    if (encoded.record !== null) this.#batch.push(encoded.record);
    this.#kept.add(trade, this.#numberOf(place));
    this.#tally.imported(place, parsed);
    if (recorded.symbol !== spelling) this.#tally.respelled(spelling, recorded.symbol);
    if (contradictsPrices(recorded)) this.#tally.contradicted(place, trade);
  }

  /** File and line as one number; a million million lines a file are enough. */
  #numberOf({ file, line }: RowPlace): number {
    if (this.#files.at(-1) !== file) this.#files.push(file);
    return (this.#files.length - 1) * MOST_LINES + line;
  }

  #placeOf(number: number): RowPlace {
    return { file: this.#files[Math.floor(number / MOST_LINES)] ?? '', line: number % MOST_LINES };
  }

  async flush(): Promise<void> {
    if (this.#batch.length > 0 && !this.#options.dryRun) await this.#target?.log.append(this.#batch);
    this.#batch = [];
  }

  /** The strict check may still refuse what the recorder's own rules let through: a position opened before 1970, for one. */
  #encoded(trade: TradeClosed): { readonly record: EncodedRecord | null } | { readonly problems: readonly Problem[] } {
    const { name: topic } = TOPICS.tradeClosed;
    const ahead = timesAhead(topic, trade, trade.closed_at, this.#options.now);
    if (ahead.length > 0) return { problems: ahead.filter(({ path }) => path !== TIMESTAMP_PATH) };
    if (this.#writer === null) return { record: null };
    try {
      return { record: this.#writer.encode(TOPICS.tradeClosed, trade, trade.closed_at) };
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      return { problems: thrown.problems };
    }
  }
}

interface Recorded {
  /** By earlier imports. */
  readonly recorded: KeptTrades;
  /** The symbols of all trades, whatever their origin. */
  readonly symbols: ReadonlySet<string>;
}

const NOTHING_RECORDED: Recorded = { recorded: new KeptTrades(), symbols: new Set() };

async function recordedBefore(world: ReadableTopics): Promise<Recorded> {
  const recorded = new KeptTrades();
  const symbols = new Set<string>();
  await forEachRecord(world, TOPICS.tradeClosed.name, {}, (trade) => {
    symbols.add(trade.symbol);
    if (trade.origin === 'BACKFILL') recorded.add(trade);
  });
  return { recorded, symbols };
}

function parseLine(line: Line, zone: TimeZone): ParsedTrade {
  if (line.text === null) return { ok: false, problems: [{ path: '(root)', why: line.why }] };
  try {
    const { value, problems } = parseJson(line.text);
    const parsed = parseRecordedTrade(value, zone);
    if (problems.length === 0) return parsed;
    return { ok: false, problems: [...problems, ...(parsed.ok ? [] : parsed.problems)] };
  } catch (thrown) {
    if (!isKind(thrown, 'poison')) throw thrown;
    return { ok: false, problems: [{ path: '(root)', why: thrown.message }] };
  }
}
