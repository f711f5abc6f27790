import { isKind } from '../../errors/harvestline-error.ts';
import { judgesCalibrated, seenBy } from '../scoring/confidence-map.ts';
import { evaluate } from '../scoring/evaluate.ts';
import { type Policy, defaultPolicy, BUILT_IN_POLICIES, policyText } from '../scoring/policy.ts';
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
  type ReadWorld,
  TopicReader,
  type ReadIntents,
  policyAt,
  versionAt,
} from './position-records.ts';
import { policyDigestOf } from '../../schemas/ids.ts';

/**
 * Everything that became of a position, or of one intent; null where the log knows no such id. Each topic is streamed once; what is
 * kept is what belongs to the position. A HOLD leaves no record, so it is computed again: by `policy`, else by what
 * policy.applied tells (`Deciders`).
 */
export async function explain(
  world: ReadWorld,
  id: string,
  policy: Policy | null,
  observer?: ReadObserver,
): Promise<Explanation | null> {
  // Before the intents: of what is committed by then, intents and policies are on the log.
  const scoredTo = await world.log.committed(TOPICS.harvestIntent.writer, TOPICS.positionSnapshot.name);
  const reader = new TopicReader(world, observer);
  const intents = await readIntents(world, reader, id);
  const positionId = intents.selected?.intent.position_id ?? id;
  const deciders = new Deciders({ ...(await readPolicyHistory(world)), scoredTo, intents, given: policy });
  const versions = world.counts(TOPICS.confidenceCalibration.name) === 0 ? null : await readVersions(world);
  const byInput = new Map(intents.found.map(({ intent }) => [placeKey(intent.input), intent]));
  const decisions: SnapshotDecision[] = [];
  const unscorable: (Place & { readonly why: string })[] = [];
  const shown: { last: Shown | null } = { last: null };
  const wanted = intents.selected === null ? null : placeKey(intents.selected.intent.input);
  await reader.visit(TOPICS.positionSnapshot.name, (snapshot, at) => {
    if (snapshot.position_id !== positionId) return;
    const intent = byInput.get(placeKey(at));
    const by = deciders.of(snapshot, at, intent);
    const { calibration_version } = by;
    const map = calibration_version === null ? null : (versions?.find(calibration_version)?.records[0].map ?? null);
    const scored = by.content === null ? snapshot : seenBy(by.content, snapshot, map);
    const assumed = by.assumed || (intent === undefined && map === null && calibration_version !== null);
    try {
      const decided = decisionOf(intent, scored, by.content);
      const decision = { ...decided, ...ofSnapshot(snapshot, at), calibration_version, assumed };
      decisions.push(decision);
      if (wanted === null || wanted === placeKey(at)) shown.last = { snapshot: scored, policy: by.content, decision };
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
    policy: decisions.at(-1)?.policy ?? intents.found.at(-1)?.intent.policy ?? defaultPolicy().id,
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
  readonly policy: Policy | null;
  readonly decision: SnapshotDecision;
}

/** Where policy or map are not those that decided, what they would do is no change of that decision. */
function inFull({ snapshot, policy, decision }: Shown): ExplainedDecision {
  if (policy === null) return { ...decision, policy_available: false, confidence_mapped: false, changes: null };
  const mapped = decision.calibration_version !== null && judgesCalibrated(policy);
  const whole = { ...decision, policy_available: true, confidence_mapped: mapped };
  if (evaluate(snapshot, policy).action !== decision.action) return { ...whole, changes: null };
  return { ...whole, changes: smallestChanges(snapshot, policy) };
}

type Decided = Omit<SnapshotDecision, keyof Place | 'observed_at' | 'at' | 'calibration_version' | 'assumed'>;

/** As it was recorded, where it was. Only then may there be no policy. */
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

/** What a decision rests on. */
export interface Decider {
  /** Its id. */
  readonly policy: string;
  /** Null where neither the log nor the program has the policy of that id. */
  readonly content: Policy | null;
  readonly calibration_version: string | null;
  /** True where no record tells for certain: nothing was told of the snapshot, or scoring has not got to it, or --policy says otherwise. */
  readonly assumed: boolean;
}

export interface DecidersOptions extends ReadHistory {
  /** By partition: the first snapshot that scoring had not committed before the intents were read. */
  readonly scoredTo: ReadonlyMap<number, number>;
  readonly intents: ReadIntents;
  /** Decides wherever no intent tells. */
  readonly given: Policy | null;
}

/**
 * Who decided, to look it up for one snapshot after the other. Invariants:
 * DE1  An intent names who decided; else policy.applied tells; else the nearest intents are gone by, and that is assumed.
 * DE2  What scoring has not committed, and all where policy.applied cannot be read whole, is assumed: a record may be missing.
 * DE3  The content of an id is what was recorded, before what a file or the program says of that id.
 */
class Deciders {
  readonly #options: DecidersOptions;
  readonly #byId: ReadonlyMap<string, AppliedPolicy>;
  readonly #givenDigest: string | null;

  constructor(options: DecidersOptions) {
    const { history, given } = options;
    this.#options = options;
    this.#byId = history.byId();
    this.#givenDigest = given === null ? null : policyDigestOf(policyText(given));
  }

  of(snapshot: PositionSnapshot, at: LogRecord, intent: HarvestIntent | undefined): Decider {
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
    if (given === null) return decider(recorded ?? this.#nearest(at), version, !certain);
    return decider(given, version, !certain || applied?.record.policy_digest !== this.#givenDigest);
  }

  /** That of the nearest intents, else the default. */
  #nearest(at: LogRecord): Policy {
    const named = policyAt(this.#options.intents.policies, at.timestamp);
    return (named === null ? null : this.#contentOf(named, at)) ?? defaultPolicy();
  }

  /** DE3. */
  #contentOf(id: string, at: LogRecord): Policy | null {
    const { history, given } = this.#options;
    const recorded = (history.policyAt(at, id) ?? this.#byId.get(id))?.content;
    return recorded ?? (given?.id === id ? given : (BUILT_IN_POLICIES.get(id) ?? null));
  }
}

function decider(content: Policy, calibration_version: string | null, assumed: boolean): Decider {
  return { policy: content.id, content, calibration_version, assumed };
}
