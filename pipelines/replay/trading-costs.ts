import type { Side, TradeClosed } from '../../schemas/generated/records.ts';
import type { Policy } from '../scoring/policy.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Funding is settled every eight hours. Unit: milliseconds. */
export const FUNDING_PERIOD_MS = 8 * HOUR_MS;

/** What trading costs in a replay, the same for both policies. */
export interface TradingCosts {
  /** Where the rates come from: measured on trade.closed, a policy's, given by hand; none: nothing is known, results are before costs. */
  readonly source: 'recorded' | 'policy' | 'given' | 'none';
  /** Paid on entry and on exit. Unit: ratio of notional. */
  readonly fee: number;
  /** Paid for eight hours by each side; negative is received. Unit: ratio of notional. */
  readonly funding_per_8h: Readonly<Record<Side, number>>;
}

export const NO_COSTS: TradingCosts = { source: 'none', fee: 0, funding_per_8h: { LONG: 0, SHORT: 0 } };

/** A policy deducts the same funding on both sides. Null: it has no costs. */
export function costsOfPolicy({ costs }: Policy): TradingCosts | null {
  if (costs === null) return null;
  const { taker_fee: fee, funding_per_8h: funding } = costs;
  return { source: 'policy', fee, funding_per_8h: { LONG: funding, SHORT: funding } };
}

/** One rate each for fees and, by side, funding: money over notional, and over notional times the time held. */
export class RecordedCosts {
  readonly #fees = { paid: 0, notional: 0 };
  readonly #funding = { LONG: { paid: 0, notional: 0 }, SHORT: { paid: 0, notional: 0 } };

  /** What is unknown of a trade is left out. */
  add(trade: TradeClosed): void {
    const { side, quantity, entry_price: entry, exit_price: exit } = trade;
    addRate(this.#fees, trade.fee_quote, quantity * exit);
    addRate(this.#fees, trade.opening_fee_quote ?? null, quantity * entry);
    const periods = (trade.closed_at - trade.opened_at) / FUNDING_PERIOD_MS;
    addRate(this.#funding[side], trade.funding_quote ?? null, quantity * exit * periods);
  }

  /** Null where no fee is known. Funding that is unknown is 0. */
  rates(): TradingCosts | null {
    if (this.#fees.notional === 0) return null;
    const rate = ({ paid, notional }: Rate): number => (notional === 0 ? 0 : paid / notional);
    return {
      source: 'recorded',
      fee: rate(this.#fees),
      funding_per_8h: { LONG: rate(this.#funding.LONG), SHORT: rate(this.#funding.SHORT) },
    };
  }
}

interface Rate {
  paid: number;
  notional: number;
}

function addRate(rate: Rate, paid: number | null, notional: number): void {
  if (paid === null) return;
  rate.paid += paid;
  rate.notional += notional;
}
