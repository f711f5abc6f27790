import type { BoardPosition } from '../../ports/board.ts';

/** A position as a line of `positions --json`: `cooldown_until` is null where a partial close is not held back. */
export function positionLine(position: BoardPosition): string {
  const { position_id, account, venue, symbol, side, quantity, entry_price, mark_price, r, age_minutes } = position;
  const { confidence, calibrated_confidence, regime, action, reason, hold_score, exit_score, policy } = position;
  const { last_snapshot_at, cooldown_until } = position;
  return JSON.stringify({
    position_id,
    account,
    venue,
    symbol,
    side,
    quantity,
    entry_price,
    mark_price,
    r,
    age_minutes,
    confidence,
    calibrated_confidence,
    regime,
    action,
    reason,
    hold_score,
    exit_score,
    policy,
    last_snapshot_at,
    cooldown_until,
  });
}
