import { type Decision, evaluate } from '../../pipelines/scoring/evaluate.ts';
import { calibrated } from '../../pipelines/scoring/calibrated.ts';
import { type Policy, defaultPolicy } from '../../pipelines/scoring/policy.ts';
import { type DecisionChange, smallestChanges } from '../../pipelines/scoring/smallest-changes.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { EpochMillis, HarvestIntent, PositionSnapshot, RecordByTopic } from '../../schemas/generated/records.ts';
import { type TopicName, TOPICS } from '../../schemas/topics.ts';
import { readVersions } from '../calibrate/read-versions.ts';
import type { ReadOnlyWorld } from '../embedded-world.ts';
import { readPolicyHistory } from '../policy/read-policy-history.ts';
import { visitTopic } from '../read-topic.ts';
import { briefOf } from '../record-line.ts';
import { Deciders } from './deciders.ts';
import { readIntents } from './read-intents.ts';

type World = Pick<ReadOnlyWorld, 'log' | 'codec' | 'counts'>;

export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Decisions one after the other that did the same for the same reason, by the same policy and map. */
export interface DecisionRun {
  readonly action: Decision['action'];
  readonly reason: string;
  readonly from: EpochMillis;
  readonly to: EpochMillis;
  readonly count: number;
  /** An intent was written for each. A decision to act without one is a fault, unless it is `assumed`. */
  readonly intents: boolean;
  readonly policy: string;
  readonly calibration_version: string | null;
  /** No record tells for certain that policy and map decided this. */
  readonly assumed: boolean;
  /** Of the last of them. */
  readonly hold_score: number;
  readonly exit_score: number;
  readonly r: number;
}

/** One decision in full. */
export interface ExplainedDecision extends Omit<Decision, 'unknown'> {
  readonly unknown: readonly string[];
  readonly at: EpochMillis;
  readonly input: Place;
  readonly calibration_version: string | null;
  readonly assumed: boolean;
  /** False where neither the log nor the program has the policy of that id: then nothing is known of changes. */
  readonly policy_available: boolean;
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
  /** That of the latest decision. */
  readonly policy: string;
  readonly decisions: readonly DecisionRun[];
  /** That of the intent, or the last of the position; null where its snapshot is not kept any more. */
  readonly decision: ExplainedDecision | null;
  readonly steps: readonly ExplainedStep[];
}

/**
 * Everything that became of a position, or of one intent; null where the log knows no such id. Each topic is streamed once; what is
 * kept is what is shown. A HOLD leaves no record, so it is computed again: by `policy`, else by what policy.applied tells (deciders.ts).
 */
export async function explain(world: World, id: string, policy: Policy | null): Promise<Explanation | null> {
  // Before the intents: of what is committed by then, intents and policies are on the log.
  const scoredTo = await world.log.committed(TOPICS.harvestIntent.writer, TOPICS.positionSnapshot.name);
  const intents = await readIntents(world, id);
  const positionId = intents.selected?.intent.position_id ?? id;
  const deciders = new Deciders({ ...(await readPolicyHistory(world)), scoredTo, intents, given: policy });
  const versions = world.counts(TOPICS.confidenceCalibration.name) === 0 ? null : await readVersions(world);
  const byInput = new Map(intents.found.map(({ intent }) => [placeKey(intent.input), intent]));
  const runs: DecisionRun[] = [];
  const shown: { last: Shown | null } = { last: null };
  const wanted = intents.selected === null ? null : placeKey(intents.selected.intent.input);
  await visitTopic(world, TOPICS.positionSnapshot.name, {}, (snapshot, at) => {
    if (snapshot.position_id !== positionId) return;
    const intent = byInput.get(placeKey(at));
    const by = deciders.of(snapshot, at, intent);
    const { calibration_version } = by;
    const map = calibration_version === null ? undefined : versions?.find(calibration_version)?.records[0].map;
    const scored = map === undefined ? snapshot : calibrated(snapshot, map);
    const assumed = by.assumed || (intent === undefined && map === undefined && calibration_version !== null);
    const decision = { ...decisionOf(intent, scored, by.content), calibration_version, assumed };
    addTo(runs, decision, at.timestamp, intent !== undefined);
    if (wanted === null || wanted === placeKey(at)) {
      const place = { at: at.timestamp, input: placeOf(at), policy_available: by.content !== null };
      shown.last = { snapshot: scored, policy: by.content, decision: { ...decision, ...place, changes: [] } };
    }
  });
  if (runs.length === 0 && intents.found.length === 0) return null;
  return {
    position_id: positionId,
    intent_id: intents.selected?.intent.intent_id ?? null,
    policy: runs.at(-1)?.policy ?? intents.found.at(-1)?.intent.policy ?? defaultPolicy().id,
    decisions: runs,
    decision: withChanges(shown.last),
    steps: await stepsOf(world, positionId, intents.selected?.intent.intent_id ?? null, intents.found),
  };
}

interface Shown {
  readonly snapshot: PositionSnapshot;
  readonly policy: Policy | null;
  readonly decision: ExplainedDecision;
}

function withChanges(shown: Shown | null): ExplainedDecision | null {
  if (shown === null || shown.policy === null) return shown?.decision ?? null;
  return { ...shown.decision, changes: smallestChanges(shown.snapshot, shown.policy) };
}

/** As it was recorded, where it was. Only then may there be no policy. */
function decisionOf(intent: HarvestIntent | undefined, snapshot: PositionSnapshot, policy: Policy | null) {
  if (intent === undefined) {
    if (policy === null) throw new TypeError('nothing was recorded, and there is no policy to decide by');
    return evaluate(snapshot, policy);
  }
  const { action, fraction, reason, hold_score, exit_score, r, factors, unknown, policy: id } = intent;
  return { action, fraction, reason, hold_score, exit_score, r, factors, unknown, policy: id };
}

type Run = Omit<DecisionRun, 'from' | 'to' | 'count'>;

function addTo(runs: DecisionRun[], decision: Omit<Run, 'intents'>, at: EpochMillis, intents: boolean): void {
  const { action, reason, policy, calibration_version, assumed, hold_score, exit_score, r } = decision;
  const same = { action, reason, intents, policy, calibration_version, assumed };
  const last = runs.at(-1);
  const scores = { hold_score, exit_score, r, to: at };
  if (last !== undefined && Object.entries(same).every(([name, value]) => last[name as keyof typeof same] === value)) {
    runs[runs.length - 1] = { ...last, ...scores, count: last.count + 1 };
  } else runs.push({ ...same, from: at, count: 1, ...scores });
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
