import { type Problem, isKind } from '../../errors/harvestline-error.ts';
import {
  KeptTrades,
  type ParsedTrade,
  contradictsPrices,
  parseRecordedTrade,
  tradeOf,
} from '../../pipelines/clm/backfill.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { TIMESTAMP_PATH, timesAhead } from '../../schemas/time-bound.ts';
import type { EpochMillis, TradeClosed } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { type EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { parseJson } from '../../schemas/strict-json.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Line, readLines } from '../read-lines.ts';
import { type ReadableTopics, visitTopic } from '../read-topic.ts';

/** Large enough that its one sync to disk is shared by many rows, small enough to hold in memory. Unit: records. */
const BATCH_RECORDS = 2000;

/** Enough to see what is wrong. Unit: lines. */
const NAMED_WARNINGS = 5;

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
  /** `name:line: path: why`. */
  readonly onBadLine: (text: string) => void;
  readonly onWarning: (text: string) => void;
  readonly onRow: () => void;
}

export interface ImportCounts {
  rows: number;
  imported: number;
  /** Rows that repeat another row of this import within 50 ms. */
  doubled: number;
  /** Rows that an earlier import brought. */
  already_recorded: number;
  bad: number;
  pnl_sign_warnings: number;
  /** Fields that no record has a place for -> rows that have them. */
  readonly ignored_fields: Readonly<Record<string, number>>;
}

/** Null where there is no log yet: nothing was recorded. */
export type ImportTarget = { readonly log: EventLog; readonly codec: RecordCodec } | null;

/**
 * Imports recorded rows as trade.closed of origin BACKFILL. Invariants:
 * IM1  A row counts as exactly one of imported, doubled, already_recorded or bad.
 * IM2  Ids derive from a row's content and what is on the topic is read first: killed anywhere and run again, the record
 *      is the same.
 */
export async function importTrades(
  inputs: readonly NamedInput[],
  target: ImportTarget,
  options: ImportOptions,
): Promise<ImportCounts> {
  const recorded = target === null ? new KeptTrades() : await recordedBefore(target);
  const work = new TradeImport(target, recorded, options);
  for (const { name, lines } of inputs) {
    for await (const chunk of readLines(lines)) {
      for (const line of chunk) {
        if (line.text !== null && line.text.trim() === '') continue;
        options.onRow();
        work.take(`${name}:${line.number}`, parseLine(line));
      }
      if (work.pending >= BATCH_RECORDS) await work.flush();
    }
  }
  await work.flush();
  return work.counts;
}

class TradeImport {
  readonly #counts: Omit<ImportCounts, 'ignored_fields'> = {
    rows: 0,
    imported: 0,
    doubled: 0,
    already_recorded: 0,
    bad: 0,
    pnl_sign_warnings: 0,
  };
  /** A map: a field may have any name, `constructor` too. */
  readonly #ignored = new Map<string, number>();
  readonly #target: ImportTarget;
  readonly #recorded: KeptTrades;
  readonly #options: ImportOptions;
  /** trade.closed is execution's topic. The import writes in its name: it brings what execution would have written then. */
  readonly #writer: TopicWriter | null;
  readonly #kept = new KeptTrades();
  #batch: EncodedRecord[] = [];

  constructor(target: ImportTarget, recorded: KeptTrades, options: ImportOptions) {
    this.#target = target;
    this.#recorded = recorded;
    this.#options = options;
    this.#writer = target === null ? null : new TopicWriter('execution', target.codec);
  }

  get counts(): ImportCounts {
    const ignored = [...this.#ignored].toSorted(([one], [other]) => (one < other ? -1 : 1));
    return { ...this.#counts, ignored_fields: Object.fromEntries(ignored) };
  }

  /** Records that wait for `flush`. */
  get pending(): number {
    return this.#batch.length;
  }

  /** Counts one row, and keeps its record if it is a new trade. `place` is how the row is named. */
  take(place: string, parsed: ParsedTrade): void {
    const counts = this.#counts;
    counts.rows += 1;
    if (!parsed.ok) return this.#refuse(place, parsed.problems);
    const trade = tradeOf(parsed.trade, this.#options.account, this.#options.venue);
    if (this.#recorded.has(trade)) counts.already_recorded += 1;
    else if (this.#kept.has(trade)) counts.doubled += 1;
    else {
      const encoded = this.#encoded(trade);
      if ('problems' in encoded) return this.#refuse(place, encoded.problems);
      if (encoded.record !== null) this.#batch.push(encoded.record);
      this.#kept.add(trade);
      counts.imported += 1;
      for (const field of parsed.ignored) this.#ignored.set(field, (this.#ignored.get(field) ?? 0) + 1);
      if (contradictsPrices(parsed.trade)) this.#warn(place, trade);
    }
  }

  async flush(): Promise<void> {
    if (this.#batch.length > 0 && !this.#options.dryRun) await this.#target?.log.append(this.#batch);
    this.#batch = [];
  }

  #refuse(place: string, problems: readonly Problem[]): void {
    this.#counts.bad += 1;
    for (const { path, why } of problems) this.#options.onBadLine(`${place}: ${path}: ${why}`);
  }

  #warn(place: string, { side, entry_price, exit_price, pnl_percent }: TradeClosed): void {
    this.#counts.pnl_sign_warnings += 1;
    if (this.#counts.pnl_sign_warnings > NAMED_WARNINGS) return;
    const prices = `${side} from ${entry_price} to ${exit_price}`;
    this.#options.onWarning(`${place}: pnl_percent ${pnl_percent} disagrees with ${prices}; kept as recorded`);
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

async function recordedBefore(world: ReadableTopics): Promise<KeptTrades> {
  const recorded = new KeptTrades();
  await visitTopic(world, TOPICS.tradeClosed.name, {}, (trade) => {
    if (trade.origin === 'BACKFILL') recorded.add(trade);
  });
  return recorded;
}

function parseLine(line: Line): ParsedTrade {
  if (line.text === null) return { ok: false, problems: [{ path: '(root)', why: line.why }] };
  try {
    const { value, problems } = parseJson(line.text);
    const parsed = parseRecordedTrade(value);
    if (problems.length === 0) return parsed;
    return { ok: false, problems: [...problems, ...(parsed.ok ? [] : parsed.problems)] };
  } catch (thrown) {
    if (!isKind(thrown, 'poison')) throw thrown;
    return { ok: false, problems: [{ path: '(root)', why: thrown.message }] };
  }
}
