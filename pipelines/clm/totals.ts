import { Decimal } from 'decimal.js';
import type { ClmOutcome, TradeClosed } from '../../schemas/generated/records.ts';
import { GREATEST_R } from '../../schemas/market-bounds.ts';

/** Sums of doubles are exact before they are stored. */
const Exact = Decimal.clone({ precision: 50 });

/** What an outcome adds up over the slices of its position, besides their fee and their profit before costs. */
export type Totals = Pick<
  ClmOutcome,
  | 'opening_fee_quote'
  | 'funding_quote'
  | 'pnl_net_quote'
  | 'unknown_costs'
  | 'initial_risk_quote'
  | 'r_net'
  | 'mae_r'
  | 'mfe_r'
  | 'policy_at_close'
  | 'regime_at_entry'
>;

/**
 * The totals with one slice more, or of the first one. The order of the slices does not matter (accumulate.ts, A2).
 *
 * U1  A sum is null as soon as it is unknown for one slice (A5), and stays so; `unknown_costs` names the costs.
 * U2  r_net is the sum of pnl_net_quote over the sum of the initial risks: slices count by what they risked.
 * U3  policy_at_close is that of the slice that left nothing open; of several the latest, of several at one time the first in the alphabet.
 */
export function addTotals(outcome: ClmOutcome | null, trade: TradeClosed): Totals {
  const netted = sumOf(outcome?.pnl_net_quote, trade.pnl_net_quote);
  const risked = sumOf(outcome?.initial_risk_quote, trade.risk_quote);
  return {
    opening_fee_quote: sumOf(outcome?.opening_fee_quote, trade.opening_fee_quote),
    funding_quote: sumOf(outcome?.funding_quote, trade.funding_quote),
    pnl_net_quote: netted,
    unknown_costs: namesOf(outcome, trade),
    initial_risk_quote: risked,
    r_net: ratioOf(netted, risked),
    mae_r: extremeOf(outcome?.mae_r, trade.mae_r, Math.min),
    mfe_r: extremeOf(outcome?.mfe_r, trade.mfe_r, Math.max),
    policy_at_close: policyAtClose(outcome, trade),
    regime_at_entry: firstOf(outcome?.regime_at_entry ?? null, trade.regime_at_entry),
  };
}

/** `before` is undefined for the first slice. */
function sumOf(before: number | null | undefined, added: number | null): number | null {
  if (before === undefined) return added;
  return before === null || added === null ? null : new Exact(before).plus(added).toNumber();
}

function extremeOf(
  before: number | null | undefined,
  added: number | null,
  of: (one: number, other: number) => number,
): number | null {
  if (before === undefined) return added;
  return before === null || added === null ? null : of(before, added);
}

/** U2. */
function ratioOf(netted: number | null, risked: number | null): number | null {
  if (netted === null || risked === null || risked === 0) return null;
  const r = new Exact(netted).div(risked).toNumber();
  return Math.abs(r) <= GREATEST_R ? r : null;
}

/** The names of the costs that are not known, sorted; null where a slice does not say. */
function namesOf(outcome: ClmOutcome | null, { unknown_costs: costs }: TradeClosed): readonly string[] | null {
  const before = outcome === null ? [] : outcome.unknown_costs;
  if (before === null || costs === null) return null;
  const names = costs.map((cost) => cost.split(':', 1)[0] ?? cost);
  return [...new Set([...before, ...names])].toSorted();
}

/** U3. */
function policyAtClose(outcome: ClmOutcome | null, trade: TradeClosed): string | null {
  const before = outcome?.policy_at_close ?? null;
  if (trade.remaining_quantity !== 0) return before;
  const closedAt = outcome?.closed_at ?? null;
  if (closedAt === null || trade.closed_at > closedAt) return trade.policy;
  return trade.closed_at < closedAt ? before : firstOf(before, trade.policy);
}

/** The one that is known; of two the first in the alphabet, so that the order in which they come does not matter. */
function firstOf(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
}
