import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { type Assessment, assess } from '../../../pipelines/calibration/assess.ts';
import { chooseMethod, crossValidate } from '../../../pipelines/calibration/choose-method.ts';
import { betaAt, fitBeta } from '../../../pipelines/calibration/beta.ts';
import { calibrate } from '../../../pipelines/scoring/confidence-map.ts';
import { fit, METHODS } from '../../../pipelines/calibration/fit.ts';
import { fitSigmoid, sigmoidAt } from '../../../pipelines/calibration/sigmoid.ts';

/** Rows whose win rate is `truth` of the confidence said, in time order. */
function samples(n: number, truth: (said: number) => number, seed = 3) {
  const stream = new SeededRandom(seed).stream('samples');
  const x = Float64Array.from({ length: n }, () => 0.5 + 0.45 * stream.uniform());
  return { x, y: x.map((said) => (stream.uniform() < truth(said) ? 1 : 0)) };
}

/** Of samples that have a usable map. */
function assessed(...[of, asked, random, options]: Parameters<typeof assess>): Assessment {
  const found = assess(of, asked, random, options);
  if (found.fit === null) throw new Error('no usable relation');
  return found;
}

const overConfident = (said: number): number => said - 0.2;
const silent = (): void => {};

describe('cross-validation', () => {
  test.each(METHODS)('%s: what comes later changes no earlier forecast', (method) => {
    const { x, y } = samples(1000, overConfident);
    const changed = y.map((outcome, at) => (at < 800 ? outcome : 1 - outcome));
    const one = crossValidate({ x, y }, method);
    const other = crossValidate({ x, y: changed }, method);
    expect(one.from).toBe(500);
    // Rows 800 to 900 are the fourth fold: predicted by what came before 800.
    expect([...one.forecasts.subarray(0, 400)]).toEqual([...other.forecasts.subarray(0, 400)]);
    if (method !== 'identity') expect([...one.forecasts]).not.toEqual([...other.forecasts]);
  });

  test('covers every row of the second half once, also where folds are uneven', () => {
    for (const n of [50, 51, 53]) {
      const { from, forecasts } = crossValidate(samples(n, overConfident), 'identity');
      expect(from + forecasts.length).toBe(n);
      expect([...forecasts]).toEqual([...samples(n, overConfident).x.subarray(from)]);
    }
  });
});

describe('the choice', () => {
  test('isotonic is tried from 1,000 outcomes, or when asked for', () => {
    const tried = (n: number, asked: 'isotonic' | null) =>
      chooseMethod(samples(n, overConfident), asked, silent).candidates.find(({ method }) => method === 'isotonic');
    expect(tried(999, null)).toMatchObject({ brier: null, why_not: expect.stringContaining('1000') });
    expect(tried(1000, null)?.brier).toBeGreaterThan(0);
    expect(chooseMethod(samples(100, overConfident), 'isotonic', silent).method).toBe('isotonic');
  });

  test('is the lowest Brier score out of fold', () => {
    const { method, candidates } = chooseMethod(samples(3000, overConfident), null, silent);
    const scores = candidates.map((one) => one.brier ?? Infinity);
    expect(candidates.find((one) => one.method === method)?.brier).toBe(Math.min(...scores));
    expect(method).not.toBe('identity');
    expect(candidates.filter(({ why_not }) => why_not === null).map((one) => one.method)).toEqual([method]);
  });

  test('a method that was asked for is taken although another does better', () => {
    expect(chooseMethod(samples(3000, overConfident), 'identity', silent).method).toBe('identity');
  });
});

describe('fits', () => {
  test('of one class are finite and say so', () => {
    const x = Float64Array.from({ length: 60 }, (_, at) => 0.5 + at / 200);
    const won = new Float64Array(60).fill(1);
    const { a, b } = fitSigmoid(x, won);
    // Platt's smoothing: 61 of 62.
    for (const at of x) expect(sigmoidAt({ a, b }, at)).toBeCloseTo(61 / 62, 9);
    for (const value of fit('beta', { x, y: won }).map.y) expect(value).toBeGreaterThan(0.99);
  });

  test('of separable data are finite', () => {
    const x = Float64Array.from({ length: 60 }, (_, at) => at / 60);
    const y = x.map((said) => (said > 0.5 ? 1 : 0));
    for (const method of ['sigmoid', 'beta'] as const)
      for (const { value } of fit(method, { x, y }).parameters) expect(Number.isFinite(value)).toBe(true);
  });

  test('the points of a map follow their formula to 1e-6, and stay in the observed range', () => {
    const { x, y } = samples(400, overConfident);
    const sigmoid = fitSigmoid(x, y);
    const beta = fitBeta(x, y);
    const low = Math.min(...x);
    const high = Math.max(...x);
    for (const [method, at] of [
      ['sigmoid', (said: number) => sigmoidAt(sigmoid, said)],
      ['beta', (said: number) => betaAt(beta, said)],
    ] as const) {
      const { map } = fit(method, { x, y });
      expect([map.x[0], map.x.at(-1)]).toEqual([low, high]);
      for (let step = 0; step <= 5000; step++) {
        const said = low + (step / 5000) * (high - low);
        expect(Math.abs(calibrate(map, said) - at(said))).toBeLessThan(1e-6);
      }
    }
  });
});

describe('an assessment', () => {
  test('finds over-confidence: the map goes down, scores get better, and the evidence carries a large change', () => {
    const {
      fit: chosen,
      bounds,
      largest_change,
      detectable,
      out_of_fold,
      in_sample,
    } = assessed(samples(1200, overConfident), null, new SeededRandom(1));
    expect(calibrate(chosen.map, 0.8)).toBeCloseTo(0.6, 1);
    expect(Math.abs(largest_change.to - largest_change.from)).toBeGreaterThan(0.15);
    expect(detectable).toMatchObject({ n: 1200, found: expect.closeTo(0.2, 1) });
    expect(detectable.gap).toBeCloseTo((2.8016 * Math.sqrt(0.1917)) / Math.sqrt(1200), 2);
    expect([in_sample.n, out_of_fold.n]).toEqual([1200, 700]);
    expect(bounds.map(({ name, holds }) => [name, holds])).toEqual([
      ['brier_improvement', true],
      ['beats_constant', true],
      ['tells_apart', true],
      ['largest_change', true],
    ]);
  });

  test('of a calibrated model improves nothing worth a change', () => {
    const { bounds } = assessed(
      samples(1200, (said) => said),
      'sigmoid',
      new SeededRandom(1),
    );
    expect(bounds.map(({ name, holds }) => [name, holds])).toContainEqual(['brier_improvement', false]);
    expect(bounds.map(({ name, holds }) => [name, holds])).toContainEqual(['largest_change', true]);
  });
});
