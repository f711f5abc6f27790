import type { Random, RandomStream } from '../../ports/random.ts';
import { cellsOf } from './cells.ts';
import { calibrate } from '../scoring/confidence-map.ts';
import { fitIsotonic, mapOfBlocks } from './isotonic.ts';
import { poolAdjacentViolators } from './pool-adjacent-violators.ts';
import { percentileOf } from './percentile.ts';
import type { Reliability } from './report.ts';

/** Enough for the ends of a 95 % band to stand still to about a tenth of its width. Unit: resamples. */
const RESAMPLES = 200;

/** For the band alone, more forecasts than this are grouped: the band is far wider than such a group. Unit: groups. */
const BAND_CELLS = 2000;

/** One for each percent is as fine as anyone sees. Unit: points. */
const BAND_POINTS = 101;

const HISTOGRAM_BINS = 20;

/** Above this a binomial number is drawn as a rounded normal one. Unit: rows. */
const EXACT_DRAWS = 64;

/**
 * CORP reliability diagram with a 95 % consistency band: outcomes are drawn as if the forecasts were right, with the forecasts
 * as they are, and the isotonic fit of each draw is kept.
 */
export function reliability(p: Float64Array, y: Float64Array, random: Random): Reliability {
  const curve = fitIsotonic(p, y);
  const histogram = new Float64Array(HISTOGRAM_BINS);
  for (const forecast of p) {
    const bin = Math.min(HISTOGRAM_BINS - 1, Math.floor(forecast * HISTOGRAM_BINS));
    histogram[bin] = (histogram[bin] as number) + 1;
  }
  return { ...curve, band: bandOf(p, random), histogram: [...histogram] };
}

function bandOf(p: Float64Array, random: Random): Reliability['band'] {
  const { forecast, rows, length } = cellsOf(p, BAND_CELLS);
  const low = forecast[0] as number;
  const high = forecast[length - 1] as number;
  const points = high > low ? BAND_POINTS : 1;
  const grid = Array.from({ length: points }, (_, at) =>
    points === 1 ? low : low + (at / (points - 1)) * (high - low),
  );
  const draws = grid.map(() => new Float64Array(RESAMPLES));
  const stream = random.stream('consistency-band');
  const mean = new Float64Array(length);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    for (let cell = 0; cell < length; cell++) {
      const n = rows[cell] as number;
      mean[cell] = binomial(stream, n, forecast[cell] as number) / n;
    }
    const map = mapOfBlocks(forecast, poolAdjacentViolators(mean, rows, length));
    for (let at = 0; at < points; at++) (draws[at] as Float64Array)[resample] = calibrate(map, grid[at] as number);
  }
  const sorted = draws.map((values) => values.toSorted());
  return {
    x: grid,
    low: sorted.map((values) => percentileOf(values, 0.025)),
    high: sorted.map((values) => percentileOf(values, 0.975)),
  };
}

function binomial(stream: RandomStream, n: number, p: number): number {
  if (n > EXACT_DRAWS) {
    const drawn = Math.round(n * p + Math.sqrt(n * p * (1 - p)) * stream.normal());
    return Math.min(n, Math.max(0, drawn));
  }
  let wins = 0;
  for (let draw = 0; draw < n; draw++) if (stream.uniform() < p) wins += 1;
  return wins;
}
