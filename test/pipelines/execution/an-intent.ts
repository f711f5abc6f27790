import type { HarvestIntent, Side } from '../../../schemas/generated/records.ts';
import { intentIdOf, positionIdOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../schemas/good-records.ts';

export const OPENED_AT = 1_770_000_000_000;
export const MINUTE_MS = 60_000;

export interface IntentTraits {
  readonly symbol?: string;
  readonly side?: Side;
  /** Below 1 is a PARTIAL_CLOSE, 1 a CLOSE. */
  readonly fraction?: number;
  readonly quantity?: number;
  readonly entry?: number;
  readonly mark?: number;
  readonly stop?: number | null;
  /** Minutes from opening to observation. */
  readonly minute?: number;
}

/** A good intent with these traits; everything else is as in the good record. */
export function anIntent(traits: IntentTraits = {}): HarvestIntent {
  const { symbol = 'AIOUSDT', side = 'LONG', fraction = 0.5, quantity = 1000, entry = 100, mark = 107 } = traits;
  const positionId = positionIdOf('desk-1', symbol, side, OPENED_AT);
  const observedAt = OPENED_AT + (traits.minute ?? 60) * MINUTE_MS;
  return {
    ...GOOD_RECORDS[TOPICS.harvestIntent.name],
    intent_id: intentIdOf(positionId, observedAt),
    position_id: positionId,
    symbol,
    side,
    action: fraction === 1 ? 'CLOSE' : 'PARTIAL_CLOSE',
    fraction,
    quantity,
    entry_price: entry,
    mark_price: mark,
    initial_stop_price: traits.stop === undefined ? (side === 'LONG' ? entry * 0.98 : entry * 1.02) : traits.stop,
    opened_at: OPENED_AT,
    observed_at: observedAt,
  };
}
