import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { type Dependence, dependenceOf } from '../../pipelines/calibration/dependence.ts';
import { scoreChanges } from '../../pipelines/calibration/evaluate-map.ts';
import { simulatedDesk } from './simulated-desk.ts';

/** E[x (1 - x)] for x uniform over 0.55 to 0.90: the expected Brier score of calibrated confidences. */
export const TRUE_BRIER = (0.55 + 0.9) / 2 - (0.9 ** 3 - 0.55 ** 3) / (3 * (0.9 - 0.55));

export const CORRELATIONS = [0, 0.1, 0.2, 0.3, 0.4] as const;

export interface Coverage {
  readonly correlation: number;
  /** The share of samples whose 95 % interval of the raw Brier score has the true one in it. */
  readonly covered: number;
  /** Mean effective sample size. Unit: outcomes. */
  readonly effective: number;
}

/** 800 outcomes of a calibrated model, 20 a day, alike within a day: how often the intervals hold what they promise. */
export function coverageAt(correlation: number, samples: number, seed: number): Coverage {
  const random = new SeededRandom(seed);
  const stream = random.stream(`coverage-${correlation}`);
  let covered = 0;
  let effective = 0;
  for (let sample = 0; sample < samples; sample++) {
    const desk = simulatedDesk(
      { outcomes: 800, days: 40, said: [0.55, 0.9], truth: (said) => said, correlation },
      stream,
    );
    const dependence: Dependence = dependenceOf(desk);
    const scores = scoreChanges(desk.x, desk.x, desk.y, dependence, new SeededRandom(sample));
    const brier = scores.find(({ name }) => name === 'brier')?.before_interval;
    if (brier !== undefined && brier.low <= TRUE_BRIER && brier.high >= TRUE_BRIER) covered += 1;
    effective += dependence.effective;
  }
  return { correlation, covered: covered / samples, effective: effective / samples };
}
