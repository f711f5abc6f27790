/**
 * Scoring.
 * Reads      position.snapshot; follows confidence.calibration
 * Writes     harvest.intent, one for every snapshot whose decision is not HOLD; policy.applied, where what decisions rest on has
 *            changed (policy-recorder.ts); shadow.decision, with candidates (shadow.ts)
 * State      the approved confidence maps: confidence.calibration from its beginning; what policy.applied tells. Else none: a decision
 *            is a pure function of one snapshot, the policy and the map of the snapshot's model
 *
 * SCO-22  The same snapshot gives the same intent again, under the same intent_id, so a batch that is processed twice has its effect once.
 */
import type { HarvestIntent, PositionSnapshot } from '../../schemas/generated/records.ts';
import { intentIdOf } from '../../schemas/ids.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { Processor } from '../runtime/processor.ts';
import { CalibrationVersions, seenBy } from './confidence-map.ts';
import { type Decision, type Verdict, explain, verdictOf } from './evaluate.ts';
import type { Policy } from './policy.ts';
import { PolicyRecorder } from './policy-recorder.ts';
import { type ShadowOptions, shadowRecords } from './shadow.ts';

/**
 * What a fetch brings of one partition at most, at the size that snapshots have in the field: its intents are one request to the broker, to whom
 * requests cost more than records do. Other partitions are scored while they are on their way. Unit: records.
 */
const BATCH_RECORDS = 2000;

export interface ScoringOptions {
  readonly writer: TopicWriter;
  readonly policy: Policy;
  /** Told of every decision, HOLD too: for live views and metrics. */
  readonly onDecision?: (snapshot: PositionSnapshot, verdict: Verdict) => void;
  /** Candidate policies whose decisions are written down and never executed. */
  readonly shadow?: Pick<ShadowOptions, 'candidates' | 'onResult'>;
}

/** Throws POLICY_INVALID where the policy is too long for policy.applied. */
export function scoringProcessor({ writer, policy, onDecision, shadow }: ScoringOptions): Processor {
  const beside = shadow === undefined || shadow.candidates.length === 0 ? null : { ...shadow, writer };
  const versions = new CalibrationVersions();
  const recorder = new PolicyRecorder(writer, policy);
  return {
    name: 'scoring',
    inputs: [TOPICS.positionSnapshot],
    follows: [TOPICS.confidenceCalibration],
    independentRecords: true,
    maxBatchRecords: BATCH_RECORDS,
    followed({ topic, record }) {
      if (topic !== TOPICS.confidenceCalibration.name) return;
      versions.apply(record);
      recorder.calibrationsChanged(versions);
    },
    restore: (replay) => recorder.restore(replay),
    process(records) {
      const outputs: EncodedRecord[] = [];
      const first = records.find(({ topic }) => topic === TOPICS.positionSnapshot.name);
      const due = first?.topic === TOPICS.positionSnapshot.name ? recorder.due(first.record, first.at) : null;
      if (due !== null) outputs.push(due.output);
      for (const { topic, record, at } of records) {
        if (topic !== TOPICS.positionSnapshot.name) continue;
        const modelId = record.model_id ?? null;
        const approved = modelId === null ? null : versions.inForce(modelId);
        const map = approved?.map ?? null;
        const seen = seenBy(policy, record, map);
        const verdict = verdictOf(seen, policy);
        onDecision?.(record, verdict);
        const calibrationVersion = approved?.version ?? null;
        const intent =
          verdict.action === 'HOLD' ? null : intentOf(record, explain(seen, policy, verdict), at, calibrationVersion);
        if (intent !== null) outputs.push(writer.encode(TOPICS.harvestIntent, intent, at.timestamp));
        if (beside !== null)
          for (const output of shadowRecords(beside, { snapshot: record, map, verdict, at, calibrationVersion }))
            outputs.push(output);
      }
      if (due !== null) recorder.wasTold(due);
      return Promise.resolve(outputs);
    },
  };
}

/** The command that a decision asks for; null for HOLD. */
export function intentOf(
  snapshot: PositionSnapshot,
  decision: Decision,
  at: LogRecord,
  calibrationVersion: string | null = null,
): HarvestIntent | null {
  if (decision.action === 'HOLD') return null;
  return {
    intent_id: intentIdOf(snapshot.position_id, snapshot.observed_at),
    position_id: snapshot.position_id,
    account: snapshot.account,
    venue: snapshot.venue,
    symbol: snapshot.symbol,
    side: snapshot.side,
    action: decision.action,
    fraction: decision.fraction,
    reason: decision.reason,
    hold_score: decision.hold_score,
    exit_score: decision.exit_score,
    r: decision.r,
    factors: decision.factors,
    unknown: decision.unknown,
    policy: decision.policy,
    calibration_version: calibrationVersion,
    entry_price: snapshot.entry_price,
    mark_price: snapshot.mark_price,
    peak_price: snapshot.peak_price,
    worst_price: snapshot.worst_price,
    initial_stop_price: snapshot.initial_stop_price,
    quantity: snapshot.quantity,
    opened_at: snapshot.opened_at,
    observed_at: snapshot.observed_at,
    confidence_at_entry: snapshot.confidence_at_entry,
    confidence: snapshot.confidence,
    model_id: snapshot.model_id,
    regime_at_entry: snapshot.regime_at_entry,
    input: { topic: at.topic, partition: at.partition, offset: at.offset },
    order: decision.order ?? null,
  };
}
