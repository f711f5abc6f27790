import { type Decision, evaluate } from '../pipelines/scoring/evaluate.ts';
import { BUILT_IN_POLICIES } from '../pipelines/scoring/policy.ts';
import type { ModelId, PositionSnapshot } from '../schemas/generated/records.ts';
import { positionIdOf } from '../schemas/ids.ts';

const HOUR_MS = 60 * 60 * 1000;
const OPENED_AT = 1_770_000_000_000;

/** Positions of the deployment that closed nothing for 40 hours, with R and age as its report has them. */
const POSITIONS = [
  { symbol: 'COLLECT', r: 10.16, age: 3 },
  { symbol: 'AIO', r: 5.33, age: 3 },
  { symbol: 'FHE', r: 3.37, age: 7 },
  { symbol: 'BERA', r: -0.08, age: 7 },
  { symbol: 'STABLE', r: 1.57, age: 7 },
  { symbol: 'LA', r: 5.77, age: 3 },
] as const;

/** One position under both built-in policies. */
export interface DeploymentRow {
  readonly symbol: string;
  readonly r: number;
  /** Unit: hours. */
  readonly age: number;
  readonly before: Decision;
  readonly after: Decision;
}

/** The table as the program decides it now. */
export function deploymentTable(): readonly DeploymentRow[] {
  const [legacy, current] = [BUILT_IN_POLICIES.get('legacy'), BUILT_IN_POLICIES.get('2026-02-07')];
  if (legacy === undefined || current === undefined) throw new Error('the guide needs both built-in policies');
  return POSITIONS.map((position) => {
    const snapshot = snapshotOf(position);
    return { ...position, before: evaluate(snapshot, legacy), after: evaluate(snapshot, current) };
  });
}

/** Regime and confidence as at entry, near the peak, volatility contracting; entry 100, risk 2 a contract. */
function snapshotOf({ symbol, r, age }: (typeof POSITIONS)[number]): PositionSnapshot {
  const mark = 100 + r * 2;
  return {
    position_id: positionIdOf('desk', symbol, 'LONG', OPENED_AT),
    account: 'desk',
    venue: 'paper',
    symbol,
    side: 'LONG',
    observed_at: OPENED_AT + age * HOUR_MS,
    opened_at: OPENED_AT,
    quantity: 10,
    initial_quantity: 10,
    entry_price: 100,
    mark_price: mark,
    peak_price: Math.max(mark, 100),
    worst_price: Math.min(mark, 100),
    initial_stop_price: 98,
    stop_price: null,
    take_profit_price: null,
    resting: [],
    settles_at: null,
    dust: null,
    confidence_at_entry: 0.7,
    confidence: 0.7,
    model_id: 'ensemble-7' as ModelId,
    regime_at_entry: 'trend',
    regime: 'trend',
    volatility_gradient: -0.05,
    r_history: [r],
    source: 'deployment report',
  };
}
