import type { ModelId, PositionSnapshot, Side } from '../schemas/generated/records.ts';
import { positionIdOf } from '../schemas/ids.ts';

const HOUR_MS = 60 * 60 * 1000;
const OPENED_AT = 1_770_000_000_000;

export interface SnapshotTraits {
  readonly symbol?: string;
  readonly side?: Side;
  /** R at the mark. */
  readonly r?: number;
  /** Hours since opening. */
  readonly age?: number;
}

/**
 * A valid snapshot: entry 100, risk 2 a contract, at its peak, regime and confidence as at entry, volatility contracting.
 * Everything else as overridden.
 */
export function aSnapshot(
  { symbol = 'BTCUSDT', side = 'LONG', r = 0.5, age = 3 }: SnapshotTraits = {},
  overrides: Partial<PositionSnapshot> = {},
): PositionSnapshot {
  const sign = side === 'LONG' ? 1 : -1;
  const mark = 100 + sign * r * 2;
  return {
    position_id: positionIdOf('desk', symbol, side, OPENED_AT),
    account: 'desk',
    venue: 'paper',
    symbol,
    side,
    observed_at: OPENED_AT + age * HOUR_MS,
    opened_at: OPENED_AT,
    quantity: 10,
    initial_quantity: 10,
    entry_price: 100,
    mark_price: mark,
    peak_price: side === 'LONG' ? Math.max(mark, 100) : Math.min(mark, 100),
    worst_price: side === 'LONG' ? Math.min(mark, 100) : Math.max(mark, 100),
    initial_stop_price: 100 - sign * 2,
    stop_price: null,
    take_profit_price: null,
    resting: [],
    settles_at: null,
    dust: null,
    confidence_at_entry: 0.7,
    confidence: 0.7,
    model_id: 'ensemble-7' as ModelId,
    regime_at_entry: 'TREND_UP',
    regime: 'TREND_UP',
    volatility_gradient: -0.05,
    r_history: [r],
    source: 'test',
    ...overrides,
  };
}
