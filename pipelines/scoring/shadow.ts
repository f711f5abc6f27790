/** Candidate policies decide beside the policy in force; their decisions are recorded on shadow.decision and never executed. */
import { isKind } from '../../errors/harvestline-error.ts';
import type { PositionSnapshot, ShadowDecision } from '../../schemas/generated/records.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { type ConfidenceMap, asJudgedBy } from './confidence-map.ts';
import { type Verdict, verdictOf } from './evaluate.ts';
import type { Policy } from './policy.ts';

/** A snapshot that the policy in force has decided on. */
export interface Decided {
  /** As recorded, with raw confidences. */
  readonly snapshot: PositionSnapshot;
  /** The confidence map in force for its model; null: none. */
  readonly map: ConfidenceMap | null;
  readonly verdict: Verdict;
  readonly at: LogRecord;
  readonly calibrationVersion: string | null;
}

/** What one candidate did with one snapshot: a record was written, none since both hold, or none since the candidate cannot decide on it. */
export type ShadowResult = 'written' | 'both_hold' | 'failed';

export interface ShadowOptions {
  readonly writer: TopicWriter;
  readonly candidates: readonly Policy[];
  readonly onResult?: (candidate: Policy, result: ShadowResult) => void;
}

/**
 * The records of all candidates for one snapshot.
 *
 * SCO-28  A candidate changes no intent: it decides after the policy in force, on the same snapshot. One that cannot decide (its costs or its
 *         default risk drive R beyond 1e12) is skipped, and the snapshot counts as good all the same.
 * SCO-29  There is no record where both hold: a desk holds most of the time, and that would be one record a snapshot.
 * SCO-30  A record names its snapshot, so that readers recognise a repeated one.
 */
export function shadowRecords(
  { writer, candidates, onResult }: ShadowOptions,
  decided: Decided,
): readonly EncodedRecord[] {
  const records: EncodedRecord[] = [];
  for (const candidate of candidates) {
    try {
      const record = shadowOf(decided, verdictOf(asJudgedBy(candidate, decided.snapshot, decided.map), candidate));
      // It has its snapshot's timestamp, so that retention keeps both for as long.
      if (record !== null) records.push(writer.encode(TOPICS.shadowDecision, record, decided.at.timestamp));
      onResult?.(candidate, record === null ? 'both_hold' : 'written');
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      onResult?.(candidate, 'failed');
    }
  }
  return records;
}

/** The two decisions side by side; null where both hold (SCO-29). */
function shadowOf(
  { snapshot, verdict: current, at, calibrationVersion }: Decided,
  candidate: Verdict,
): ShadowDecision | null {
  if (candidate.action === 'HOLD' && current.action === 'HOLD') return null;
  return {
    position_id: snapshot.position_id,
    account: snapshot.account,
    venue: snapshot.venue,
    symbol: snapshot.symbol,
    side: snapshot.side,
    observed_at: snapshot.observed_at,
    policy: candidate.policy,
    against: current.policy,
    action: candidate.action,
    fraction: candidate.fraction,
    reason: candidate.reason,
    hold_score: candidate.hold_score,
    exit_score: candidate.exit_score,
    r: candidate.r,
    current_action: current.action,
    current_fraction: current.fraction,
    calibration_version: calibrationVersion,
    input: { topic: at.topic, partition: at.partition, offset: at.offset },
  };
}
