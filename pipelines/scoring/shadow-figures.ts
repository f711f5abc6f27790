import { ShadowBoard, type ShadowScore } from './shadow-board.ts';
import type { EpochMillis } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, visitTopic } from '../runtime/topic-cursor.ts';

/**
 * All that `status` reads of shadow.decision. Of a snapshot there are at most as many records as candidates, so this is about as
 * much as the two days of snapshots that it reads anyway, whatever lies there from earlier. Unit: milliseconds.
 */
const DAY_MS = 24 * 60 * 60 * 1000;

/** What one candidate decided within a day, against one policy in force. */
export type ShadowFigures = Pick<
  ShadowScore,
  'policy' | 'against' | 'decisions' | 'agreed' | 'resized' | 'flips' | 'matrix'
>;

/** The day before `newest`, the time that the desk has come to; null: before anything. */
export async function shadowFigures(
  topics: ReadableTopics,
  newest: EpochMillis | null,
): Promise<{ readonly candidates: readonly ShadowFigures[]; readonly undecodable: number }> {
  if (newest === null) return { candidates: [], undecodable: 0 };
  const { name } = TOPICS.shadowDecision;
  const board = new ShadowBoard();
  const from = await topics.log.offsetsAt(name, newest - DAY_MS);
  const undecodable = await visitTopic(topics, name, { from }, (record, { partition }) => board.add(record, partition));
  const candidates = board.scores().map(({ policy, against, decisions, agreed, resized, flips, matrix }) => ({
    policy,
    against,
    decisions,
    agreed,
    resized,
    flips,
    matrix,
  }));
  return { candidates, undecodable };
}
