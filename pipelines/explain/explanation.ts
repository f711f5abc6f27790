import type { Decision } from '../scoring/evaluate.ts';
import type { DecisionChange } from '../scoring/smallest-changes.ts';
import type { EpochMillis } from '../../schemas/generated/records.ts';

/** What `explain --json` prints, and what the screen is made of. */
export interface Explanation {
  readonly position_id: string;
  readonly intent_id: string | null;
  /** That of the latest decision. */
  readonly policy: string;
  /** Of every snapshot, oldest first. */
  readonly decisions: readonly SnapshotDecision[];
  readonly runs: readonly DecisionRun[];
  /** That of the intent, or the last of the position; null where its snapshot is not kept any more. */
  readonly decision: ExplainedDecision | null;
  readonly steps: readonly ExplainedStep[];
  /** Snapshots of the position that no policy could score. */
  readonly unscorable: readonly (Place & { readonly why: string })[];
  /** By topic, records that did not decode, of whatever position; topics without any are left out. */
  readonly undecodable: Readonly<Record<string, number>>;
}

export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What was decided on one snapshot, at its place; as recorded where there is an intent. */
export interface SnapshotDecision extends Place, Omit<Decision, 'unknown'> {
  readonly observed_at: EpochMillis;
  /** The record's own time. */
  readonly at: EpochMillis;
  readonly unknown: readonly string[];
  /** Null: raw confidence. */
  readonly calibration_version: string | null;
  /** No record tells for certain that policy and map decided this: see gather.ts. */
  readonly assumed: boolean;
  /** Null for a HOLD. A decision to act without an intent is a fault, unless it is `assumed`. */
  readonly intent_id: string | null;
}

/** Decisions one after the other that did the same for the same reason by the same policy and map. All but the end is the first one's. */
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
  /** An intent was written for each. */
  readonly intents: boolean;
}

/** One decision in full. */
export interface ExplainedDecision extends SnapshotDecision {
  /** False where neither the log nor the program has the policy of that id: `--policy FILE` does. */
  readonly policy_available: boolean;
  /** The policy judges confidence as the map gives it: changes of it are of the mapped one. */
  readonly confidence_mapped: boolean;
  /** Null where it cannot be decided again, for want of its policy or its map: then nothing is known of changes. */
  readonly changes: readonly DecisionChange[] | null;
}

export interface ExplainedOrder {
  readonly client_order_id: string;
  readonly order_id: string | null;
  /** In the words of --order; null: not recorded. */
  readonly order_style: string | null;
  /** Which order of its intent it was, from 0 on; null: not recorded. */
  readonly part: number | null;
}

/** A record that followed. In time. */
export interface ExplainedStep extends Place {
  readonly at: EpochMillis;
  /** Since the step before; null for the first. */
  readonly after_ms: number | null;
  /** Whose record it is; null for what has none: what others closed, and the outcome. */
  readonly intent_id: string | null;
  /** The order that was sent, or the last of several; null for a record of none. */
  readonly order: ExplainedOrder | null;
  /** What it says, without figures: alike in what is alike. */
  readonly kind: string;
  /** Fraction, quantity, price. */
  readonly figures: string;
  readonly what: string;
}

/** Decisions in runs that did the same. Invariants: R1  Their counts add up to the decisions, whose order they keep. */
export function runsOf(decisions: readonly SnapshotDecision[]): readonly DecisionRun[] {
  const runs: DecisionRun[] = [];
  for (const decision of decisions) {
    const last = runs.at(-1);
    const { at: to, offset: last_offset, r: last_r, fraction: last_fraction } = decision;
    if (last !== undefined && goesOn(last, decision))
      runs[runs.length - 1] = { ...last, to, last_offset, last_r, last_fraction, count: last.count + 1 };
    else runs.push(runOf(decision));
  }
  return runs;
}

function goesOn(run: DecisionRun, decision: SnapshotDecision): boolean {
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
