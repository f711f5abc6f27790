/** Forecasts of exactly 0 or 1 would cost infinitely much when wrong. Unit: probability. */
export const LOG_LOSS_CLIP = 1e-15;

/** Equal-width bins of the forecast: the number that the literature on ECE uses (Guo et al. 2017). Unit: bins. */
export const ECE_BINS = 15;

/** One forecast's squared error. */
export function squaredError(p: number, y: number): number {
  return (p - y) * (p - y);
}

/** One forecast's negative log likelihood, in nats, clipped at LOG_LOSS_CLIP. */
export function logError(p: number, y: number): number {
  const said = y > 0.5 ? p : 1 - p;
  return -Math.log(Math.min(1 - LOG_LOSS_CLIP, Math.max(LOG_LOSS_CLIP, said)));
}

export function eceBin(p: number): number {
  return Math.min(ECE_BINS - 1, Math.floor(p * ECE_BINS));
}

/** Mean squared error of probabilities (Brier 1950). */
export function brier(p: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < p.length; row++) sum += squaredError(p[row] as number, y[row] as number);
  return sum / p.length;
}

/** Mean negative log likelihood. Unit: nats. */
export function logLoss(p: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < p.length; row++) sum += logError(p[row] as number, y[row] as number);
  return sum / p.length;
}

/** Expected calibration error: |mean forecast - share of wins| over ECE_BINS equal-width bins, weighted by their rows. */
export function ece(p: Float64Array, y: Float64Array): number {
  const gaps = new Float64Array(ECE_BINS);
  for (let row = 0; row < p.length; row++) {
    const bin = eceBin(p[row] as number);
    gaps[bin] = (gaps[bin] as number) + (p[row] as number) - (y[row] as number);
  }
  return eceOfGaps(gaps, p.length);
}

/** `gaps`: by bin, the sum of forecasts minus the number of wins. */
export function eceOfGaps(gaps: Float64Array, n: number): number {
  let sum = 0;
  for (const gap of gaps) sum += Math.abs(gap);
  return sum / n;
}
