import type { RecordByTopic, ShadowAction } from './generated/records.ts';
import { letterIdOf, policyDigestOf } from './ids.ts';
import { TOPICS, type TopicName } from './topics.ts';

/**
 * What a schema cannot say: rules over several fields of one record, checked whenever a record is produced or consumed.
 * A rule runs only when the fields it needs passed their own checks, so that one fault is named once.
 */
export interface RecordRule<R> {
  /** Cited by tests. Never reused. */
  readonly id: string;
  /** The path a violation is reported at. */
  readonly path: string;
  readonly needs: readonly (keyof R & string)[];
  /** Why the record breaks the rule; null when it keeps it. */
  readonly violation: (record: R) => string | null;
}

type RulesByTopic = { readonly [N in TopicName]: readonly RecordRule<RecordByTopic[N]>[] };

/** Sums of points are compared with this tolerance: they are small decimals, so anything larger is a wrong sum. Unit: points. */
const SCORE_TOLERANCE = 1e-9;

/** Differences of prices lose a few last digits in a double. Unit: ratio of the price. */
const PRICE_TOLERANCE = 1e-9;

/** Sums over slices are rounded once for each of them. Unit: ratio of what is added up. */
const SUM_TOLERANCE = 1e-6;

function scoreOf(factors: RecordByTopic['harvest.intent']['factors'], side: 'HOLD' | 'EXIT'): number {
  return factors.reduce((sum, factor) => (factor.side === side ? sum + factor.points : sum), 0);
}

export const RECORD_RULES: RulesByTopic = {
  [TOPICS.modelSignal.name]: [],
  [TOPICS.positionSnapshot.name]: [
    {
      id: 'S1',
      path: 'peak_price',
      needs: ['side', 'peak_price', 'mark_price'],
      violation: ({ side, peak_price, mark_price }) => {
        if (side === 'LONG' && peak_price < mark_price)
          return `must be at least mark_price ${mark_price} for LONG, found ${peak_price}`;
        if (side === 'SHORT' && peak_price > mark_price)
          return `must be at most mark_price ${mark_price} for SHORT, found ${peak_price}`;
        return null;
      },
    },
    {
      id: 'S2',
      path: 'initial_stop_price',
      needs: ['side', 'entry_price', 'initial_stop_price'],
      violation: ({ side, entry_price, initial_stop_price }) => {
        // A producer may leave a nullable field out altogether.
        if (initial_stop_price === null || initial_stop_price === undefined) return null;
        if (side === 'LONG' && initial_stop_price >= entry_price)
          return `must be below entry_price ${entry_price} for LONG, found ${initial_stop_price}`;
        if (side === 'SHORT' && initial_stop_price <= entry_price)
          return `must be above entry_price ${entry_price} for SHORT, found ${initial_stop_price}`;
        return null;
      },
    },
    {
      id: 'S4',
      path: 'worst_price',
      needs: ['side', 'worst_price', 'mark_price'],
      violation: ({ side, worst_price, mark_price }) => {
        if (worst_price === null || worst_price === undefined) return null;
        if (side === 'LONG' && worst_price > mark_price)
          return `must be at most mark_price ${mark_price} for LONG, found ${worst_price}`;
        if (side === 'SHORT' && worst_price < mark_price)
          return `must be at least mark_price ${mark_price} for SHORT, found ${worst_price}`;
        return null;
      },
    },
    {
      id: 'S3',
      path: 'opened_at',
      needs: ['opened_at', 'observed_at'],
      violation: ({ opened_at, observed_at }) =>
        opened_at > observed_at ? `must not be after observed_at ${observed_at}, found ${opened_at}` : null,
    },
  ],
  [TOPICS.harvestIntent.name]: [
    {
      id: 'H1',
      path: 'fraction',
      needs: ['action', 'fraction'],
      violation: ({ action, fraction }) =>
        action === 'CLOSE' && fraction !== 1 ? `must be 1 for CLOSE, found ${fraction}` : null,
    },
    {
      id: 'H2',
      path: 'hold_score',
      needs: ['factors', 'hold_score'],
      violation: ({ factors, hold_score }) => {
        const sum = scoreOf(factors, 'HOLD');
        return Math.abs(sum - hold_score) > SCORE_TOLERANCE
          ? `must be the sum of the HOLD factors ${sum}, found ${hold_score}`
          : null;
      },
    },
    {
      id: 'H3',
      path: 'exit_score',
      needs: ['factors', 'exit_score'],
      violation: ({ factors, exit_score }) => {
        const sum = scoreOf(factors, 'EXIT');
        return Math.abs(sum - exit_score) > SCORE_TOLERANCE
          ? `must be the sum of the EXIT factors ${sum}, found ${exit_score}`
          : null;
      },
    },
    {
      id: 'H4',
      path: 'opened_at',
      needs: ['opened_at', 'observed_at'],
      violation: ({ opened_at, observed_at }) =>
        opened_at > observed_at ? `must not be after observed_at ${observed_at}, found ${opened_at}` : null,
    },
  ],
  [TOPICS.executionReport.name]: [
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
        status === 'FILLED' && (average_price === null || average_price === undefined)
          ? 'must be given for FILLED'
          : null,
    },
    {
      id: 'X4',
      path: 'submitted_at',
      needs: ['status', 'submitted_at'],
      violation: ({ status, submitted_at }) => {
        const given = submitted_at !== null && submitted_at !== undefined;
        if (status === 'SUPPRESSED') return given ? 'must be null for SUPPRESSED: nothing was sent' : null;
        return given ? null : `must be given for ${status}`;
      },
    },
  ],
  [TOPICS.tradeClosed.name]: [
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
        origin === 'HARVEST' && (intent_id === null || intent_id === undefined)
          ? 'must be given for origin HARVEST'
          : null,
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
  ],
  [TOPICS.clmOutcome.name]: [
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
        const given = label !== null && label !== undefined;
        if (status === 'FINAL') return given ? null : 'must be given for FINAL';
        return given ? 'must be null while ACCUMULATING' : null;
      },
    },
    {
      id: 'C2',
      path: 'closed_at',
      needs: ['status', 'closed_at'],
      violation: ({ status, closed_at }) => {
        const given = closed_at !== null && closed_at !== undefined;
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
  ],
  [TOPICS.confidenceCalibration.name]: [
    {
      id: 'K1',
      path: 'map',
      needs: ['map'],
      violation: ({ map: { x, y } }) => {
        if (x.length === 0 || x.length !== y.length)
          return `must have as many y as x and at least one, found ${x.length} x and ${y.length} y`;
        const at = x.findIndex((value, index) => index > 0 && value <= (x[index - 1] ?? -Infinity));
        return at === -1 ? null : `x must ascend strictly, found x[${at}] ${x[at]} after ${x[at - 1]}`;
      },
    },
    {
      id: 'K2',
      path: 'decided_by',
      needs: ['status', 'decided_by', 'reason'],
      violation: ({ status, decided_by, reason }) =>
        status === 'PROPOSED' || (isGiven(decided_by) && isGiven(reason))
          ? null
          : `must be given for ${status}, with a reason`,
    },
    {
      id: 'K3',
      path: 'overridden',
      needs: ['status', 'overridden', 'broken_bounds'],
      violation: ({ status, overridden, broken_bounds }) => {
        const missing = broken_bounds.filter((name) => !overridden.includes(name));
        return status === 'APPROVED' && missing.length > 0
          ? `must name every bound that does not hold, ${missing.join(', ')} is missing`
          : null;
      },
    },
    {
      id: 'K4',
      path: 'restores',
      needs: ['status', 'restores'],
      violation: ({ status, restores }) =>
        status !== 'ROLLED_BACK' && isGiven(restores) ? `must be null for ${status}` : null,
    },
  ],
  [TOPICS.positionReconciled.name]: [
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
  ],
  [TOPICS.deskControl.name]: [],
  [TOPICS.deskClaim.name]: [
    {
      id: 'DC1',
      path: 'reason',
      needs: ['state', 'reason'],
      violation: ({ state, reason }) => (state === 'RETIRED' && !isGiven(reason) ? 'must be given for RETIRED' : null),
    },
    {
      id: 'DC2',
      path: 'standing',
      needs: ['standing', 'by_default'],
      violation: ({ standing, by_default }) =>
        standing && by_default ? 'must be false where by_default is true' : null,
    },
  ],
  [TOPICS.deskProcess.name]: [],
  [TOPICS.letterDiscarded.name]: [
    {
      id: 'LD1',
      path: 'letter_id',
      needs: ['letter_id', 'topic', 'partition', 'offset'],
      violation: ({ letter_id, topic, partition, offset }) => {
        const id = letterIdOf({ topic, partition, offset });
        return letter_id === id ? null : `must be ${id}, found ${letter_id}`;
      },
    },
  ],
  [TOPICS.shadowDecision.name]: [
    {
      id: 'D1',
      path: 'fraction',
      needs: ['action', 'fraction'],
      violation: ({ action, fraction }) => fractionViolation(action, fraction),
    },
    {
      id: 'D2',
      path: 'current_fraction',
      needs: ['current_action', 'current_fraction'],
      violation: ({ current_action, current_fraction }) => fractionViolation(current_action, current_fraction),
    },
    {
      id: 'D3',
      path: 'policy',
      needs: ['policy', 'against'],
      violation: ({ policy, against }) => (policy === against ? `must not be the policy in force, ${against}` : null),
    },
    {
      id: 'D4',
      path: 'action',
      needs: ['action', 'current_action'],
      violation: ({ action, current_action }) =>
        action === 'HOLD' && current_action === 'HOLD' ? 'must not be HOLD where current_action is HOLD, too' : null,
    },
  ],
  [TOPICS.policyApplied.name]: [
    {
      id: 'PA1',
      path: 'policy_digest',
      needs: ['policy_json', 'policy_digest'],
      violation: ({ policy_json, policy_digest }) => {
        const digest = policyDigestOf(policy_json);
        return digest === policy_digest
          ? null
          : `must be the SHA-256 of policy_json, ${digest}, found ${policy_digest}`;
      },
    },
    {
      id: 'PA2',
      path: 'policy_json',
      needs: ['policy_json', 'policy'],
      violation: ({ policy_json, policy }) => {
        const id = idIn(policy_json);
        return id === policy ? null : `must be the JSON of policy ${policy}, found ${id ?? 'none'}`;
      },
    },
    {
      id: 'PA3',
      path: 'scope',
      needs: ['scope', 'input'],
      violation: ({ scope, input }) => {
        const expected = `${input.topic}/${input.partition}`;
        return scope === expected ? null : `must be that of input, ${expected}, found ${scope}`;
      },
    },
    {
      id: 'PA4',
      path: 'calibrations',
      needs: ['calibrations'],
      violation: ({ calibrations }) => {
        const at = calibrations.findIndex(
          ({ model_id }, index) => index > 0 && model_id <= (calibrations[index - 1]?.model_id ?? ''),
        );
        return at === -1 ? null : `must ascend by model_id, each once, found ${calibrations[at]?.model_id} at ${at}`;
      },
    },
  ],
};

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
  if (net === null || net === undefined) return null;
  const costs = [fee, opening, funding].flatMap((cost) => (cost === null || cost === undefined ? [] : [cost]));
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
  if (!isNumber(r) || !isNumber(net) || !isNumber(risk)) return null;
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
  return isNumber(mae) && isNumber(mfe) && mae > mfe ? `must not be above mfe_r ${mfe}, found ${mae}` : null;
}

function isNumber(value: number | null | undefined): value is number {
  return value !== null && value !== undefined;
}

/** The id that a policy's JSON text says; null where it says none. */
function idIn(policyJson: string): string | null {
  let policy: unknown;
  try {
    policy = JSON.parse(policyJson);
  } catch {
    return null;
  }
  if (typeof policy !== 'object' || policy === null || !('id' in policy)) return null;
  return typeof policy.id === 'string' ? policy.id : null;
}

function fractionViolation(action: ShadowAction, fraction: number): string | null {
  if (action === 'CLOSE') return fraction === 1 ? null : `must be 1 for CLOSE, found ${fraction}`;
  if (action === 'HOLD') return fraction === 0 ? null : `must be 0 for HOLD, found ${fraction}`;
  return fraction > 0 ? null : `must be above 0 for ${action}, found ${fraction}`;
}

/** A producer may leave a nullable field out altogether. */
function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined;
}
