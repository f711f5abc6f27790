import { createHash } from 'node:crypto';
import type { LogRecord } from '../../ports/event-log.ts';
import type {
  ClmOutcome,
  EpochMillis,
  OutcomeLabel,
  PositionId,
  Side,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { schemaReferenceOf } from '../../schemas/wire-format.ts';
import { accumulate } from '../clm/accumulate.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';
import { type LabelRule, RECORDED_LABEL } from './label-rule.ts';
import type { OffsetRange } from './report.ts';

/** Results for label rules other than the recorded one, and for splits by policy and regime. */
interface OutcomeResults {
  readonly pnl_quote: number;
  readonly initial_risk_quote: number | null;
  readonly pnl_net_quote: number | null;
  readonly r_net: number | null;
  readonly policy_at_close: string | null;
  readonly regime_at_entry: string | null;
}

/** One FINAL outcome, and where its record is. The order of the fields is that of the canonical row, and so part of the hash. */
export interface OutcomeRow {
  readonly position_id: PositionId;
  readonly symbol: string;
  readonly side: Side;
  readonly model_id: string | null;
  readonly confidence: number | null;
  readonly label: OutcomeLabel;
  readonly pnl_percent: number;
  readonly entry_price: number;
  readonly exit_price: number;
  readonly opened_at: EpochMillis;
  readonly closed_at: EpochMillis;
  readonly exit_reasons: readonly string[];
  readonly excluded: string | null;
  readonly slices: readonly string[];
  readonly partition: number;
  readonly offset: number;
  /** Null: the record has none of them. Left out in an export by the recorded label (CAL-3). */
  readonly results?: OutcomeResults | null;
}

/**
 * The rows of a range of clm.outcome, or of trade.closed, which it accumulates as CLM does. Invariants of the rows and of their hash:
 * CAL-1  One row a position: its latest record in the range, if that is FINAL.
 * CAL-2  Rows are ordered by closed_at, then position_id: the same records give the same rows, in whatever order partitions are read.
 * CAL-3  `results` are part of the canonical row only where the label rule needs them: rows by the recorded label keep the hash that they
 *        had before there were results.
 */
export class DatasetBuilder {
  readonly #rows = new Map<PositionId, OutcomeRow | null>();
  readonly #outcomes = new Map<PositionId, ClmOutcome>();
  /** One string for each distinct text: decoding makes new ones, and symbols, models and reasons are few. */
  readonly #texts = new Map<string, string>();
  readonly #reasons = new Map<string, readonly string[]>();

  addOutcome(outcome: ClmOutcome, { partition, offset }: Pick<LogRecord, 'partition' | 'offset'>): void {
    const { label, closed_at: closedAt } = outcome;
    if (outcome.status !== 'FINAL' || label === null || closedAt === null) {
      this.#rows.set(outcome.position_id, null);
      return;
    }
    this.#rows.set(outcome.position_id, {
      position_id: outcome.position_id,
      symbol: this.#text(outcome.symbol),
      side: outcome.side,
      model_id: outcome.model_id === null ? null : this.#text(outcome.model_id),
      confidence: outcome.confidence,
      label,
      pnl_percent: outcome.pnl_percent,
      entry_price: outcome.entry_price,
      exit_price: outcome.exit_price,
      opened_at: outcome.opened_at,
      closed_at: closedAt,
      exit_reasons: this.#reasonsOf(outcome),
      excluded: outcome.excluded_from_calibration === null ? null : this.#text(outcome.excluded_from_calibration),
      slices: outcome.slices,
      partition,
      offset,
      results: this.#resultsOf(outcome),
    });
  }

  addTrade(trade: TradeClosed, at: Pick<LogRecord, 'partition' | 'offset'>): void {
    const outcome = accumulate(this.#outcomes.get(trade.position_id), trade);
    if (outcome === null) return;
    this.#outcomes.set(trade.position_id, outcome);
    this.addOutcome(outcome, at);
  }

  rows(): readonly OutcomeRow[] {
    const rows: OutcomeRow[] = [];
    for (const row of this.#rows.values()) if (row !== null) rows.push(row);
    return rows.toSorted(byTimeThenPosition);
  }

  #resultsOf(outcome: ClmOutcome): OutcomeResults | null {
    const { pnl_quote, initial_risk_quote, pnl_net_quote, r_net, policy_at_close, regime_at_entry } = outcome;
    const known = [initial_risk_quote, pnl_net_quote, r_net, policy_at_close, regime_at_entry];
    if (known.every((value) => value === null || value === undefined)) return null;
    return {
      pnl_quote,
      initial_risk_quote: initial_risk_quote ?? null,
      pnl_net_quote: pnl_net_quote ?? null,
      r_net: r_net ?? null,
      policy_at_close: textOrNull(policy_at_close, (text) => this.#text(text)),
      regime_at_entry: textOrNull(regime_at_entry, (text) => this.#text(text)),
    };
  }

  #reasonsOf({ exit_reasons: reasons }: ClmOutcome): readonly string[] {
    const key = JSON.stringify(reasons);
    const known = this.#reasons.get(key);
    if (known === undefined) this.#reasons.set(key, reasons);
    return known ?? reasons;
  }

  #text(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }
}

/** One row as a line of JSON without its line break, as it is hashed and exported (CAL-3). */
export function canonicalLine(row: OutcomeRow, rule: LabelRule = RECORDED_LABEL): string {
  if (rule.kind !== 'pnl') return JSON.stringify(row);
  const { results: _, ...recorded } = row;
  return JSON.stringify(recorded);
}

/** Lines are hashed in chunks of about this length: a call for each line would cost more than the hash. Unit: UTF-16 code units. */
const CHUNK_LENGTH = 64 * 1024;

/** Chunks of canonical lines, each line with its line break. */
export function* canonicalChunks(rows: Iterable<OutcomeRow>, rule: LabelRule = RECORDED_LABEL): Iterable<string> {
  let chunk = '';
  for (const row of rows) {
    chunk += `${canonicalLine(row, rule)}\n`;
    if (chunk.length < CHUNK_LENGTH) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

/** SHA-256 of the canonical lines, hexadecimal. */
export function datasetHash(rows: Iterable<OutcomeRow>, rule: LabelRule = RECORDED_LABEL): string {
  const sha256 = createHash('sha256');
  for (const chunk of canonicalChunks(rows, rule)) sha256.update(chunk);
  return sha256.digest('hex');
}

function textOrNull(text: string | null | undefined, shared: (text: string) => string): string | null {
  return text === null || text === undefined ? null : shared(text);
}

function byTimeThenPosition(one: OutcomeRow, other: OutcomeRow): number {
  return one.closed_at - other.closed_at || (one.position_id < other.position_id ? -1 : 1);
}

/** The topics that outcomes can be read from. */
export const OUTCOME_TOPICS = [TOPICS.clmOutcome.name, TOPICS.tradeClosed.name] as const;
export type OutcomeTopic = (typeof OUTCOME_TOPICS)[number];

/** Bounds by partition. Left out: the oldest record kept, and the current end. */
interface WantedOffsets {
  readonly from?: ReadonlyMap<number, number>;
  readonly to?: ReadonlyMap<number, number>;
}

export interface Dataset {
  readonly topic: OutcomeTopic;
  readonly ranges: readonly OffsetRange[];
  /** Schemas of the records read, ascending. */
  readonly schemaIds: readonly number[];
  /** FINAL outcomes of all models, in time order. */
  readonly rows: readonly OutcomeRow[];
  readonly undecodable: number;
}

/** The ranges to read: the offsets asked for, cut to those in the log. */
export async function fixRanges(
  { log }: Pick<ReadableTopics, 'log'>,
  topic: OutcomeTopic,
  { from, to }: WantedOffsets,
): Promise<readonly OffsetRange[]> {
  const offsets = await log.offsets(topic);
  return offsets.map(({ partition, begin, end }) => {
    const start = Math.min(end, Math.max(begin, from?.get(partition) ?? begin));
    return { partition, from: start, to: Math.max(start, Math.min(end, to?.get(partition) ?? end)) };
  });
}

/** Reads these ranges. Memory grows with the rows only. */
export async function readDataset(
  topics: ReadableTopics,
  topic: OutcomeTopic,
  ranges: readonly OffsetRange[],
  onRecord: () => void = () => {},
): Promise<Dataset> {
  const builder = new DatasetBuilder();
  const ends = new Map(ranges.map(({ partition, to }) => [partition, to]));
  const schemaIds = new Set<number>();
  const within = (at: LogRecord): boolean => {
    if (at.offset >= (ends.get(at.partition) ?? 0)) return false;
    const reference = schemaReferenceOf(at);
    if ('id' in reference && typeof reference.id === 'number') schemaIds.add(reference.id);
    onRecord();
    return true;
  };
  const range = {
    from: new Map(ranges.map(({ partition, from }) => [partition, from])),
    partitions: ranges.filter(({ from, to }) => to > from).map(({ partition }) => partition),
  };
  const undecodable =
    topic === TOPICS.clmOutcome.name
      ? await forEachRecord(topics, topic, range, (outcome, at) => {
          if (within(at)) builder.addOutcome(outcome, at);
        })
      : await forEachRecord(topics, topic, range, (trade, at) => {
          if (within(at)) builder.addTrade(trade, at);
        });
  return {
    topic,
    ranges,
    schemaIds: [...schemaIds].toSorted((one, other) => one - other),
    rows: builder.rows(),
    undecodable,
  };
}

/** The rows by model, in the order of their first rows; null: no model is known. */
export function rowsByModel(rows: readonly OutcomeRow[]): ReadonlyMap<string | null, readonly OutcomeRow[]> {
  return Map.groupBy(rows, ({ model_id }) => model_id);
}
