import type { Random } from '../../ports/random.ts';
import { percentileOf } from '../calibration/percentile.ts';
import { KeepLeast } from './keep-least.ts';
import type { PositionResult } from './open-positions.ts';

/** Enough for any interval, and some hundred kilobytes. Unit: positions. */
const SAMPLE = 5_000;

/** Ends of a 95 % interval move by less than a tenth of its width from seed to seed. Unit: resamples. */
const RESAMPLES = 1_000;

/** Mean results of the positions under each policy. Unit: R a position. */
export interface MeanResults {
  readonly positions: number;
  readonly current_mean_r: number | null;
  readonly candidate_mean_r: number | null;
  /** Candidate minus current. */
  readonly change: number | null;
  /** 95 % bootstrap interval of the change, the positions drawn with replacement; null with fewer than two. */
  readonly change_interval: { readonly low: number; readonly high: number } | null;
  /** Positions that the interval rests on. */
  readonly sampled: number;
}

/**
 * Means over all positions, and an interval from a bounded sample of them. Invariants:
 * M1  Each position is as likely to be in the sample as any other, and whether it is depends on the seed and its id alone.
 * M2  The interval lies about the mean of all; that of a sample is drawn in by the square root of its share.
 */
export class ResultSample {
  readonly #random: Random;
  readonly #sample = new KeepLeast<{ readonly rank: number; readonly change: number }>(SAMPLE, ({ rank }) => rank);
  #positions = 0;
  #current = 0;
  #candidate = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  add({ position_id, current, candidate }: PositionResult): void {
    this.#positions += 1;
    this.#current += current;
    this.#candidate += candidate;
    this.#sample.add({
      rank: this.#random.stream('replay sample', position_id).uniform(),
      change: candidate - current,
    });
  }

  means(): MeanResults {
    const positions = this.#positions;
    const changes = this.#sample.items().map(({ change }) => change);
    if (positions === 0) {
      return {
        positions,
        current_mean_r: null,
        candidate_mean_r: null,
        change: null,
        change_interval: null,
        sampled: 0,
      };
    }
    const change = (this.#candidate - this.#current) / positions;
    return {
      positions,
      current_mean_r: this.#current / positions,
      candidate_mean_r: this.#candidate / positions,
      change,
      change_interval: changes.length < 2 ? null : this.#interval(changes, change),
      sampled: changes.length,
    };
  }

  #interval(changes: readonly number[], centre: number): { readonly low: number; readonly high: number } {
    const stream = this.#random.stream('replay bootstrap');
    const n = changes.length;
    const means = new Float64Array(RESAMPLES);
    for (let resample = 0; resample < RESAMPLES; resample++) {
      let sum = 0;
      for (let draw = 0; draw < n; draw++) sum += changes[Math.floor(stream.uniform() * n)] ?? 0;
      means[resample] = sum / n;
    }
    means.sort();
    const mean = changes.reduce((sum, change) => sum + change, 0) / n;
    const shrink = Math.sqrt(n / this.#positions);
    const end = (share: number): number => centre + (percentileOf(means, share) - mean) * shrink;
    return { low: end(0.025), high: end(0.975) };
  }
}
