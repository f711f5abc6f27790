import type { DecisionRun, SnapshotDecision } from './explanation.ts';

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
