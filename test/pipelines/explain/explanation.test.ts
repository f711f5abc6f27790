import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runsOf, type SnapshotDecision } from '../../../pipelines/explain/explanation.ts';
import { decisionsOf } from './an-explanation.ts';

const [FIRST, SECOND] = decisionsOf([true, true]);

/** Two alike, but for what is given of the second. */
function pair(second: Partial<SnapshotDecision>): readonly SnapshotDecision[] {
  if (!FIRST || !SECOND) throw new TypeError('no decisions');
  return [FIRST, { ...SECOND, ...second }];
}

describe('runs of decisions', () => {
  it('EXP-1: counts add up, the order stays, and neighbours differ', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), (takes) => {
        const decisions = decisionsOf(takes);
        const runs = runsOf(decisions);
        const offsets = runs.flatMap((run) => Array.from({ length: run.count }, (_, n) => run.first_offset + n));
        expect(offsets).toEqual(decisions.map(({ offset }) => offset));
        for (const [index, run] of runs.entries()) {
          expect(run.last_offset).toBe(run.first_offset + run.count - 1);
          expect(run.to - run.from).toBe((run.count - 1) * 60_000);
          expect(runs[index + 1]?.action).not.toBe(run.action);
          expect(run.factors).toEqual(decisions[run.first_offset]?.factors);
        }
      }),
    );
  });

  it('what else it does is the same run: another fraction, R or scores; its ends say so', () => {
    const runs = runsOf(pair({ fraction: 0.5, r: 3, hold_score: 9, factors: [] }));
    expect(runs).toMatchObject([{ count: 2, r: 2.5, last_r: 3, last_fraction: 0.5, hold_score: FIRST?.hold_score }]);
    expect(runs[0]?.factors).toEqual(FIRST?.factors);
  });

  it.each([
    ['action', { action: 'CLOSE' }],
    ['reason', { reason: 'strong_exit' }],
    ['policy', { policy: 'legacy' }],
    ['map', { calibration_version: 'cal-1' }],
    ['certainty', { assumed: true }],
    ['without an intent', { intent_id: null }],
    ['partition', { partition: 4 }],
  ] as const)('another %s is another run', (_, second) => {
    expect(runsOf(pair(second))).toHaveLength(2);
    expect(runsOf(pair({}))).toHaveLength(1);
  });
});
