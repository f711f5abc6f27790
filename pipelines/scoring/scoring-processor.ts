/**
 * Scoring: decides on every snapshot.
 *
 * Reads      position.snapshot; confidence.calibration as a broadcast input
 * Writes     harvest.intent, for every snapshot whose decision is not HOLD; policy.applied, when the policy or a map has changed
 *            (policy-recorder.ts); shadow.decision, where there are candidate policies (shadow.ts)
 * State      the approved confidence maps, from confidence.calibration; the latest records of policy.applied. No other: a decision is a pure
 *            function of one snapshot, the policy and the map of the snapshot's model
 *
 * SCO-22  The same snapshot gives the same intent again, under the same intent_id, so a batch that is processed twice has its effect once.
 */
import type { HarvestIntent, PositionSnapshot } from '../../schemas/generated/records.ts';
import { intentIdOf } from '../../schemas/ids.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { Processor } from '../runtime/processor.ts';
import { CalibrationVersions, asJudgedBy } from './confidence-map.ts';
import { type Decision, type Verdict, explainVerdict, verdictOf } from './evaluate.ts';
import type { Policy } from './policy.ts';
import { PolicyRecorder } from './policy-recorder.ts';
import { type ShadowOptions, shadowRecords } from './shadow.ts';

/**
 * About what one fetch brings of one partition, at the usual size of snapshots. The intents of a batch are one request to the broker, for which
 * requests are dearer than records; other partitions are scored while it is under way. Unit: records.
 */
const BATCH_RECORDS = 2000;

interface ScoringOptions {
  readonly writer: TopicWriter;
  readonly policy: Policy;
  /** Called for every decision, HOLD included: for live views and metrics. */
  readonly onDecision?: (snapshot: PositionSnapshot, verdict: Verdict) => void;
  /** Candidate policies, whose decisions are recorded and never executed. */
  readonly shadow?: Pick<ShadowOptions, 'candidates' | 'onResult'>;
}

/** Throws POLICY_INVALID where the policy is too long for policy.applied. */
export function scoringProcessor({ writer, policy, onDecision, shadow }: ScoringOptions): Processor {
  const candidates = shadow === undefined || shadow.candidates.length === 0 ? null : { ...shadow, writer };
  const versions = new CalibrationVersions();
  const recorder = new PolicyRecorder(writer, policy);
  return {
    name: 'scoring',
    inputs: [TOPICS.positionSnapshot],
    broadcasts: [TOPICS.confidenceCalibration],
    splittable: true,
    maxBatchRecords: BATCH_RECORDS,
    onBroadcast({ topic, record }) {
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
        const judged = asJudgedBy(policy, record, map);
        const verdict = verdictOf(judged, policy);
        onDecision?.(record, verdict);
        const calibrationVersion = approved?.version ?? null;
        const intent =
          verdict.action === 'HOLD'
            ? null
            : intentOf(record, explainVerdict(judged, policy, verdict), at, calibrationVersion);
        if (intent !== null) outputs.push(writer.encode(TOPICS.harvestIntent, intent, at.timestamp));
        if (candidates !== null)
          for (const output of shadowRecords(candidates, { snapshot: record, map, verdict, at, calibrationVersion }))
            outputs.push(output);
      }
      if (due !== null) recorder.recorded(due);
      return Promise.resolve(outputs);
    },
  };
}

/** The intent that a decision leads to; null for HOLD. */
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
