import type { AccountWatermarks } from '../watch/account-watermarks.ts';
import type {
  EpochMillis,
  ExecutionReport,
  PositionSnapshot,
  ReportedResting,
} from '../../schemas/generated/records.ts';

/** Orders that still rested for a position when the desk had closed it. */
export interface LeftResting {
  readonly account: string;
  readonly symbol: string;
  readonly position_id: string;
  readonly since: EpochMillis;
  readonly orders: readonly ReportedResting[];
}

/** What is open and too small for any order. */
export interface Dust {
  readonly account: string;
  readonly symbol: string;
  readonly position_id: string;
  /** Unit: contracts. */
  readonly quantity: number;
  readonly observed_at: EpochMillis;
}

/** Dust is no longer shown when its position has not been observed for so long. Unit: milliseconds. */
const OBSERVED_MS = 60 * 60 * 1000;

/** What stays at a venue after the desk has closed what it could: orders that rest, and dust. By the latest record of each. */
export class LeftBehind {
  readonly #resting = new Map<string, LeftResting>();
  readonly #dust = new Map<string, Dust>();

  report({ account, symbol, position_id, reported_at, resting }: ExecutionReport): void {
    if (resting === null) return;
    const orders = resting.filter(({ fate }) => fate === 'LEFT' || fate === 'NOT_CANCELLED');
    const key = JSON.stringify([account, symbol]);
    if (orders.length === 0) this.#resting.delete(key);
    else this.#resting.set(key, { account, symbol, position_id, since: reported_at, orders });
  }

  snapshot({ account, symbol, position_id, quantity, observed_at, dust }: PositionSnapshot): void {
    if (dust === true) this.#dust.set(position_id, { account, symbol, position_id, quantity, observed_at });
    else if (this.#dust.size > 0) this.#dust.delete(position_id);
  }

  get resting(): readonly LeftResting[] {
    return [...this.#resting.values()];
  }

  dust(watermarks: AccountWatermarks): readonly Dust[] {
    return [...this.#dust.values()].filter(
      ({ account, observed_at }) => watermarks.of(account) - observed_at < OBSERVED_MS,
    );
  }
}
