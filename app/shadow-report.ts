import { ShadowBoard, type ShadowScore } from '../pipelines/watch/shadow-board.ts';
import type { EpochMillis } from '../schemas/generated/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import { type ReadableTopics, visitTopic } from './read-topic.ts';

export interface ShadowReport {
  /** The newest observed_at of a candidate's decision; null without one. */
  readonly as_of: EpochMillis | null;
  readonly undecodable: number;
  readonly candidates: readonly ShadowScore[];
}

/** Reads shadow.decision as the log has it now. */
export async function shadowReport(world: ReadableTopics): Promise<ShadowReport> {
  const board = new ShadowBoard();
  const undecodable = await visitTopic(world, TOPICS.shadowDecision.name, {}, (record, { partition }) =>
    board.add(record, partition),
  );
  return { as_of: board.asOf, undecodable, candidates: board.scores() };
}
