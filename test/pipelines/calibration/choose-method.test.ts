import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { assess } from '../../../pipelines/calibration/assess.ts';
import { marginOf } from '../../../pipelines/calibration/choose-method.ts';

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

test('an assessment names the next method; one that was asked for may have done worse', () => {
  const stream = new SeededRandom(5).stream('outcomes');
  const x = Float64Array.from({ length: 800 }, () => 0.55 + 0.4 * stream.uniform());
  const y = x.map((said) => (stream.uniform() < said - 0.25 ? 1 : 0));
  const chosen = assess({ x, y }, null, new SeededRandom(1));
  const asked = assess({ x, y }, 'identity', new SeededRandom(1));
  if (chosen.fit === null || asked.fit === null) throw new Error('there is a relation');
  expect(chosen.winner?.margin).toBeGreaterThanOrEqual(0);
  expect(chosen.winner?.next).not.toBe(chosen.fit.method);
  expect(asked.winner?.margin).toBeLessThan(-0.02);
  expect(asked.winner?.interval.high).toBeLessThan(0);
});
