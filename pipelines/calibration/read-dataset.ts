import { DatasetBuilder, type OutcomeRow } from './dataset.ts';
import type { OffsetRange } from './report.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { schemaReferenceOf } from '../../schemas/wire-format.ts';
import { type ReadableTopics, visitTopic } from '../runtime/topic-cursor.ts';

/** The topics that outcomes can be read from. */
export const OUTCOME_TOPICS = [TOPICS.clmOutcome.name, TOPICS.tradeClosed.name] as const;
export type OutcomeTopic = (typeof OUTCOME_TOPICS)[number];

/** Bounds by partition; what is left out is the oldest kept and the end that stands now. */
export interface WantedOffsets {
  readonly from?: ReadonlyMap<number, number>;
  readonly to?: ReadonlyMap<number, number>;
}

export interface Dataset {
  readonly topic: OutcomeTopic;
  readonly ranges: readonly OffsetRange[];
  /** Of the records read, ascending. */
  readonly schemaIds: readonly number[];
  /** FINAL outcomes of all models, in time order. */
  readonly rows: readonly OutcomeRow[];
  readonly accumulating: number;
  readonly undecodable: number;
}

/** Fixes the stretch to read: what is asked for, cut to what stands in the log. */
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

/** Reads that stretch. Constant memory but for the rows. */
export async function readDataset(
  world: ReadableTopics,
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
      ? await visitTopic(world, topic, range, (outcome, at) => {
          if (within(at)) builder.addOutcome(outcome, at);
        })
      : await visitTopic(world, topic, range, (trade, at) => {
          if (within(at)) builder.addTrade(trade, at);
        });
  return {
    topic,
    ranges,
    schemaIds: [...schemaIds].toSorted((one, other) => one - other),
    rows: builder.rows(),
    accumulating: builder.accumulating,
    undecodable,
  };
}

/** The rows by model, models in order of their first row; null gathers those without one. */
export function rowsByModel(rows: readonly OutcomeRow[]): ReadonlyMap<string | null, readonly OutcomeRow[]> {
  return Map.groupBy(rows, ({ model_id }) => model_id);
}
