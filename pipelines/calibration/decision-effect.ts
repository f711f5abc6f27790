import { isKind } from '../../errors/harvestline-error.ts';
import { ACTIONS, type Action, emptyMatrix } from '../../render/action-matrix.ts';
import type { ModelId, PositionSnapshot } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';
import { type ConfidenceMap, asJudgedBy, calibrated } from '../scoring/confidence-map.ts';
import { judge } from '../scoring/evaluate.ts';
import { type ConditionSet, contains } from '../scoring/factors.ts';
import { type ConditionName, EXIT_FACTORS, HOLD_FACTORS, type Policy } from '../scoring/policy.ts';
import type { Flip, Flips } from './report.ts';

interface ReplayOptions {
  readonly modelId: ModelId;
  /** The map in force; null: raw confidence. */
  readonly current: ConfidenceMap | null;
  readonly candidate: ConfidenceMap;
  readonly policy: Policy;
}

/**
 * Scores every recorded snapshot of a model with the map in force and with the candidate, and compares the decisions. Null where the log has
 * no snapshot of the model. A snapshot too extreme to score is skipped, like one that does not decode.
 */
export async function replayFlips(topics: ReadableTopics, options: ReplayOptions): Promise<Flips | null> {
  const { modelId, current, candidate, policy } = options;
  const effect = new DecisionEffect(policy, current, candidate);
  await forEachRecord(topics, TOPICS.positionSnapshot.name, {}, (snapshot, at) => {
    if (snapshot.model_id !== modelId) return;
    try {
      effect.add(snapshot, at);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
    }
  });
  return effect.result();
}

/** The latest flips that a report names. Unit: flips. */
const EXAMPLES = 20;

type FactorCounts = Map<ConditionName, number>;

type Place = Pick<Flip, 'partition' | 'offset'>;

/**
 * The effect of a candidate map on past decisions: actions that flip, and how often each factor of the policy holds, with the map in force and
 * with the candidate. A flip is another action; another fraction is none. Memory is constant.
 */
export class DecisionEffect {
  readonly #policy: Policy;
  readonly #current: ConfidenceMap | null;
  readonly #candidate: ConfidenceMap;
  readonly #matrix = emptyMatrix();
  readonly #before: FactorCounts;
  readonly #after: FactorCounts;
  /** The latest first. */
  readonly #examples: Flip[] = [];
  #snapshots = 0;
  #flips = 0;
  #against = 0;

  /** `current` is the map in force; null: raw confidence. */
  constructor(policy: Policy, current: ConfidenceMap | null, candidate: ConfidenceMap) {
    this.#policy = policy;
    this.#current = current;
    this.#candidate = candidate;
    this.#before = new Map(factorsOf(policy).map((name) => [name, 0]));
    this.#after = new Map(this.#before);
  }

  /** Throws RECORD_INVALID for a snapshot too extreme to score, and does not count it. */
  add(snapshot: PositionSnapshot, at: Place): void {
    const seenBefore = asJudgedBy(this.#policy, snapshot, this.#current);
    const seenAfter = asJudgedBy(this.#policy, snapshot, this.#candidate);
    const before = judge(seenBefore, this.#policy);
    const after = seenAfter === seenBefore ? before : judge(seenAfter, this.#policy);
    this.#snapshots += 1;
    count(this.#before, before.conditions);
    count(this.#after, after.conditions);
    const { action: from } = before.verdict;
    const { action: to } = after.verdict;
    this.#matrix[from][to] += 1;
    if (from === to) return;
    this.#flips += 1;
    const moreExit = ACTIONS.indexOf(to) > ACTIONS.indexOf(from);
    if (moreExit !== dropOf(seenAfter) > dropOf(seenBefore)) this.#against += 1;
    this.#example(snapshot, from, to, at);
  }

  /** Null where no snapshot was added. */
  result(): Flips | null {
    if (this.#snapshots === 0) return null;
    return {
      policy: this.#policy.id,
      snapshots: this.#snapshots,
      flips: this.#flips,
      against_direction: this.#against,
      factors: { before: Object.fromEntries(this.#before), after: Object.fromEntries(this.#after) },
      matrix: this.#matrix,
      examples: [...this.#examples],
    };
  }

  #example(snapshot: PositionSnapshot, from: Action, to: Action, { partition, offset }: Place): void {
    const { position_id, symbol, observed_at, confidence } = snapshot;
    const oldest = this.#examples.at(-1);
    if (this.#examples.length === EXAMPLES && oldest !== undefined && observed_at <= oldest.observed_at) return;
    const mapped = calibrated(snapshot, this.#candidate).confidence;
    const place = this.#examples.findIndex((example) => example.observed_at < observed_at);
    this.#examples.splice(place === -1 ? this.#examples.length : place, 0, {
      position_id,
      symbol,
      observed_at,
      from,
      to,
      confidence,
      calibrated: mapped,
      partition,
      offset,
    });
    if (this.#examples.length > EXAMPLES) this.#examples.pop();
  }
}

function count(counts: FactorCounts, conditions: ConditionSet): void {
  for (const [name, times] of counts) if (contains(conditions, name)) counts.set(name, times + 1);
}

/** The conditions that can change a decision of this policy: they have points, or a rule asks for them. */
function factorsOf({ points, rules }: Policy): readonly ConditionName[] {
  const asked = new Set(rules.flatMap(({ when }) => when.any_factor ?? []));
  return [...HOLD_FACTORS, ...EXIT_FACTORS].filter((name) => points[name] !== 0 || asked.has(name));
}

function dropOf({ confidence, confidence_at_entry: atEntry }: PositionSnapshot): number {
  return confidence === null || atEntry === null ? 0 : atEntry - confidence;
}
