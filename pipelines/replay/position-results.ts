import type { Random } from '../../ports/random.ts';
import { quantileOf } from '../calibration/statistics.ts';
import { KeepLeast } from './keep-least.ts';
import type { PathResult } from './position-path.ts';
import type { PositionId, ClmOutcome } from '../../schemas/generated/records.ts';
import { FUNDING_PERIOD_MS, type TradingCosts } from './trading-costs.ts';

/** The result of one position under each policy. Unit: R. */
interface PairedResult {
  readonly position_id: PositionId;
  readonly current: PathResult;
  readonly candidate: PathResult;
}

/** Enough for a stable interval in some hundred kilobytes. Unit: positions. */
const SAMPLE = 5_000;

/** So many that the ends of a 95 % interval move by less than a tenth of its width from seed to seed. Unit: resamples. */
const RESAMPLES = 1_000;

/** Mean results of the positions under each policy, net of costs. Unit: R a position. */
export interface MeanResults {
  readonly positions: number;
  readonly current_mean_r: number | null;
  readonly candidate_mean_r: number | null;
  /** Candidate minus current. */
  readonly change: number | null;
  /** 95 % bootstrap interval of the change, over positions drawn with replacement; null with fewer than two. */
  readonly change_interval: { readonly low: number; readonly high: number } | null;
  /** Positions that the interval rests on. */
  readonly sampled: number;
  /** The same means before costs. */
  readonly gross: { readonly current_mean_r: number | null; readonly candidate_mean_r: number | null };
}

interface Sums {
  readonly net: number;
  readonly gross: number;
}

/** Results of a stretch of the log, as they are summed. */
export interface SampledResults {
  readonly positions: number;
  /** Sums. Unit: R. */
  readonly current: Sums;
  readonly candidate: Sums;
  /** The sample, by rank. */
  readonly sample: readonly Ranked[];
}

/** A sampled position: its result under each policy, net of costs. Unit: R. */
export interface SampledPosition {
  readonly position_id: PositionId;
  readonly current: number;
  readonly candidate: number;
}

interface Ranked extends SampledPosition {
  readonly rank: number;
}

/**
 * Mean results of all positions, and an interval from a bounded sample of them.
 *
 * RPL-27  Every position is equally likely to be sampled, and whether it is depends on the seed and its id alone.
 * RPL-28  The interval is centred on the mean of all positions; one from a sample is narrowed by the square root of the sampled share.
 */
export class ResultSample {
  readonly #random: Random;
  readonly #sample = new KeepLeast<Ranked>(SAMPLE, ({ rank }) => rank);
  #positions = 0;
  #current: Sums = { net: 0, gross: 0 };
  #candidate: Sums = { net: 0, gross: 0 };

  constructor(random: Random) {
    this.#random = random;
  }

  add({ position_id, current, candidate }: PairedResult): void {
    this.#positions += 1;
    this.#current = summed(this.#current, current);
    this.#candidate = summed(this.#candidate, candidate);
    this.#sample.add({
      rank: this.#random.stream('replay sample', position_id).uniform(),
      position_id,
      current: current.net,
      candidate: candidate.net,
    });
  }

  /** Adds the results of other positions. */
  absorb({ positions, current, candidate, sample }: SampledResults): void {
    this.#positions += positions;
    this.#current = summed(this.#current, current);
    this.#candidate = summed(this.#candidate, candidate);
    for (const ranked of sample) this.#sample.add(ranked);
  }

  results(): SampledResults {
    return {
      positions: this.#positions,
      current: this.#current,
      candidate: this.#candidate,
      sample: this.#sample.items(),
    };
  }

  /** The sampled positions. */
  sampled(): readonly SampledPosition[] {
    return this.#sample.items();
  }

  means(): MeanResults {
    const positions = this.#positions;
    const changes = this.#sample.items().map(({ current, candidate }) => candidate - current);
    if (positions === 0) {
      return {
        positions,
        current_mean_r: null,
        candidate_mean_r: null,
        change: null,
        change_interval: null,
        sampled: 0,
        gross: { current_mean_r: null, candidate_mean_r: null },
      };
    }
    const change = (this.#candidate.net - this.#current.net) / positions;
    return {
      positions,
      current_mean_r: this.#current.net / positions,
      candidate_mean_r: this.#candidate.net / positions,
      change,
      change_interval: changes.length < 2 ? null : this.#interval(changes, change),
      sampled: changes.length,
      gross: {
        current_mean_r: this.#current.gross / positions,
        candidate_mean_r: this.#candidate.gross / positions,
      },
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
    const end = (share: number): number => centre + (quantileOf(means, share) - mean) * shrink;
    return { low: end(0.025), high: end(0.975) };
  }
}

function summed(one: Sums, other: Sums): Sums {
  return { net: one.net + other.net, gross: one.gross + other.gross };
}

/** Mean realised results, beside those of each policy on the same positions. Unit: R a position, net of costs. */
export interface RealisedResults {
  /** Replayed positions that are closed on record. */
  readonly positions: number;
  readonly mean_r: number;
  /** Of the same positions. */
  readonly current_mean_r: number;
  readonly candidate_mean_r: number;
  /** Positions whose every cost is on record; the costs of the others are estimated as in the replay. */
  readonly costs_recorded: number;
}

/**
 * Sums up clm.outcome records of the sampled positions.
 *
 * RPL-29  A position counts once, by its latest record, and only when that is FINAL.
 * RPL-30  R is measured as in the replay: by the initial risk, or by the default risk where no stop is known.
 */
export class Realised {
  readonly #costs: TradingCosts;
  readonly #defaultRisk: number;
  readonly #sample: ReadonlyMap<string, SampledPosition>;
  readonly #found = new Map<string, { readonly r: number; readonly recorded: boolean } | null>();

  constructor(sample: readonly SampledPosition[], costs: TradingCosts, defaultRisk: number) {
    this.#sample = new Map(sample.map((position) => [position.position_id, position]));
    this.#costs = costs;
    this.#defaultRisk = defaultRisk;
  }

  add(outcome: ClmOutcome): void {
    if (!this.#sample.has(outcome.position_id)) return;
    this.#found.set(outcome.position_id, outcome.status === 'FINAL' ? this.#resultOf(outcome) : null);
  }

  /** Null where none of the positions is closed on record. */
  results(): RealisedResults | null {
    const sums = { positions: 0, realised: 0, current: 0, candidate: 0, recorded: 0 };
    for (const [id, result] of this.#found) {
      const position = this.#sample.get(id);
      if (result === null || position === undefined) continue;
      sums.positions += 1;
      sums.realised += result.r;
      sums.current += position.current;
      sums.candidate += position.candidate;
      sums.recorded += result.recorded ? 1 : 0;
    }
    const { positions } = sums;
    if (positions === 0) return null;
    return {
      positions,
      mean_r: sums.realised / positions,
      current_mean_r: sums.current / positions,
      candidate_mean_r: sums.candidate / positions,
      costs_recorded: sums.recorded,
    };
  }

  #resultOf(outcome: ClmOutcome): { readonly r: number; readonly recorded: boolean } | null {
    const { initial_risk_quote, entry_price, quantity, pnl_quote, pnl_net_quote } = outcome;
    // A risk of 0 means that it is unknown, as for labels by R.
    const known = initial_risk_quote ?? 0;
    const risk = known > 0 ? known : entry_price * quantity * this.#defaultRisk;
    const net = pnl_net_quote ?? pnl_quote - this.#estimatedCosts(outcome);
    return { r: net / risk, recorded: pnl_net_quote !== null && pnl_net_quote !== undefined };
  }

  #estimatedCosts({ side, quantity, entry_price, exit_price, opened_at, last_slice_at }: ClmOutcome): number {
    const { fee, funding_per_8h } = this.#costs;
    const funding = quantity * exit_price * funding_per_8h[side] * ((last_slice_at - opened_at) / FUNDING_PERIOD_MS);
    return quantity * (entry_price + exit_price) * fee + funding;
  }
}
