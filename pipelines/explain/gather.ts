import { isKind } from '../../errors/harvestline-error.ts';
import { judgesCalibrated, asJudgedBy } from '../scoring/confidence-map.ts';
import { evaluate } from '../scoring/evaluate.ts';
import { type Policy, defaultPolicy, BUILT_IN_POLICIES, policyText } from '../scoring/policy.ts';
import { measuredConditions } from '../scoring/rule-conditions.ts';
import { smallestChanges } from '../scoring/smallest-changes.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { HarvestIntent, PositionSnapshot } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { readVersions } from '../calibration/decisions.ts';
import { readPolicyHistory, type AppliedPolicy, type ReadHistory, appliedVersion } from '../scoring/policy-history.ts';
import { runsOf, type ExplainedDecision, type Explanation, type Place, type SnapshotDecision } from './explanation.ts';
import {
  gatherSteps,
  readIntents,
  type ReadObserver,
  type CountedTopics,
  TopicReader,
  type ReadIntents,
  policyAt,
  versionAt,
} from './position-records.ts';
import { policyDigestOf } from '../../schemas/ids.ts';

/**
 * Explains a position, or one intent; null where the log has no such id. Each topic is streamed once, and only records of the position
 * are kept. A HOLD leaves no record, so it is computed again: by `policy`, else by what policy.applied says was in force.
 */
export async function explain(
  world: CountedTopics,
  id: string,
  policy: Policy | null,
  observer?: ReadObserver,
): Promise<Explanation | null> {
  // Read before the intents: whatever is committed by now has its intents and policies on the log.
  const scoredTo = await world.log.committed(TOPICS.harvestIntent.writer, TOPICS.positionSnapshot.name);
  const reader = new TopicReader(world, observer);
  const intents = await readIntents(world, reader, id);
  const positionId = intents.selected?.intent.position_id ?? id;
  const lookup = new PolicyLookup({ ...(await readPolicyHistory(world)), scoredTo, intents, given: policy });
  const versions = world.counts(TOPICS.confidenceCalibration.name) === 0 ? null : await readVersions(world);
  const byInput = new Map(intents.found.map(({ intent }) => [placeKey(intent.input), intent]));
  const decisions: SnapshotDecision[] = [];
  const unscorable: (Place & { readonly why: string })[] = [];
  const explained: { last: Scored | null } = { last: null };
  const wanted = intents.selected === null ? null : placeKey(intents.selected.intent.input);
  await reader.visit(TOPICS.positionSnapshot.name, (snapshot, at) => {
    if (snapshot.position_id !== positionId) return;
    const intent = byInput.get(placeKey(at));
    const by = lookup.of(snapshot, at, intent);
    const { calibration_version } = by;
    const map = calibration_version === null ? null : (versions?.find(calibration_version)?.records[0].map ?? null);
    const scored = by.content === null ? snapshot : asJudgedBy(by.content, snapshot, map);
    const assumed = by.assumed || (intent === undefined && map === null && calibration_version !== null);
    try {
      const decided = decisionOf(intent, scored, by.content);
      const decision = { ...decided, ...ofSnapshot(snapshot, at), calibration_version, assumed };
      decisions.push(decision);
      if (wanted === null || wanted === placeKey(at))
        explained.last = { snapshot: scored, policy: by.content, decision };
    } catch (error) {
      // A snapshot whose R is not finite cannot be scored; any other error is a fault of the program.
      if (!isKind(error, 'poison')) throw error;
      unscorable.push({ ...placeOf(at), why: error.message });
    }
  });
  const intentId = intents.selected?.intent.intent_id ?? null;
  const known = decisions.length > 0 || intents.found.length > 0 || unscorable.length > 0;
  const steps = known ? await gatherSteps(reader, positionId, intentId, intents.found) : [];
  if (!known) return null;
  return {
    position_id: positionId,
    intent_id: intentId,
    policy: decisions.at(-1)?.policy ?? intents.found.at(-1)?.intent.policy ?? defaultPolicy().id,
    decisions,
    runs: runsOf(decisions),
    decision: explained.last === null ? null : inFull(explained.last),
    steps,
    unscorable,
    undecodable: reader.undecodable(),
  };
}

interface Scored {
  readonly snapshot: PositionSnapshot;
  readonly policy: Policy | null;
  readonly decision: SnapshotDecision;
}

/** Without the policy or the map that decided, nothing can be said of what would have changed the decision. */
function inFull({ snapshot, policy, decision }: Scored): ExplainedDecision {
  const unknown = { conditions: null, changes: null };
  if (policy === null) return { ...decision, policy_available: false, confidence_mapped: false, ...unknown };
  const mapped = decision.calibration_version !== null && judgesCalibrated(policy);
  const whole = { ...decision, policy_available: true, confidence_mapped: mapped };
  if (evaluate(snapshot, policy).action !== decision.action) return { ...whole, ...unknown };
  const conditions = measuredConditions(snapshot, policy, decision);
  return { ...whole, conditions, changes: smallestChanges(snapshot, policy) };
}

type Decided = Omit<SnapshotDecision, keyof Place | 'observed_at' | 'at' | 'calibration_version' | 'assumed'>;

/** The recorded decision where there is an intent, else computed again. Without an intent there is always a policy. */
function decisionOf(intent: HarvestIntent | undefined, snapshot: PositionSnapshot, policy: Policy | null): Decided {
  if (intent === undefined) {
    if (policy === null) throw new TypeError('nothing was recorded, and there is no policy to decide by');
    return { ...evaluate(snapshot, policy), intent_id: null };
  }
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

/** The policy and the calibration version of a decision. */
interface DecidedBy {
  /** The id of the policy. */
  readonly policy: string;
  /** Null where neither the log nor the program has the policy of that id. */
  readonly content: Policy | null;
  readonly calibration_version: string | null;
  /** No record says so for certain: none covers the snapshot, scoring has not reached it, or --policy names another. */
  readonly assumed: boolean;
}

interface PolicyLookupOptions extends ReadHistory {
  /** Partition -> first snapshot that scoring had not committed when the intents were read. */
  readonly scoredTo: ReadonlyMap<number, number>;
  readonly intents: ReadIntents;
  /** The policy of --policy: decides where there is no intent. */
  readonly given: Policy | null;
}

/**
 * Finds the policy and the calibration version that decided a snapshot.
 *
 * EXP-4  The intent counts first, then policy.applied, then the nearest intents; the last is an assumption.
 * EXP-5  Beyond what scoring has committed, and wherever a record of policy.applied cannot be read, it is an assumption.
 * EXP-6  The content of a policy id is as it was recorded; else that of the given file; else the program's.
 */
class PolicyLookup {
  readonly #options: PolicyLookupOptions;
  readonly #byId: ReadonlyMap<string, AppliedPolicy>;
  readonly #givenDigest: string | null;

  constructor(options: PolicyLookupOptions) {
    const { history, given } = options;
    this.#options = options;
    this.#byId = history.byId();
    this.#givenDigest = given === null ? null : policyDigestOf(policyText(given));
  }

  of(snapshot: PositionSnapshot, at: LogRecord, intent: HarvestIntent | undefined): DecidedBy {
    if (intent !== undefined) {
      const { policy, calibration_version } = intent;
      return { policy, content: this.#contentOf(policy, at), calibration_version, assumed: false };
    }
    const { history, unreadable, scoredTo, intents, given } = this.#options;
    const applied = history.inForceAt(at);
    const version =
      applied === null
        ? versionAt(intents.versions, snapshot.model_id, at.timestamp)
        : appliedVersion(applied.record, snapshot.model_id);
    const recorded = applied?.content ?? null;
    const certain = recorded !== null && unreadable === 0 && at.offset < (scoredTo.get(at.partition) ?? 0);
    if (given === null) return decidedBy(recorded ?? this.#nearest(at), version, !certain);
    return decidedBy(given, version, !certain || applied?.record.policy_digest !== this.#givenDigest);
  }

  /** The policy of the nearest intents, else the default. */
  #nearest(at: LogRecord): Policy {
    const named = policyAt(this.#options.intents.policies, at.timestamp);
    return (named === null ? null : this.#contentOf(named, at)) ?? defaultPolicy();
  }

  /** By EXP-6. */
  #contentOf(id: string, at: LogRecord): Policy | null {
    const { history, given } = this.#options;
    const recorded = (history.policyAt(at, id) ?? this.#byId.get(id))?.content;
    return recorded ?? (given?.id === id ? given : (BUILT_IN_POLICIES.get(id) ?? null));
  }
}

function decidedBy(content: Policy, calibration_version: string | null, assumed: boolean): DecidedBy {
  return { policy: content.id, content, calibration_version, assumed };
}
