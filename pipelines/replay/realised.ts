import type { ClmOutcome } from '../../schemas/generated/records.ts';
import type { SampledPosition } from './result-sample.ts';
import { FUNDING_PERIOD_MS, type TradingCosts } from './trading-costs.ts';

/** What positions really made, beside what each policy would have made of the same ones. Unit: R a position, net of costs. */
export interface RealisedResults {
  /** Replayed positions that are closed on record. */
  readonly positions: number;
  readonly mean_r: number;
  /** Of the same positions. */
  readonly current_mean_r: number;
  readonly candidate_mean_r: number;
  /** Of how many of them the record has every cost; of the others costs are reckoned as in the replay. */
  readonly costs_recorded: number;
}

/**
 * Invariants:
 * RR1  A position counts once, by its latest record, and only when that is FINAL.
 * RR2  R is measured as in the replay: by the initial risk, or by the default risk where no stop is known.
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
    // A risk of 0 is no risk known, as for labels by R.
    const known = initial_risk_quote ?? 0;
    const risk = known > 0 ? known : entry_price * quantity * this.#defaultRisk;
    const net = pnl_net_quote ?? pnl_quote - this.#reckonedCosts(outcome);
    return { r: net / risk, recorded: pnl_net_quote !== null && pnl_net_quote !== undefined };
  }

  #reckonedCosts({ side, quantity, entry_price, exit_price, opened_at, last_slice_at }: ClmOutcome): number {
    const { fee, funding_per_8h } = this.#costs;
    const funding = quantity * exit_price * funding_per_8h[side] * ((last_slice_at - opened_at) / FUNDING_PERIOD_MS);
    return quantity * (entry_price + exit_price) * fee + funding;
  }
}
