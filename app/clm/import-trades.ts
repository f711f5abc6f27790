import { type Problem, isKind } from '../../errors/harvestline-error.ts';
import { contradictsPrices, priceMoveOf, tradeOf } from '../../pipelines/clm/backfill.ts';
import { KeptTrades } from '../../pipelines/clm/kept-trades.ts';
import { type PnlFinding, type PnlUnit, asRecorded, findPnlUnit, percentOf } from '../../pipelines/clm/pnl-unit.ts';
import { type GoodTrade, type ParsedTrade, parseRecordedTrade } from '../../pipelines/clm/recorded-trade.ts';
import { SymbolSpellings } from '../../pipelines/clm/symbol-spellings.ts';
import type { TimeZone } from '../../pipelines/clm/time-zone.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { TIMESTAMP_PATH, timesAhead } from '../../schemas/time-bound.ts';
import type { EpochMillis, TradeClosed } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { type EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { parseJson } from '../../schemas/strict-json.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Line, readLines } from '../read-lines.ts';
import { type ReadableTopics, visitTopic } from '../read-topic.ts';
import { type ImportFigures, ImportTally, type RowPlace } from './import-tally.ts';

/** Large enough that its one sync to disk is shared by many rows, small enough to hold in memory. Unit: records. */
const BATCH_RECORDS = 2000;

/** A stream of lines with the name it is reported by. */
export interface NamedInput {
  readonly name: string;
  readonly lines: AsyncIterable<Uint8Array>;
}

export interface ImportOptions {
  readonly account: string;
  readonly venue: string;
  readonly dryRun: boolean;
  /** No row was closed after it. */
  readonly now: EpochMillis;
  /** What pnl_percent is in; null: found over each input, and refused where it is not the move in per cent. */
  readonly pnl: PnlUnit | null;
  /** Of times that name none. */
  readonly timeZone: TimeZone;
  /** Spelling -> symbol. */
  readonly symbolsMap: ReadonlyMap<string, string>;
  /** `name:line: path: why`. */
  readonly onBadLine: (text: string) => void;
  readonly onWarning: (text: string) => void;
  readonly onRow: () => void;
}

/** Null where there is no log yet: nothing was recorded. */
export type ImportTarget = { readonly log: EventLog; readonly codec: RecordCodec } | null;

/** An input whose results are not in the unit that they are taken for. */
export interface RefusedInput {
  readonly file: string;
  readonly found: PnlFinding;
}

export type ImportResult =
  | { readonly refused: null; readonly figures: ImportFigures }
  /** Nothing was written. */
  | { readonly refused: readonly RefusedInput[]; readonly rows: number; readonly bad: number };

/**
 * Imports recorded rows as trade.closed of origin BACKFILL. Invariants:
 * IM1  A row counts as exactly one of imported, doubled, already_recorded or bad.
 * IM2  Ids derive from a row's content and what is on the topic is read first: killed anywhere and run again, the record
 *      is the same.
 * IM3  Nothing is written before the results of every input are known to be in the unit that they are taken for.
 *
 * Memory: the rows, for a unit is found over all of them.
 */
export async function importTrades(
  inputs: readonly NamedInput[],
  target: ImportTarget,
  options: ImportOptions,
): Promise<ImportResult> {
  const tally = new ImportTally(options);
  const rows: GoodRow[][] = [];
  for (const input of inputs) rows.push(await readRows(input, tally, options));
  const refused = inputs.flatMap(({ name }, at) => refusalOf(name, rows[at] ?? [], options.pnl));
  if (refused.length > 0) return { refused, rows: tally.figures.rows, bad: tally.figures.bad };
  const { recorded, symbols } = target === null ? NOTHING_RECORDED : await recordedBefore(target);
  const spellings = new SymbolSpellings(options.symbolsMap, symbols);
  const work = new TradeImport(target, recorded, spellings, tally, options);
  for (const [at, { name }] of inputs.entries()) {
    // Each is let go once it is taken, so that rows and kept trades are never both in memory as a whole.
    const waiting = (rows[at] ?? []).toReversed();
    rows[at] = [];
    for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
      work.take({ file: name, line: row.line }, row.parsed);
      if (work.pending >= BATCH_RECORDS) await work.flush();
    }
  }
  await work.flush();
  return { refused: null, figures: tally.figures };
}

interface GoodRow {
  readonly line: number;
  readonly parsed: GoodTrade;
}

async function readRows(
  { name, lines }: NamedInput,
  tally: ImportTally,
  { timeZone, onRow }: ImportOptions,
): Promise<GoodRow[]> {
  const rows: GoodRow[] = [];
  for await (const chunk of readLines(lines)) {
    for (const line of chunk) {
      if (line.text !== null && line.text.trim() === '') continue;
      onRow();
      const parsed = parseLine(line, timeZone);
      tally.row();
      if (parsed.ok) rows.push({ line: line.number, parsed });
      else tally.bad({ file: name, line: line.number }, parsed.problems);
    }
  }
  return rows;
}

function refusalOf(file: string, rows: readonly GoodRow[], pnl: PnlUnit | null): readonly RefusedInput[] {
  if (pnl?.kind === 'percent') return [];
  const samples = rows.flatMap(({ parsed: { trade, leverage } }) => {
    const percent = pnl === null ? trade.pnl_percent : percentOf(trade.pnl_percent, pnl, leverage);
    return percent === null ? [] : [{ pnl: percent, move: priceMoveOf(trade), leverage }];
  });
  const found = findPnlUnit(samples);
  return found === null ? [] : [{ file, found: pnl === null ? found : asRecorded(found, pnl) }];
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
  readonly #keptPlaces: RowPlace[] = [];
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
    const original = repeated === null ? undefined : this.#keptPlaces[repeated];
    if (original !== undefined) return this.#tally.doubled(place, original);
    const encoded = this.#encoded(trade);
    if ('problems' in encoded) return this.#tally.bad(place, encoded.problems);
    if (encoded.record !== null) this.#batch.push(encoded.record);
    this.#kept.add(trade, this.#keptPlaces.push(place) - 1);
    this.#tally.imported(place, parsed);
    if (recorded.symbol !== spelling) this.#tally.respelled(spelling, recorded.symbol);
    if (contradictsPrices(recorded)) this.#tally.contradicted(place, trade);
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
  /** Of all trades, whoever made them. */
  readonly symbols: ReadonlySet<string>;
}

const NOTHING_RECORDED: Recorded = { recorded: new KeptTrades(), symbols: new Set() };

async function recordedBefore(world: ReadableTopics): Promise<Recorded> {
  const recorded = new KeptTrades();
  const symbols = new Set<string>();
  await visitTopic(world, TOPICS.tradeClosed.name, {}, (trade) => {
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
