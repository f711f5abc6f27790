import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { type Assessment, assess } from '../../../pipelines/calibration/assess.ts';
import { mapAll } from '../../../pipelines/calibration/choose-method.ts';
import { brier } from '../../../pipelines/calibration/scores.ts';
import { calibrate } from '../../../pipelines/scoring/confidence-map.ts';
import { overConfident, samplesOf } from './samples.ts';

/** The assessment of samples with a usable map. */
function assessed(...[of, asked, random, options]: Parameters<typeof assess>): Assessment {
  const found = assess(of, asked, random, options);
  if (found.fit === null) throw new Error('no usable relation');
  return found;
}

describe('an assessment', () => {
  test('finds over-confidence: the map goes down, scores get better, and the evidence carries a large change', () => {
    const {
      fit: chosen,
      bounds,
      largest_change,
      detectable,
      out_of_fold,
      in_sample,
    } = assessed(samplesOf(1200, overConfident), null, new SeededRandom(1));
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
      samplesOf(1200, (said) => said),
      'sigmoid',
      new SeededRandom(1),
    );
    expect(bounds.map(({ name, holds }) => [name, holds])).toContainEqual(['brier_improvement', false]);
    expect(bounds.map(({ name, holds }) => [name, holds])).toContainEqual(['largest_change', true]);
  });
});

describe('what an assessment is made of', () => {
  const stream = new SeededRandom(9).stream('samples');
  const x = Float64Array.from({ length: 300 }, () => 0.5 + 0.4 * stream.uniform());
  const y = x.map((said) => (stream.uniform() < said - 0.2 ? 1 : 0));
  const found = assess({ x, y }, 'sigmoid', new SeededRandom(1));
  if (found.fit === null) throw new Error('no usable relation');
  const { map } = found.fit;

  test('in sample: all rows, mapped by the fit on all of them', () => {
    const score = found.in_sample.scores.find(({ name }) => name === 'brier');
    expect(score?.before).toBe(brier(x, y));
    expect(score?.after).toBe(brier(mapAll(map, x), y));
  });

  test('out of fold: the later half, mapped by the forecasts that the choice was made on', () => {
    const score = found.out_of_fold.scores.find(({ name }) => name === 'brier');
    expect(score?.before).toBe(brier(x.subarray(150), y.subarray(150)));
    expect(score?.after).toBe(found.candidates.find(({ method }) => method === 'sigmoid')?.brier);
    expect(score?.after).not.toBe(brier(mapAll(map, x.subarray(150)), y.subarray(150)));
  });

  test('observed is the range of the confidences', () => {
    expect(found.observed).toEqual({ low: Math.min(...x), high: Math.max(...x) });
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
