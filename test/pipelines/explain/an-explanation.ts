import {
  type ExplainedStep,
  type Explanation,
  type SnapshotDecision,
  runsOf,
} from '../../../pipelines/explain/explanation.ts';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import { measuredConditions } from '../../../pipelines/scoring/rule-conditions.ts';
import { smallestChanges } from '../../../pipelines/scoring/smallest-changes.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';

const MINUTE_MS = 60_000;

/** 23:00 UTC, so that a long story crosses midnight. */
export const START = Date.UTC(2026, 0, 1, 23);

const SNAPSHOT = aSnapshot({ r: 2.5 });

/** One decision a minute, to hold or to take, as told. */
export function decisionsOf(takes: readonly boolean[]): readonly SnapshotDecision[] {
  return takes.map((take, offset) => ({
    ...evaluate({ ...SNAPSHOT, volatility_gradient: take ? 0.05 : 0.5 }, defaultPolicy()),
    topic: TOPICS.positionSnapshot.name,
    partition: 3,
    offset,
    observed_at: START + offset * MINUTE_MS,
    at: START + offset * MINUTE_MS,
    calibration_version: null,
    assumed: false,
    intent_id: take ? `intent-${offset}` : null,
  }));
}

type Fate = 'filled' | 'cooldown' | 'open';

/** One intent a minute with what became of it. */
export function stepsOf(fates: readonly Fate[], outcome = true): readonly ExplainedStep[] {
  const steps = fates.flatMap((fate, index): readonly Omit<ExplainedStep, 'after_ms'>[] => {
    const at = START + index * MINUTE_MS;
    const intent_id = `intent-${index}`;
    const step = (topic: string, offset: number, ms: number, kind: string, figures = '') => ({
      topic,
      partition: 3,
      offset,
      at: at + ms,
      intent_id,
      order:
        kind === 'SUBMITTED'
          ? { client_order_id: `hl-${index}`, order_id: null, order_style: 'market', part: 0 }
          : null,
      kind,
      figures,
      what: kind,
    });
    const report = TOPICS.executionReport.name;
    const intent = step(TOPICS.harvestIntent.name, index, 0, 'PARTIAL_CLOSE', '0.25');
    if (fate === 'open') return [intent];
    if (fate === 'cooldown') return [intent, step(report, 2 * index, 150 + index, 'SUPPRESSED COOLDOWN')];
    return [
      intent,
      step(report, 2 * index, 10, 'SUBMITTED'),
      step(TOPICS.tradeClosed.name, index, 200, 'slice', '2 at 2.77603, 1.86 %'),
      step(report, 2 * index + 1, 204, 'FILLED', '2'),
    ];
  });
  const last = steps.at(-1);
  if (outcome && last !== undefined)
    steps.push({
      ...last,
      topic: TOPICS.clmOutcome.name,
      intent_id: null,
      kind: 'WIN',
      figures: 'WIN LONG 1.2 % in 3 slices',
    });
  return steps.map((step, index) => ({
    ...step,
    after_ms: index === 0 ? null : step.at - (steps[index - 1]?.at ?? 0),
  }));
}

export function anExplanation(takes: readonly boolean[], steps: readonly ExplainedStep[]): Explanation {
  const decisions = decisionsOf(takes);
  const last = decisions.at(-1);
  const snapshot = { ...SNAPSHOT, volatility_gradient: takes.at(-1) === true ? 0.05 : 0.5 };
  return {
    position_id: SNAPSHOT.position_id,
    intent_id: null,
    policy: defaultPolicy().id,
    decisions,
    runs: runsOf(decisions),
    decision:
      last === undefined
        ? null
        : {
            ...last,
            policy_available: true,
            confidence_mapped: false,
            conditions: measuredConditions(snapshot, defaultPolicy(), last),
            changes: smallestChanges(snapshot, defaultPolicy()),
          },
    steps,
    unscorable: [],
    undecodable: {},
  };
}
