import { expect, test } from 'vitest';
import { detectable } from '../../../pipelines/calibration/samples.ts';

test('the detectable gap by hand: 100 outcomes at 0.5, 60 won', () => {
  const x = new Float64Array(100).fill(0.5);
  const y = x.map((_, at) => (at < 60 ? 1 : 0));
  expect(detectable({ x, y })).toEqual({
    n: 100,
    gap: expect.closeTo(2.801585 * 0.05, 9),
    found: expect.closeTo(-0.1, 12),
  });
});
