import { describe, expect, it } from 'vitest';
import { TOPICS } from '../../schemas/topics.ts';
import { commitViolations } from './commit-audit.ts';
import { Look, flowOf } from './log-watch.ts';

const SCORING = flowOf('scoring', TOPICS.positionSnapshot.name);
const INTENTS = TOPICS.harvestIntent.name;

/** One partition: what scoring had committed, then where the intents ended. */
function lookAt(committed: number | null, end: number): Look {
  const offsets = new Map(committed === null ? [] : [[0, committed]]);
  return new Look(new Map([[SCORING, offsets]]), new Map([[INTENTS, new Map([[0, end]])]]));
}

/** The snapshot at offset 7 caused the intent at offset 2. */
const EFFECT = { input: { partition: 0, offset: 7 }, output: { partition: 0, offset: 2 } };

describe('commitViolations', () => {
  it.each([
    ['the output was there when the input was first seen committed', [lookAt(null, 0), lookAt(7, 2), lookAt(8, 3)]],
    ['the output was there long before the commit', [lookAt(7, 3), lookAt(8, 3)]],
    ['nobody has seen the input committed', [lookAt(7, 0)]],
  ])('none where %s', (_, looks) => {
    expect(commitViolations(SCORING, INTENTS, [EFFECT], looks)).toEqual([]);
  });

  it('an input that was committed before its output was there (PORT-3)', () => {
    const [violation, ...others] = commitViolations(SCORING, INTENTS, [EFFECT], [lookAt(8, 2), lookAt(8, 3)]);
    expect(violation).toContain(`[0]@7 before its output`);
    expect(others).toEqual([]);
  });

  it.each([
    ['went back', lookAt(4, 0)],
    ['is gone', lookAt(null, 0)],
  ])('an offset that %s', (_, later) => {
    expect(commitViolations(SCORING, INTENTS, [], [lookAt(5, 0), later])).toHaveLength(1);
  });

  it('forgives what a leader or coordinator that was just chosen says for so many looks, and no longer', () => {
    const [before, less] = [lookAt(8, 3), lookAt(5, 2)];
    const violations = (looks: readonly Look[]) => commitViolations(SCORING, INTENTS, [EFFECT], looks, 1);
    expect(violations([before, less, before])).toEqual([]);
    expect(violations([lookAt(8, 2), lookAt(8, 3)])).toEqual([]);
    expect(violations([before, less, less])).toHaveLength(1);
    expect(violations([lookAt(8, 2), lookAt(8, 2), lookAt(8, 3)])).toHaveLength(1);
  });
});
