import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { dependenceOf } from '../../../pipelines/calibration/block-bootstrap.ts';
import { fit, fitRising } from '../../../pipelines/calibration/fit.ts';
import { fitIsotonic } from '../../../pipelines/calibration/isotonic.ts';
import { aucOf, brier, logLoss } from '../../../pipelines/calibration/scores.ts';
import { calibrate } from '../../../pipelines/scoring/confidence-map.ts';
import golden from './golden/golden.json' with { type: 'json' };

/** The fits agree with their references to this. Unit: probability. */
const AGREES_WITHIN = 1e-6;

interface GoldenCase {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly weights: readonly number[] | null;
  readonly at: readonly number[];
  readonly isotonic: readonly number[];
  readonly brier: number;
  readonly log_loss: number;
  readonly sigmoid?: readonly number[];
  readonly sigmoid_log_odds?: readonly number[];
  readonly beta?: readonly number[];
  /** Null: no rising map fits better than a constant. */
  readonly rising_beta?: readonly number[] | null;
  readonly auc?: number;
}

const CASES: readonly GoldenCase[] = golden;
const WITHOUT_WEIGHTS = CASES.filter(({ weights }) => weights === null);
/** betacal refuses a single class. */
const TWO_CLASSES = WITHOUT_WEIGHTS.filter(({ y }) => new Set(y).size === 2);

function samplesOf({ x, y }: GoldenCase) {
  return { x: Float64Array.from(x), y: Float64Array.from(y) };
}

function largestGap(found: readonly number[], expected: readonly number[]): number {
  expect(found).toHaveLength(expected.length);
  return Math.max(...found.map((value, index) => Math.abs(value - (expected[index] ?? Number.NaN))));
}

describe('agrees with the reference implementation', () => {
  test.each(CASES)('isotonic, scikit-learn: $name', (one) => {
    const { x, y } = samplesOf(one);
    const map = fitIsotonic(x, y, one.weights === null ? null : Float64Array.from(one.weights));
    expect(
      largestGap(
        one.at.map((at) => calibrate(map, at)),
        one.isotonic,
      ),
    ).toBeLessThan(AGREES_WITHIN);
  });

  test.each(WITHOUT_WEIGHTS)('sigmoid, scikit-learn: $name', (one) => {
    const { map } = fit('sigmoid', samplesOf(one));
    expect(
      largestGap(
        one.at.map((at) => calibrate(map, at)),
        one.sigmoid ?? [],
      ),
    ).toBeLessThan(AGREES_WITHIN);
  });

  test.each(TWO_CLASSES)('beta, betacal: $name', (one) => {
    const { map } = fit('beta', samplesOf(one));
    expect(
      largestGap(
        one.at.map((at) => calibrate(map, at)),
        one.beta ?? [],
      ),
    ).toBeLessThan(AGREES_WITHIN);
  });

  test.each(WITHOUT_WEIGHTS)('sigmoid on log-odds, scikit-learn: $name', (one) => {
    const { map } = fit('sigmoid_log_odds', samplesOf(one));
    const found = one.at.map((at) => calibrate(map, at));
    expect(largestGap(found, one.sigmoid_log_odds ?? [])).toBeLessThan(AGREES_WITHIN);
  });

  test.each(TWO_CLASSES)('rising beta, scipy: $name', (one) => {
    const rising = fitRising('beta', samplesOf(one));
    if (one.rising_beta === null) expect(rising).toBeNull();
    else
      expect(
        largestGap(
          one.at.map((at) => calibrate(rising?.map ?? { x: [0], y: [Number.NaN] }, at)),
          one.rising_beta ?? [],
        ),
      ).toBeLessThan(AGREES_WITHIN);
  });

  test.each(TWO_CLASSES)('AUC, scikit-learn: $name', (one) => {
    const { x, y } = samplesOf(one);
    expect(aucOf(x, y, dependenceOf({ x, y }), new SeededRandom(1)).value).toBeCloseTo(one.auc ?? Number.NaN, 12);
  });

  test.each(CASES)('Brier score and log loss, scikit-learn: $name', (one) => {
    const { x, y } = samplesOf(one);
    expect(brier(x, y)).toBeCloseTo(one.brier, 12);
    // A forecast of exactly 1 that was wrong: 1 - (1 - 1e-15) is not quite 1e-15 there.
    expect(logLoss(x, y)).toBeCloseTo(one.log_loss, x.some((said) => said === 1) ? 4 : 9);
  });
});
