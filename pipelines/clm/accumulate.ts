import { Exact } from '../../ports/exact-decimal.ts';
import type { ClmOutcome, OutcomeLabel, Side, TradeClosed, Origin } from '../../schemas/generated/records.ts';
import { GREATEST_R } from '../../schemas/market-bounds.ts';

/**
 * Accumulates the trades of one position, its slices, into its outcome. Invariants:
 *
 * CLM-1  A trade_id that is already counted changes nothing.
 * CLM-2  The order of the slices does not matter: quantities are equal, prices and results within 1e-9, label, status,
 *        times, model and exclusion the same. `slices` and `exit_reasons` alone keep the order of arrival.
 * CLM-3  Quantities add in decimal arithmetic; entry and exit price are quantity-weighted, and pnl_percent is the move
 *        between these two in the position's favour.
 * CLM-4  FINAL as soon as one slice left nothing open; a slice that comes later is still added.
 * CLM-5  An unknown stays unknown: the sum of a cost or a risk is null once it is unknown for one slice; `unknown_costs` names the costs.
 * CLM-6  A position of one BACKFILL slice keeps the pnl_percent that was recorded, whatever its prices say.
 * CLM-7  r_net is the sum of pnl_net_quote over the sum of the initial risks: slices count by what they risked.
 * CLM-8  policy_at_close is that of the slice that left nothing open; of several the latest, of several at one time the first in the
 *        alphabet.
 */

/** Below half a per cent either way, fees and spread decide more than the exit did. Unit: per cent of entry_price. */
export const WIN_ABOVE_PERCENT = 0.5;
export const LOSS_BELOW_PERCENT = -0.5;

/**
 * Labels are given by pnl_percent rounded to this many decimals, so that the last binary digits of a weighted price
 * never push a move of exactly 0.5 % over the edge in one order of slices and not in another. Unit: decimal places.
 */
const LABEL_DECIMALS = 9;

/** `outcome` with `trade` added, or a new outcome; null when the trade is already counted (CLM-1). */
export function accumulate(outcome: ClmOutcome | undefined, trade: TradeClosed): ClmOutcome | null {
  if (outcome?.slices.includes(trade.trade_id) === true) return null;
  return concluded(outcome === undefined ? firstSlice(trade) : nextSlice(outcome, trade));
}

/** +0.5 % and -0.5 % themselves are NEUTRAL. `pnlPercent` in per cent of entry_price. */
export function labelOf(pnlPercent: number): OutcomeLabel {
  const rounded = new Exact(pnlPercent).toDecimalPlaces(LABEL_DECIMALS);
  if (rounded.gt(WIN_ABOVE_PERCENT)) return 'WIN';
  return rounded.lt(LOSS_BELOW_PERCENT) ? 'LOSS' : 'NEUTRAL';
}

function firstSlice(trade: TradeClosed): ClmOutcome {
  return {
    position_id: trade.position_id,
    account: trade.account,
    venue: trade.venue,
    symbol: trade.symbol,
    side: trade.side,
    status: 'ACCUMULATING',
    label: null,
    slices: [trade.trade_id],
    quantity: trade.quantity,
    entry_price: trade.entry_price,
    exit_price: trade.exit_price,
    pnl_percent:
      trade.origin === 'BACKFILL' ? trade.pnl_percent : moveInFavour(trade.side, trade.entry_price, trade.exit_price),
    pnl_quote: trade.pnl_quote,
    fee_quote: trade.fee_quote,
    ...addTotals(null, trade),
    confidence: trade.confidence,
    model_id: trade.model_id,
    opened_at: trade.opened_at,
    last_slice_at: trade.closed_at,
    closed_at: trade.remaining_quantity === 0 ? trade.closed_at : null,
    exit_reasons: [trade.exit_reason],
    excluded_from_calibration: exclusionOf({
      previous: null,
      origin: trade.origin,
      conflicting: false,
      confidence: trade.confidence,
      model: trade.model_id,
    }),
  };
}

function nextSlice(outcome: ClmOutcome, trade: TradeClosed): ClmOutcome {
  const quantity = new Exact(outcome.quantity).plus(trade.quantity);
  const weighted = (before: number, added: number): number =>
    new Exact(before).times(outcome.quantity).plus(new Exact(added).times(trade.quantity)).div(quantity).toNumber();
  const entryPrice = weighted(outcome.entry_price, trade.entry_price);
  const exitPrice = weighted(outcome.exit_price, trade.exit_price);
  // Once slices disagreed, nothing that comes later settles it.
  const conflicting =
    outcome.excluded_from_calibration === ('CONFLICTING_MODEL' satisfies Exclusion) ||
    differ(outcome.confidence, trade.confidence) ||
    differ(outcome.model_id, trade.model_id);
  const confidence = conflicting ? null : (outcome.confidence ?? trade.confidence);
  const model = conflicting ? null : (outcome.model_id ?? trade.model_id);
  return {
    ...outcome,
    slices: [...outcome.slices, trade.trade_id],
    quantity: quantity.toNumber(),
    entry_price: entryPrice,
    exit_price: exitPrice,
    pnl_percent: moveInFavour(outcome.side, entryPrice, exitPrice),
    pnl_quote: new Exact(outcome.pnl_quote).plus(trade.pnl_quote).toNumber(),
    fee_quote:
      outcome.fee_quote === null || trade.fee_quote === null
        ? null
        : new Exact(outcome.fee_quote).plus(trade.fee_quote).toNumber(),
    ...addTotals(outcome, trade),
    confidence,
    model_id: model,
    opened_at: Math.min(outcome.opened_at, trade.opened_at),
    last_slice_at: Math.max(outcome.last_slice_at, trade.closed_at),
    closed_at:
      trade.remaining_quantity === 0
        ? Math.max(outcome.closed_at ?? trade.closed_at, trade.closed_at)
        : outcome.closed_at,
    exit_reasons: outcome.exit_reasons.includes(trade.exit_reason)
      ? outcome.exit_reasons
      : [...outcome.exit_reasons, trade.exit_reason],
    excluded_from_calibration: exclusionOf({
      previous: outcome.excluded_from_calibration,
      origin: trade.origin,
      conflicting,
      confidence,
      model,
    }),
  };
}

/** Status and label follow from the rest (CLM-4). */
function concluded(outcome: ClmOutcome): ClmOutcome {
  return outcome.closed_at === null ? outcome : { ...outcome, status: 'FINAL', label: labelOf(outcome.pnl_percent) };
}

/** (exit - entry) / entry for LONG, (entry - exit) / entry for SHORT, in per cent, before fees. */
function moveInFavour(side: Side, entryPrice: number, exitPrice: number): number {
  const move = new Exact(exitPrice).minus(entryPrice).div(entryPrice).times(100);
  return (side === 'LONG' ? move : move.neg()).toNumber();
}

/** Whether both are known and they are not the same. */
function differ<T>(known: T | null, other: T | null): boolean {
  return known !== null && other !== null && known !== other;
}

/** The costs of a trade of which none is known. Its own fee stands apart: a venue gives that with the order. */
export const UNKNOWN_COSTS = {
  fee_asset: null,
  fee_amount: null,
  opening_fee_quote: null,
  opening_fee_asset: null,
  opening_fee_amount: null,
  funding_quote: null,
  pnl_net_quote: null,
  unknown_costs: null,
} as const satisfies Partial<TradeClosed>;

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

/** The totals with one slice more; `outcome` is null for the first. */
function addTotals(outcome: ClmOutcome | null, trade: TradeClosed): Totals {
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

/** CLM-7. */
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

/** CLM-8. */
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

/**
 * Why calibration leaves a position out. The codes are stable: records carry them. Strongest first: a position that has
 * several reasons carries the strongest, so the result does not depend on which slice came first.
 */
const EXCLUSIONS = {
  CONFLICTING_MODEL:
    'The slices disagree on the model or on its confidence at entry; neither is believed and both are null.',
  LIQUIDATION: 'The venue liquidated the position or reduced it (ADL); that says nothing about the decision to exit.',
  EXTERNAL: 'Someone or something else closed part of the position; its result is not that of our exits.',
  NO_CONFIDENCE: 'No confidence at entry is known, so there is nothing to calibrate.',
  NO_MODEL: 'It is not known which model the confidence came from, and a confidence map belongs to one model.',
} as const satisfies Record<string, string>;

type Exclusion = keyof typeof EXCLUSIONS;

const STRONGEST_FIRST = Object.keys(EXCLUSIONS) as readonly Exclusion[];

/** These two follow from the outcome as it stands and go away when a later slice brings the value; the others stay. */
const REVOCABLE: ReadonlySet<string> = new Set(['NO_CONFIDENCE', 'NO_MODEL'] satisfies readonly Exclusion[]);

const BY_ORIGIN: Readonly<Record<Origin, Exclusion | null>> = {
  HARVEST: null,
  BACKFILL: null,
  EXTERNAL: 'EXTERNAL',
  LIQUIDATION: 'LIQUIDATION',
};

interface ExclusionFacts {
  /** What the outcome carried before this slice. */
  readonly previous: string | null;
  readonly origin: Origin;
  readonly conflicting: boolean;
  readonly confidence: number | null;
  readonly model: string | null;
}

/** The strongest reason that holds, or null. A code this version does not know stays: who wrote it knew why. */
function exclusionOf(facts: ExclusionFacts): string | null {
  const { previous } = facts;
  const kept = previous === null || REVOCABLE.has(previous) ? null : previous;
  if (kept !== null && !Object.hasOwn(EXCLUSIONS, kept)) return kept;
  const holds = new Set<string | null>([kept, BY_ORIGIN[facts.origin]]);
  if (facts.conflicting) holds.add('CONFLICTING_MODEL');
  if (facts.confidence === null) holds.add('NO_CONFIDENCE');
  if (facts.model === null) holds.add('NO_MODEL');
  return STRONGEST_FIRST.find((code) => holds.has(code)) ?? null;
}
