import { type Decision, evaluate } from '../../pipelines/scoring/evaluate.ts';
import { calibrated } from '../../pipelines/scoring/calibrated.ts';
import { type Policy, BUILT_IN_POLICIES, defaultPolicy } from '../../pipelines/scoring/policy.ts';
import { type DecisionChange, smallestChanges } from '../../pipelines/scoring/smallest-changes.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { EpochMillis, HarvestIntent, PositionSnapshot, RecordByTopic } from '../../schemas/generated/records.ts';
import { type TopicName, TOPICS } from '../../schemas/topics.ts';
import { readVersions } from '../calibrate/read-versions.ts';
import type { ReadOnlyWorld } from '../embedded-world.ts';
import { visitTopic } from '../read-topic.ts';
import { briefOf } from '../record-line.ts';
import { readIntents, versionAt } from './read-intents.ts';

type World = Pick<ReadOnlyWorld, 'log' | 'codec' | 'counts'>;

export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Decisions one after the other that did the same for the same reason. */
export interface DecisionRun {
  readonly action: Decision['action'];
  readonly reason: string;
  readonly from: EpochMillis;
  readonly to: EpochMillis;
  readonly count: number;
  /** An intent was written for each; a decision to act without one was made by another policy, or is not scored yet. */
  readonly intents: boolean;
  /** Of the last of them. */
  readonly hold_score: number;
  readonly exit_score: number;
  readonly r: number;
}

/** One decision in full. */
export interface ExplainedDecision extends Decision {
  readonly at: EpochMillis;
  readonly input: Place;
  readonly calibration_version: string | null;
  /** What would have changed the action: see smallestChanges. */
  readonly changes: readonly DecisionChange[];
}

/** A record that followed. */
export interface ExplainedStep extends Place {
  readonly at: EpochMillis;
  /** Since the step before; null for the first. */
  readonly after_ms: number | null;
  readonly what: string;
}

export interface Explanation {
  readonly position_id: string;
  readonly intent_id: string | null;
  readonly policy: string;
  readonly decisions: readonly DecisionRun[];
  /** That of the intent, or the last of the position; null where its snapshot is not kept any more. */
  readonly decision: ExplainedDecision | null;
  readonly steps: readonly ExplainedStep[];
}

/**
 * Everything that became of a position, or of one intent; null where the log knows no such id. Each topic is streamed once; what is
 * kept is what is shown. A HOLD leaves no record, so it is computed again: by `policy`, else that of the latest intent.
 */
export async function explain(world: World, id: string, policy: Policy | null): Promise<Explanation | null> {
  const intents = await readIntents(world, id);
  const positionId = intents.selected?.intent.position_id ?? id;
  const scoredBy = policy ?? BUILT_IN_POLICIES.get(intents.policy ?? '') ?? defaultPolicy();
  const versions = world.counts(TOPICS.confidenceCalibration.name) === 0 ? null : await readVersions(world);
  const byInput = new Map(intents.found.map(({ intent }) => [placeKey(intent.input), intent]));
  const runs: DecisionRun[] = [];
  const shown: { last: Shown | null } = { last: null };
  const wanted = intents.selected === null ? null : placeKey(intents.selected.intent.input);
  await visitTopic(world, TOPICS.positionSnapshot.name, {}, (snapshot, at) => {
    if (snapshot.position_id !== positionId) return;
    const intent = byInput.get(placeKey(at));
    const by = BUILT_IN_POLICIES.get(intent?.policy ?? '') ?? scoredBy;
    const version =
      intent === undefined ? versionAt(intents.versions, snapshot.model_id, at.timestamp) : intent.calibration_version;
    const map = version === null ? undefined : versions?.find(version)?.records[0].map;
    const scored = map === undefined ? snapshot : calibrated(snapshot, map);
    const decision = decisionOf(intent, scored, by);
    addTo(runs, decision, at.timestamp, intent !== undefined);
    if (wanted === null || wanted === placeKey(at)) {
      const input = placeOf(at);
      const whole = { ...decision, at: at.timestamp, input, calibration_version: version, changes: [] };
      shown.last = { snapshot: scored, policy: by, decision: whole };
    }
  });
  if (runs.length === 0 && intents.found.length === 0) return null;
  return {
    position_id: positionId,
    intent_id: intents.selected?.intent.intent_id ?? null,
    policy: scoredBy.id,
    decisions: runs,
    decision: withChanges(shown.last),
    steps: await stepsOf(world, positionId, intents.selected?.intent.intent_id ?? null, intents.found),
  };
}

interface Shown {
  readonly snapshot: PositionSnapshot;
  readonly policy: Policy;
  readonly decision: ExplainedDecision;
}

function withChanges(shown: Shown | null): ExplainedDecision | null {
  return shown === null ? null : { ...shown.decision, changes: smallestChanges(shown.snapshot, shown.policy) };
}

/** As it was recorded, where it was. */
function decisionOf(intent: HarvestIntent | undefined, snapshot: PositionSnapshot, policy: Policy): Decision {
  const computed = evaluate(snapshot, policy);
  if (intent === undefined) return computed;
  const { action, fraction, reason, hold_score, exit_score, r, factors } = intent;
  return { ...computed, action, fraction, reason, hold_score, exit_score, r, factors, policy: intent.policy };
}

function addTo(runs: DecisionRun[], decision: Decision, at: EpochMillis, intents: boolean): void {
  const { action, reason, hold_score, exit_score, r } = decision;
  const last = runs.at(-1);
  const scores = { hold_score, exit_score, r, to: at };
  if (last?.action === action && last.reason === reason && last.intents === intents) {
    runs[runs.length - 1] = { ...last, ...scores, count: last.count + 1 };
  } else runs.push({ action, reason, from: at, count: 1, intents, ...scores });
}

/** What followed, in time; of an outcome only the latest record. */
async function stepsOf(
  world: World,
  positionId: string,
  intentId: string | null,
  intents: readonly { readonly intent: HarvestIntent; readonly at: LogRecord }[],
): Promise<readonly ExplainedStep[]> {
  const found: { at: EpochMillis; order: number; place: Place; what: string }[] = [];
  const add = <N extends TopicName>(topic: N, order: number, record: RecordByTopic[N], at: LogRecord): void => {
    found.push({ at: at.timestamp, order, place: placeOf(at), what: briefOf(topic, record) });
  };
  const { harvestIntent, executionReport, tradeClosed, clmOutcome } = TOPICS;
  for (const { intent, at } of intents) {
    if (intentId === null || intent.intent_id === intentId) add(harvestIntent.name, 0, intent, at);
  }
  await visitTopic(world, executionReport.name, {}, (report, at) => {
    if (report.position_id === positionId && (intentId === null || report.intent_id === intentId))
      add(executionReport.name, 1, report, at);
  });
  await visitTopic(world, tradeClosed.name, {}, (trade, at) => {
    if (trade.position_id === positionId && (intentId === null || trade.intent_id === intentId))
      add(tradeClosed.name, 2, trade, at);
  });
  let outcome: { record: RecordByTopic[typeof clmOutcome.name]; at: LogRecord }[] = [];
  await visitTopic(world, clmOutcome.name, {}, (record, at) => {
    if (record.position_id === positionId) outcome = [{ record, at }];
  });
  for (const { record, at } of outcome) add(clmOutcome.name, 3, record, at);
  const sorted = found.toSorted((one, other) => one.at - other.at || one.order - other.order);
  return sorted.map(({ at, place, what }, index) => {
    const before = sorted[index - 1];
    return { ...place, at, after_ms: before === undefined ? null : at - before.at, what };
  });
}

function placeOf({ topic, partition, offset }: LogRecord): Place {
  return { topic, partition, offset };
}

function placeKey({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}:${offset}`;
}
