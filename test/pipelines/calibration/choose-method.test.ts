import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { chooseMethod, crossValidate, foldsOf, marginOf } from '../../../pipelines/calibration/choose-method.ts';
import { METHODS } from '../../../pipelines/calibration/fit.ts';
import { every, overConfident, samplesClosedAt, samplesOf } from './samples.ts';

const HOUR_MS = 60 * 60 * 1000;
const silent = (): void => {};

describe('folds', () => {
  test('half of the rows only train, at most 500; without times nothing is purged', () => {
    const { x, y } = samplesClosedAt(every(3000, 1));
    const folds = foldsOf({ x, y });
    expect(folds.map(({ start, end }) => [start, end])).toEqual([
      [500, 1000],
      [1000, 1500],
      [1500, 2000],
      [2000, 2500],
      [2500, 3000],
    ]);
    expect(folds.every(({ trainTo, start }) => trainTo === start)).toBe(true);
    expect(foldsOf({ x: x.subarray(0, 240), y })[0]).toEqual({ trainTo: 120, start: 120, end: 144 });
  });

  test('purged by the holding time and embargoed by it again: no training row was open, or fresh, when the fold began', () => {
    const samples = samplesClosedAt(every(1000, HOUR_MS), 10 * HOUR_MS);
    for (const { trainTo, start } of foldsOf(samples)) {
      const begins = (samples.times.closed[start] ?? 0) - 20 * HOUR_MS;
      expect(samples.times.closed[trainTo - 1]).toBeLessThanOrEqual(begins);
      expect(samples.times.closed[trainTo]).toBeGreaterThan(begins);
    }
  });

  test('a purge never takes more than half: where everything overlaps there is still something to train on', () => {
    for (const { trainTo, start } of foldsOf(samplesClosedAt(every(1000, HOUR_MS), 1e6 * HOUR_MS)))
      expect(trainTo).toBe(start / 2);
  });
});

describe('cross-validation', () => {
  test.each(METHODS)('%s: what comes later changes no earlier forecast', (method) => {
    const { x, y } = samplesOf(1000, overConfident);
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
      const { from, forecasts } = crossValidate(samplesOf(n, overConfident), 'identity');
      expect(from + forecasts.length).toBe(n);
      expect([...forecasts]).toEqual([...samplesOf(n, overConfident).x.subarray(from)]);
    }
  });
});

describe('the choice', () => {
  test('isotonic is tried from 1,000 outcomes, or when asked for', () => {
    const tried = (n: number, asked: 'isotonic' | null) =>
      chooseMethod(samplesOf(n, overConfident), asked, silent).candidates.find(({ method }) => method === 'isotonic');
    expect(tried(999, null)).toMatchObject({ brier: null, why_not: expect.stringContaining('1000') });
    expect(tried(1000, null)?.brier).toBeGreaterThan(0);
    expect(chooseMethod(samplesOf(100, overConfident), 'isotonic', silent).method).toBe('isotonic');
  });

  test('is the lowest Brier score out of fold', () => {
    const { method, candidates } = chooseMethod(samplesOf(3000, overConfident), null, silent);
    const scores = candidates.map((one) => one.brier ?? Infinity);
    expect(candidates.find((one) => one.method === method)?.brier).toBe(Math.min(...scores));
    expect(method).not.toBe('identity');
    expect(candidates.filter(({ why_not }) => why_not === null).map((one) => one.method)).toEqual([method]);
  });

  test('a method that was asked for is taken although another does better', () => {
    expect(chooseMethod(samplesOf(3000, overConfident), 'identity', silent).method).toBe('identity');
  });

  test('methods that do equally well: the simplest is chosen', () => {
    // Half of every training window is won at a confidence of 0.5: all maps give 0.5.
    const x = new Float64Array(200).fill(0.5);
    const y = x.map((_, at) => at % 2);
    expect(chooseMethod({ x, y }, null, silent).method).toBe('identity');
  });
});

const ends = Uint32Array.from({ length: 200 }, (_, row) => row + 1);

describe('by how much one method does better than the next', () => {
  const stream = new SeededRandom(3).stream('outcomes');
  const y = Float64Array.from({ length: 200 }, () => (stream.uniform() < 0.6 ? 1 : 0));
  const right = y.map(() => 0.6);

  test('the margin is the difference of the Brier scores, with the interval of its mean', () => {
    const off = y.map(() => 0.8);
    const { margin, interval } = marginOf(right, off, y, { ends }, new SeededRandom(1));
    const differences = y.map((won) => (0.8 - won) ** 2 - (0.6 - won) ** 2);
    const mean = differences.reduce((sum, one) => sum + one, 0) / 200;
    const deviation = Math.sqrt(differences.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 199);
    expect(margin).toBeCloseTo(mean, 12);
    // The closed form, 1.97 standard errors, within what 500 resamples and the margin for skew leave open.
    expect((interval.high - interval.low) / (2 * 1.97 * (deviation / Math.sqrt(200)))).toBeGreaterThan(0.9);
    expect((interval.high - interval.low) / (2 * 1.97 * (deviation / Math.sqrt(200)))).toBeLessThan(1.15);
  });

  test('equal forecasts have a margin of 0', () => {
    expect(marginOf(right, right, y, { ends }, new SeededRandom(1))).toEqual({
      margin: 0,
      interval: { low: 0, high: 0 },
    });
  });
});
