import type { Decision } from '../scoring/evaluate.ts';
import type { MeasuredCondition } from '../scoring/rule-conditions.ts';
import type { DecisionChange } from '../scoring/smallest-changes.ts';
import type { EpochMillis } from '../../schemas/generated/records.ts';

/** An explanation, as `explain --json` prints it. */
export interface Explanation {
  readonly position_id: string;
  readonly intent_id: string | null;
  /** The policy of the latest decision. */
  readonly policy: string;
  /** One for every snapshot, oldest first. */
  readonly decisions: readonly SnapshotDecision[];
  readonly runs: readonly DecisionRun[];
  /** The decision of the intent, or the last of the position; null where its snapshot is no longer kept. */
  readonly decision: ExplainedDecision | null;
  readonly steps: readonly ExplainedStep[];
  /** Snapshots of the position that no policy could score. */
  readonly unscorable: readonly (Place & { readonly why: string })[];
  /** Topic -> records of any position that did not decode; topics without any are left out. */
  readonly undecodable: Readonly<Record<string, number>>;
}

export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** The decision on one snapshot, with the place of the snapshot; as recorded where there is an intent. */
export interface SnapshotDecision extends Place, Omit<Decision, 'unknown'> {
  readonly observed_at: EpochMillis;
  /** The record's own time. */
  readonly at: EpochMillis;
  readonly unknown: readonly string[];
  /** Null: raw confidence. */
  readonly calibration_version: string | null;
  /** No record says for certain that this policy and this map decided (gather.ts, EXP-4 and EXP-5). */
  readonly assumed: boolean;
  /** Null for a HOLD. A decision to act without an intent is a fault, unless it is `assumed`. */
  readonly intent_id: string | null;
}

/** Consecutive decisions with the same action and reason by the same policy and map. Fields are those of the first, but for `last_*` and `to`. */
export interface DecisionRun extends Pick<
  SnapshotDecision,
  | 'topic'
  | 'partition'
  | 'action'
  | 'reason'
  | 'fraction'
  | 'hold_score'
  | 'exit_score'
  | 'r'
  | 'factors'
  | 'unknown'
  | 'policy'
  | 'calibration_version'
  | 'assumed'
> {
  readonly from: EpochMillis;
  readonly to: EpochMillis;
  readonly count: number;
  readonly first_offset: number;
  readonly last_offset: number;
  readonly last_r: number;
  readonly last_fraction: number;
  /** Whether each has an intent. */
  readonly intents: boolean;
}

/** The decision that is explained in full. */
export interface ExplainedDecision extends SnapshotDecision {
  /** False where neither the log nor the program has the policy of that id: `--policy FILE` supplies it. */
  readonly policy_available: boolean;
  /** The policy judges mapped confidence: a change of confidence is of the mapped one. */
  readonly confidence_mapped: boolean;
  /** What the rule that decided asks for, as it was; empty where no rule decided. Null like `changes`. */
  readonly conditions: readonly MeasuredCondition[] | null;
  /** The smallest change of each input. Null where the decision cannot be repeated, because its policy or its map is missing. */
  readonly changes: readonly DecisionChange[] | null;
}

export interface ExplainedOrder {
  readonly client_order_id: string;
  readonly order_id: string | null;
  /** As --order names it; null: not recorded. */
  readonly order_style: string | null;
  /** Its number among the orders of the intent, from 0; null: not recorded. */
  readonly part: number | null;
}

/** A record that followed from the decisions. */
export interface ExplainedStep extends Place {
  readonly at: EpochMillis;
  /** Time since the step before; null for the first. */
  readonly after_ms: number | null;
  /** Null: the record belongs to no intent (closed by others, or the outcome). */
  readonly intent_id: string | null;
  /** The order sent, or the last of several; null: no order. */
  readonly order: ExplainedOrder | null;
  /** What the record says, without figures: equal in records that say the same. */
  readonly kind: string;
  /** Fraction, quantity, price. */
  readonly figures: string;
  readonly what: string;
}

/**
 * Groups consecutive decisions that are alike.
 *
 * EXP-1  The counts of the runs add up to the decisions, in the same order.
 */
export function runsOf(decisions: readonly SnapshotDecision[]): readonly DecisionRun[] {
  const runs: DecisionRun[] = [];
  for (const decision of decisions) {
    const last = runs.at(-1);
    const { at: to, offset: last_offset, r: last_r, fraction: last_fraction } = decision;
    if (last !== undefined && continues(last, decision))
      runs[runs.length - 1] = { ...last, to, last_offset, last_r, last_fraction, count: last.count + 1 };
    else runs.push(runOf(decision));
  }
  return runs;
}

function continues(run: DecisionRun, decision: SnapshotDecision): boolean {
  return (
    run.action === decision.action &&
    run.reason === decision.reason &&
    run.intents === (decision.intent_id !== null) &&
    run.policy === decision.policy &&
    run.calibration_version === decision.calibration_version &&
    run.assumed === decision.assumed &&
    run.partition === decision.partition
  );
}

function runOf({ at, offset, intent_id, observed_at: _theirs, ...first }: SnapshotDecision): DecisionRun {
  return {
    ...first,
    from: at,
    to: at,
    count: 1,
    first_offset: offset,
    last_offset: offset,
    last_r: first.r,
    last_fraction: first.fraction,
    intents: intent_id !== null,
  };
}
