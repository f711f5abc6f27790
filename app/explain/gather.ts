import { isKind } from '../../errors/harvestline-error.ts';
import { calibrated } from '../../pipelines/scoring/calibrated.ts';
import { evaluate } from '../../pipelines/scoring/evaluate.ts';
import { type Policy, BUILT_IN_POLICIES, defaultPolicy } from '../../pipelines/scoring/policy.ts';
import { scoreGap } from '../../pipelines/scoring/score-gap.ts';
import { smallestChanges } from '../../pipelines/scoring/smallest-changes.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { HarvestIntent, PositionSnapshot } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { readVersions } from '../calibrate/read-versions.ts';
import { runsOf } from './decision-runs.ts';
import type { ExplainedDecision, Explanation, Place, SnapshotDecision } from './explanation.ts';
import { gatherSteps } from './gather-steps.ts';
import { readIntents, versionAt } from './read-intents.ts';
import { type ReadObserver, type ReadWorld, TopicReader } from './topic-reader.ts';

/**
 * Everything that became of a position, or of one intent; null where the log knows no such id. Each topic is streamed once; what is
 * kept is what belongs to the position. A HOLD leaves no record, so it is computed again: by `policy`, else that of the latest intent.
 */
export async function explain(
  world: ReadWorld,
  id: string,
  policy: Policy | null,
  observer?: ReadObserver,
): Promise<Explanation | null> {
  const reader = new TopicReader(world, observer);
  const intents = await readIntents(world, reader, id);
  const positionId = intents.selected?.intent.position_id ?? id;
  const scoredBy = policy ?? BUILT_IN_POLICIES.get(intents.policy ?? '') ?? defaultPolicy();
  const versions = world.counts(TOPICS.confidenceCalibration.name) === 0 ? null : await readVersions(world);
  const byInput = new Map(intents.found.map(({ intent }) => [placeKey(intent.input), intent]));
  const decisions: SnapshotDecision[] = [];
  const unscorable: (Place & { readonly why: string })[] = [];
  const shown: { last: Shown | null } = { last: null };
  const wanted = intents.selected === null ? null : placeKey(intents.selected.intent.input);
  await reader.visit(TOPICS.positionSnapshot.name, (snapshot, at) => {
    if (snapshot.position_id !== positionId) return;
    const intent = byInput.get(placeKey(at));
    const by = BUILT_IN_POLICIES.get(intent?.policy ?? '') ?? scoredBy;
    const version =
      intent === undefined ? versionAt(intents.versions, snapshot.model_id, at.timestamp) : intent.calibration_version;
    const map = version === null ? undefined : versions?.find(version)?.records[0].map;
    const scored = map === undefined ? snapshot : calibrated(snapshot, map);
    try {
      const decision = { ...decisionOf(intent, scored, by), ...ofSnapshot(snapshot, at), calibration_version: version };
      decisions.push(decision);
      if (wanted === null || wanted === placeKey(at)) shown.last = { snapshot: scored, policy: by, decision };
    } catch (error) {
      // A snapshot whose R is no number scores nowhere; anything else is a fault of the program.
      if (!isKind(error, 'poison')) throw error;
      unscorable.push({ ...placeOf(at), why: error.message });
    }
  });
  const intentId = intents.selected?.intent.intent_id ?? null;
  const known = decisions.length > 0 || intents.found.length > 0 || unscorable.length > 0;
  const steps = known ? await gatherSteps(reader, positionId, intentId, intents.found) : [];
  observer?.onDone();
  if (!known) return null;
  return {
    position_id: positionId,
    intent_id: intentId,
    policy: scoredBy.id,
    decisions,
    runs: runsOf(decisions),
    decision: shown.last === null ? null : inFull(shown.last),
    steps,
    unscorable,
    undecodable: reader.undecodable(),
  };
}

interface Shown {
  readonly snapshot: PositionSnapshot;
  readonly policy: Policy;
  readonly decision: SnapshotDecision;
}

/** Where policy or map are not those that decided, what they would do is no change of that decision. */
function inFull({ snapshot, policy, decision }: Shown): ExplainedDecision {
  const decidesTheSame = decision.policy === policy.id && evaluate(snapshot, policy).action === decision.action;
  if (!decidesTheSame) return { ...decision, changes: null, score_gap: null };
  return { ...decision, changes: smallestChanges(snapshot, policy), score_gap: scoreGap(snapshot, policy) };
}

type Decided = Omit<SnapshotDecision, keyof Place | 'observed_at' | 'at' | 'calibration_version'>;

/** As it was recorded, where it was. */
function decisionOf(intent: HarvestIntent | undefined, snapshot: PositionSnapshot, policy: Policy): Decided {
  if (intent === undefined) return { ...evaluate(snapshot, policy), intent_id: null };
  const { intent_id, action, fraction, reason, hold_score, exit_score, r, factors, unknown } = intent;
  return { action, fraction, reason, hold_score, exit_score, r, factors, unknown, policy: intent.policy, intent_id };
}

function ofSnapshot(
  { observed_at }: PositionSnapshot,
  at: LogRecord,
): Place & Pick<SnapshotDecision, 'observed_at' | 'at'> {
  return { ...placeOf(at), observed_at, at: at.timestamp };
}

function placeOf({ topic, partition, offset }: LogRecord): Place {
  return { topic, partition, offset };
}

function placeKey({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}:${offset}`;
}
