import type { PartitionOffsets } from '../../ports/event-log.ts';
import { type ComparedPartition, Comparison, type ComparisonOptions } from './comparison.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, visitRange } from '../runtime/topic-cursor.ts';

/** What came of one partition. */
export interface PartitionOutcome {
  readonly compared: ComparedPartition;
  readonly undecodable: number;
}

/** Compares stretches of position.snapshot; the outcomes are in the order of the stretches. `onRecords` is told of those read. */
export type ComparePartitions = (
  ranges: readonly PartitionOffsets[],
  onRecords: (records: number) => void,
) => Promise<readonly PartitionOutcome[]>;

/** One after the other, in this thread. */
export function compareInTurn(world: ReadableTopics, options: ComparisonOptions): ComparePartitions {
  return async (ranges, onRecords) => {
    const outcomes: PartitionOutcome[] = [];
    for (const range of ranges) outcomes.push(await comparePartition(world, options, range, onRecords));
    return outcomes;
  };
}

/** Streams one partition past both policies. */
export async function comparePartition(
  world: ReadableTopics,
  options: ComparisonOptions,
  range: PartitionOffsets,
  onRecords: (records: number) => void,
): Promise<PartitionOutcome> {
  const comparison = new Comparison(options);
  const undecodable = await visitRange(
    world,
    TOPICS.positionSnapshot.name,
    range,
    (snapshot, at) => comparison.add(snapshot, at),
    onRecords,
  );
  return { compared: comparison.end(), undecodable };
}
