import { describe, expect, test } from 'vitest';
import { betaAt, fitBeta } from '../../../pipelines/calibration/beta.ts';
import { fit } from '../../../pipelines/calibration/fit.ts';
import { fitSigmoid, sigmoidAt } from '../../../pipelines/calibration/sigmoid.ts';
import { calibrate } from '../../../pipelines/scoring/confidence-map.ts';
import { overConfident, samplesOf } from './samples.ts';

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
    const { x, y } = samplesOf(400, overConfident);
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
