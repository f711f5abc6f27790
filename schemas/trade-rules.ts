/**
 * The rules over several fields of what became of a decision: execution.report, trade.closed, position.reconciled and clm.outcome.
 */
import { type RecordRule, isGiven } from './check-record.ts';
import type { ClmOutcome, ExecutionReport, PositionReconciled, TradeClosed } from './generated/records.ts';

/** Differences of prices lose a few last digits in a double. Unit: ratio of the price. */
const PRICE_TOLERANCE = 1e-9;

/** Sums over slices are rounded once for each of them. Unit: ratio of what is added up. */
const SUM_TOLERANCE = 1e-6;

export const REPORT_RULES: readonly RecordRule<ExecutionReport>[] = [
  {
    id: 'X1',
    path: 'filled_quantity',
    needs: ['filled_quantity', 'rounded_quantity'],
    violation: ({ filled_quantity, rounded_quantity }) =>
      filled_quantity > rounded_quantity
        ? `must not be above rounded_quantity ${rounded_quantity}, found ${filled_quantity}`
        : null,
  },
  {
    id: 'X2',
    path: 'filled_quantity',
    needs: ['status', 'filled_quantity'],
    violation: ({ status, filled_quantity }) => {
      if (status === 'FILLED')
        return filled_quantity > 0 ? null : `must be above 0 for FILLED, found ${filled_quantity}`;
      return filled_quantity === 0 ? null : `must be 0 for ${status}, found ${filled_quantity}`;
    },
  },
  {
    id: 'X3',
    path: 'average_price',
    needs: ['status', 'average_price'],
    violation: ({ status, average_price }) =>
      status === 'FILLED' && !isGiven(average_price) ? 'must be given for FILLED' : null,
  },
  {
    id: 'X4',
    path: 'submitted_at',
    needs: ['status', 'submitted_at'],
    violation: ({ status, submitted_at }) => {
      const given = isGiven(submitted_at);
      if (status === 'SUPPRESSED') return given ? 'must be null for SUPPRESSED: nothing was sent' : null;
      return given ? null : `must be given for ${status}`;
    },
  },
];

export const TRADE_RULES: readonly RecordRule<TradeClosed>[] = [
  {
    id: 'T1',
    path: 'closed_at',
    needs: ['opened_at', 'closed_at'],
    violation: ({ opened_at, closed_at }) =>
      closed_at < opened_at ? `must not be before opened_at ${opened_at}, found ${closed_at}` : null,
  },
  {
    id: 'T2',
    path: 'intent_id',
    needs: ['origin', 'intent_id'],
    violation: ({ origin, intent_id }) =>
      origin === 'HARVEST' && !isGiven(intent_id) ? 'must be given for origin HARVEST' : null,
  },
  {
    id: 'T3',
    path: 'pnl_quote',
    needs: ['side', 'entry_price', 'exit_price', 'quantity', 'pnl_quote', 'origin'],
    violation: ({ side, entry_price, exit_price, quantity, pnl_quote, origin }) => {
      // A backfilled row keeps what was recorded then, even where it contradicts itself.
      if (origin === 'BACKFILL') return null;
      const expected = (exit_price - entry_price) * quantity * (side === 'LONG' ? 1 : -1);
      const tolerance = PRICE_TOLERANCE * quantity * Math.max(entry_price, exit_price);
      return Math.abs(expected - pnl_quote) > tolerance
        ? `must be the price move times quantity, ${expected}, found ${pnl_quote}`
        : null;
    },
  },
  {
    id: 'T4',
    path: 'pnl_percent',
    needs: ['side', 'entry_price', 'exit_price', 'pnl_percent', 'origin'],
    violation: ({ side, entry_price, exit_price, pnl_percent, origin }) => {
      if (origin === 'BACKFILL') return null;
      const expected = ((exit_price - entry_price) / entry_price) * 100 * (side === 'LONG' ? 1 : -1);
      const tolerance = PRICE_TOLERANCE * 100 * Math.max(1, exit_price / entry_price);
      return Math.abs(expected - pnl_percent) > tolerance
        ? `must be the price move in per cent of entry_price, ${expected}, found ${pnl_percent}`
        : null;
    },
  },
  {
    id: 'T5',
    path: 'pnl_net_quote',
    needs: ['pnl_quote', 'fee_quote', 'opening_fee_quote', 'funding_quote', 'pnl_net_quote'],
    violation: netViolation,
  },
  {
    id: 'T6',
    path: 'r_net',
    needs: ['pnl_net_quote', 'risk_quote', 'r_net'],
    violation: ({ pnl_net_quote, risk_quote, r_net }) => ratioViolation(r_net, pnl_net_quote, risk_quote),
  },
  {
    id: 'T7',
    path: 'fee_amount',
    needs: ['fee_asset', 'fee_amount', 'opening_fee_asset', 'opening_fee_amount'],
    violation: (record) =>
      (isGiven(record.fee_amount) && !isGiven(record.fee_asset)) ||
      (isGiven(record.opening_fee_amount) && !isGiven(record.opening_fee_asset))
        ? 'must name its asset'
        : null,
  },
  {
    id: 'T8',
    path: 'mae_r',
    needs: ['mae_r', 'mfe_r'],
    violation: excursionViolation,
  },
];

export const RECONCILED_RULES: readonly RecordRule<PositionReconciled>[] = [
  {
    id: 'R1',
    path: 'reductions',
    needs: ['reductions'],
    violation: ({ reductions }) => {
      const early = reductions.find(({ closed_at, opened_at }) => closed_at < opened_at);
      if (early !== undefined) return `must not close before they opened, found fill ${early.fill_id}`;
      const fills = new Set(reductions.map(({ fill_id, position_id }) => `${position_id} ${fill_id}`));
      return fills.size === reductions.length ? null : 'must name each fill of a position once';
    },
  },
];

export const OUTCOME_RULES: readonly RecordRule<ClmOutcome>[] = [
  {
    id: 'C4',
    path: 'pnl_net_quote',
    needs: ['pnl_quote', 'fee_quote', 'opening_fee_quote', 'funding_quote', 'pnl_net_quote'],
    violation: netViolation,
  },
  {
    id: 'C5',
    path: 'r_net',
    needs: ['pnl_net_quote', 'initial_risk_quote', 'r_net'],
    violation: ({ pnl_net_quote, initial_risk_quote, r_net }) =>
      isGiven(r_net) && !(isGiven(pnl_net_quote) && isGiven(initial_risk_quote))
        ? 'must be null where pnl_net_quote or initial_risk_quote is'
        : ratioViolation(r_net, pnl_net_quote, initial_risk_quote),
  },
  {
    id: 'C6',
    path: 'mae_r',
    needs: ['mae_r', 'mfe_r'],
    violation: excursionViolation,
  },
  {
    id: 'C1',
    path: 'label',
    needs: ['status', 'label'],
    violation: ({ status, label }) => {
      const given = isGiven(label);
      if (status === 'FINAL') return given ? null : 'must be given for FINAL';
      return given ? 'must be null while ACCUMULATING' : null;
    },
  },
  {
    id: 'C2',
    path: 'closed_at',
    needs: ['status', 'closed_at'],
    violation: ({ status, closed_at }) => {
      const given = isGiven(closed_at);
      if (status === 'FINAL') return given ? null : 'must be given for FINAL';
      return given ? 'must be null while ACCUMULATING' : null;
    },
  },
  {
    id: 'C3',
    path: 'slices',
    needs: ['slices'],
    violation: ({ slices }) => {
      if (slices.length === 0) return 'must name at least one trade';
      return new Set(slices).size === slices.length ? null : 'must name each trade once';
    },
  },
];

interface Netted {
  readonly pnl_quote: number;
  readonly fee_quote?: number | null;
  readonly opening_fee_quote?: number | null;
  readonly funding_quote?: number | null;
  readonly pnl_net_quote?: number | null;
}

/** Profit less fees of both legs and funding; not given where one of them is not. */
function netViolation(record: Netted): string | null {
  const {
    pnl_quote: pnl,
    fee_quote: fee,
    opening_fee_quote: opening,
    funding_quote: funding,
    pnl_net_quote: net,
  } = record;
  if (!isGiven(net)) return null;
  const costs = [fee, opening, funding].filter((cost) => isGiven(cost));
  if (costs.length < 3) return 'must be null where fee_quote, opening_fee_quote or funding_quote is';
  const expected = costs.reduce((left, cost) => left - cost, pnl);
  const tolerance = SUM_TOLERANCE * [pnl, ...costs].reduce((sum, part) => sum + Math.abs(part), 0);
  return Math.abs(expected - net) > tolerance
    ? `must be pnl_quote less the fees and funding, ${expected}, found ${net}`
    : null;
}

/** R is the net profit over the risk, where a record gives both. */
function ratioViolation(
  r: number | null | undefined,
  net: number | null | undefined,
  risk: number | null | undefined,
): string | null {
  if (!isGiven(r) || !isGiven(net) || !isGiven(risk)) return null;
  const expected = net / risk;
  return Math.abs(expected - r) > SUM_TOLERANCE * Math.max(1, Math.abs(expected))
    ? `must be pnl_net_quote over the initial risk, ${expected}, found ${r}`
    : null;
}

function excursionViolation({
  mae_r: mae,
  mfe_r: mfe,
}: {
  readonly mae_r?: number | null;
  readonly mfe_r?: number | null;
}): string | null {
  return isGiven(mae) && isGiven(mfe) && mae > mfe ? `must not be above mfe_r ${mfe}, found ${mae}` : null;
}
