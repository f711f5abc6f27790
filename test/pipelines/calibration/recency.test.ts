import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { crossValidate } from '../../../pipelines/calibration/choose-method.ts';
import { constantMap, fit, fitRising } from '../../../pipelines/calibration/fit.ts';
import { type Samples, slice, weightedShare, weightsOf } from '../../../pipelines/calibration/samples.ts';
import { brier } from '../../../pipelines/calibration/scores.ts';
import { weighsTooLittle } from '../../../pipelines/calibration/usable-rows.ts';
import { calibrate } from '../../../pipelines/scoring/confidence-map.ts';
import golden from './golden/weighted.json' with { type: 'json' };

const DAY_MS = 86_400_000;

function samplesOf({ x, y, days, half_life_days: halfLife }: (typeof golden)[number]): Samples {
  const closed = Float64Array.from(days, (day) => day * DAY_MS);
  return {
    x: Float64Array.from(x),
    y: Float64Array.from(y),
    times: { opened: closed, closed },
    halfLifeMs: halfLife * DAY_MS,
  };
}

describe.each(golden)('weights by recency agree with scikit-learn and scipy: $name', (one) => {
  const samples = samplesOf(one);
  test.each(['sigmoid', 'sigmoid_log_odds', 'isotonic'] as const)('%s', (method) => {
    const { map } = fit(method, samples);
    one.at.forEach((at, index) =>
      expect(Math.abs(calibrate(map, at) - (one[method][index] ?? Number.NaN))).toBeLessThan(1e-6),
    );
  });
  test('beta', () => {
    const map = fitRising('beta', samples)?.map ?? { x: [0], y: [Number.NaN] };
    one.at.forEach((at, index) =>
      expect(Math.abs(calibrate(map, at) - (one.beta[index] ?? Number.NaN))).toBeLessThan(1e-6),
    );
  });
  test('base rate, and how much of the outcomes counts', () => {
    expect(constantMap(samples).y[0]).toBeCloseTo(one.base_rate, 12);
    expect(weightedShare(samples)).toBeCloseTo(one.weighted_share, 12);
  });
});

test('the latest outcome of a stretch weighs 1, as when that stretch was all there was', () => {
  const closed = Float64Array.from([0, 30, 60, 90], (day) => day * DAY_MS);
  const samples = { x: closed, y: closed, times: { opened: closed, closed }, halfLifeMs: 30 * DAY_MS };
  expect([...(weightsOf(samples) ?? [])]).toEqual([0.125, 0.25, 0.5, 1]);
  expect([...(weightsOf(slice(samples, 0, 2)) ?? [])]).toEqual([0.5, 1]);
});

test('where a model has changed, weights by recency do better on later outcomes', () => {
  const stream = new SeededRandom(7).stream('desk');
  const n = 2000;
  const closed = Float64Array.from({ length: n }, (_, row) => row * 0.1 * DAY_MS);
  const x = closed.map(() => 0.55 + 0.4 * stream.uniform());
  const y = x.map((said, row) => (stream.uniform() < said - (row < n / 4 ? 0.3 : 0) ? 1 : 0));
  const samples = { x, y, times: { opened: closed, closed } };
  const scoreOf = (of: Samples): number => {
    const { from, forecasts } = crossValidate(of, 'sigmoid');
    return brier(forecasts, y.subarray(from));
  };
  expect(scoreOf({ ...samples, halfLifeMs: 20 * DAY_MS })).toBeLessThan(scoreOf(samples) - 0.005);
});

test('a half-life that leaves next to nothing to learn from is refused by name', () => {
  const closed = Float64Array.from({ length: 200 }, (_, day) => day * DAY_MS);
  const samples = { x: closed, y: closed, times: { opened: closed, closed } };
  expect(weighsTooLittle('m', { ...samples, halfLifeMs: 5 * DAY_MS })).toMatchObject({
    condition: 'weighted_outcomes',
    need: 50,
  });
  expect(weighsTooLittle('m', { ...samples, halfLifeMs: 100 * DAY_MS })).toBeNull();
});
