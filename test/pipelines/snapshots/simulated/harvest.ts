import type { PositionSnapshot } from '../../../../schemas/generated/records.ts';
import type { MemoryBook } from './memory-book.ts';

/** Time between partial closes. Unit: milliseconds. */
const COOLDOWN_MS = 45 * 60 * 1000;

/**
 * A plain exit policy on a book, so that positions turn over: closes when the regime changed, confidence fell or R is large,
 * otherwise takes 60 % every three quarters of an hour when volatility contracts. A function of the snapshots alone.
 */
export function harvest(book: MemoryBook, snapshots: readonly PositionSnapshot[]): void {
  for (const snapshot of snapshots) {
    const { position_id, regime, regime_at_entry, confidence, confidence_at_entry, mark_price } = snapshot;
    const r = snapshot.r_history.at(-1) ?? 0;
    const degraded = (confidence ?? 1) < (confidence_at_entry ?? 0) - 0.15;
    if (regime !== regime_at_entry || degraded || r > 8) book.reduce(position_id, 1, mark_price);
    else if ((snapshot.volatility_gradient ?? 0) <= 0.1 && isDue(snapshot)) book.reduce(position_id, 0.6, mark_price);
  }
}

function isDue({ observed_at, opened_at }: PositionSnapshot): boolean {
  return observed_at > opened_at && (observed_at - opened_at) % COOLDOWN_MS === 0;
}
