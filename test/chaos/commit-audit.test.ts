import { describe, expect, it } from 'vitest';
import { TOPICS } from '../../schemas/topics.ts';
import { commitViolations } from './commit-audit.ts';
import { Observation, flowOf } from './log-watch.ts';

const SCORING = flowOf('scoring', TOPICS.positionSnapshot.name);
const INTENTS = TOPICS.harvestIntent.name;

/** One partition: what scoring had committed, then where the intents ended. */
function observationAt(committed: number | null, end: number): Observation {
  const offsets = new Map(committed === null ? [] : [[0, committed]]);
  return new Observation(new Map([[SCORING, offsets]]), new Map([[INTENTS, new Map([[0, end]])]]));
}

/** The snapshot at offset 7 caused the intent at offset 2. */
const EFFECT = { input: { partition: 0, offset: 7 }, output: { partition: 0, offset: 2 } };

describe('commitViolations', () => {
  it.each([
    [
      'the output was there when the input was first seen committed',
      [observationAt(null, 0), observationAt(7, 2), observationAt(8, 3)],
    ],
    ['the output was there long before the commit', [observationAt(7, 3), observationAt(8, 3)]],
    ['nobody has seen the input committed', [observationAt(7, 0)]],
  ])('none where %s', (_, observations) => {
    expect(commitViolations(SCORING, INTENTS, [EFFECT], observations)).toEqual([]);
  });

  it('an input that was committed before its output was there (PORT-3)', () => {
    const [violation, ...others] = commitViolations(
      SCORING,
      INTENTS,
      [EFFECT],
      [observationAt(8, 2), observationAt(8, 3)],
    );
    expect(violation).toContain(`[0]@7 before its output`);
    expect(others).toEqual([]);
  });

  it.each([
    ['went back', observationAt(4, 0)],
    ['is gone', observationAt(null, 0)],
  ])('an offset that %s', (_, later) => {
    expect(commitViolations(SCORING, INTENTS, [], [observationAt(5, 0), later])).toHaveLength(1);
  });

  it('forgives what a leader or coordinator that was just chosen says for so many observations, and no longer', () => {
    const [before, less] = [observationAt(8, 3), observationAt(5, 2)];
    const violations = (observations: readonly Observation[]) =>
      commitViolations(SCORING, INTENTS, [EFFECT], observations, 1);
    expect(violations([before, less, before])).toEqual([]);
    expect(violations([observationAt(8, 2), observationAt(8, 3)])).toEqual([]);
    expect(violations([before, less, less])).toHaveLength(1);
    expect(violations([observationAt(8, 2), observationAt(8, 2), observationAt(8, 3)])).toHaveLength(1);
  });
});
