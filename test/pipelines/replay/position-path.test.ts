import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PositionPath } from '../../../pipelines/replay/position-path.ts';

const MINUTE = 60_000;
const COOLDOWN = 30 * MINUTE;

type Step = readonly ['HOLD' | 'PARTIAL_CLOSE' | 'CLOSE', fraction: number, r: number, minutes: number];

function follow(steps: readonly Step[]): PositionPath {
  const path = new PositionPath(COOLDOWN);
  for (const [action, fraction, r, minutes] of steps) path.obey({ action, fraction }, r, minutes * MINUTE);
  return path;
}

describe('PositionPath', () => {
  it.each<[string, readonly Step[], number, number, number]>([
    ['held throughout, it earns the last R', [['HOLD', 0, 1, 0]], 4, 1, 4],
    ['P1: half at 2, the rest at 4', [['PARTIAL_CLOSE', 0.5, 2, 0]], 4, 0.5, 3],
    [
      'P2: within the cooldown a partial close is passed over',
      [
        ['PARTIAL_CLOSE', 0.5, 2, 0],
        ['PARTIAL_CLOSE', 0.5, 3, 29],
      ],
      4,
      0.5,
      3,
    ],
    [
      'P2: after exactly the cooldown it is obeyed, of what is left',
      [
        ['PARTIAL_CLOSE', 0.5, 2, 0],
        ['PARTIAL_CLOSE', 0.5, 3, 30],
      ],
      4,
      0.25,
      2.75,
    ],
    [
      'P2: CLOSE ignores the cooldown',
      [
        ['PARTIAL_CLOSE', 0.5, 2, 0],
        ['CLOSE', 1, 3, 5],
      ],
      -9,
      0,
      2.5,
    ],
    [
      'P3: nothing is earned or lost after a close',
      [
        ['CLOSE', 1, 3, 0],
        ['PARTIAL_CLOSE', 0.75, 9, 60],
        ['CLOSE', 1, 20, 90],
      ],
      -5,
      0,
      3,
    ],
  ])('%s', (_name, steps, lastR, left, result) => {
    const path = follow(steps);
    expect(path.left).toBeCloseTo(left, 12);
    expect(path.result(lastR)).toBeCloseTo(result, 12);
  });

  it('P1: at a constant R every path earns exactly it', () => {
    const step = fc.tuple(
      fc.constantFrom('HOLD', 'PARTIAL_CLOSE', 'CLOSE'),
      fc.double({ min: 0.01, max: 0.75, noNaN: true }),
      fc.nat({ max: 120 }),
    );
    fc.assert(
      fc.property(fc.array(step), fc.double({ min: -10, max: 10, noNaN: true }), (steps, r) => {
        let minutes = 0;
        const path = follow(steps.map(([action, fraction, wait]) => [action, fraction, r, (minutes += wait)] as const));
        expect(path.result(r)).toBeCloseTo(r, 9);
        expect(path.left).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
