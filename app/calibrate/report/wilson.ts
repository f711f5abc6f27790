import type { Range } from '../../../pipelines/calibration/report.ts';

/** The 97.5 % point of the normal distribution. */
const Z = 1.959963984540054;

/** Wilson's 95 % interval of a share: stays within 0 to 1, and is right for few too. */
export function wilson(wins: number, n: number): Range {
  if (n === 0) return { low: 0, high: 1 };
  const share = wins / n;
  const squared = Z * Z;
  const centre = (share + squared / (2 * n)) / (1 + squared / n);
  const half = (Z / (1 + squared / n)) * Math.sqrt((share * (1 - share)) / n + squared / (4 * n * n));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
