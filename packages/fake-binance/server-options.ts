import { SystemClock } from '../../connectors/system/system-clock.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Keys } from './signed-request.ts';

export interface BinanceServerOptions {
  readonly clock?: Clock;
  /** 0 picks a free one. */
  readonly port?: number;
  readonly keys?: Keys;
  /** Of made-up candles and of faults by chance. */
  readonly seed?: number;
  /** Whether the account is in hedge mode. */
  readonly hedge?: boolean;
  /** How long a request that is never answered is held before its connection is closed. Unit: milliseconds. */
  readonly holdMs?: number;
  /** After how long a late order is carried out. Unit: milliseconds. */
  readonly delayMs?: number;
  /** What a 429 or 418 that was asked for says. Unit: seconds. */
  readonly retryAfterS?: number;
  /** Allowance of a minute. Unit: weight. */
  readonly weightPerMinute?: number;
  /** Unit: orders. Infinity, which is the default: as many as one likes. */
  readonly ordersPer10Seconds?: number;
  /** Unit: orders. Infinity, which is the default: as many as one likes. */
  readonly ordersPerMinute?: number;
  /** Into how many fills a market order is split, each one tick worse than the one before. */
  readonly fills?: number;
  /** How much worse than the mark the first fill of a market order is. Unit: ticks. */
  readonly slippageTicks?: number;
  readonly commissionAsset?: string;
  /** Unit: quote currency for one of the commission asset. */
  readonly commissionAssetPrice?: string;
  /** Unit: fraction of notional. */
  readonly takerRate?: string;
  /** Unit: fraction of notional. */
  readonly makerRate?: string;
}

export interface Allowances {
  readonly weightPerMinute: number;
  readonly ordersPer10Seconds: number;
  readonly ordersPerMinute: number;
}

/** Binance's own. Unit: weight, orders. */
export const BINANCE_ALLOWANCES: Allowances = { weightPerMinute: 2400, ordersPer10Seconds: 300, ordersPerMinute: 1200 };

export const TEST_KEYS: Keys = { key: 'test-key-0f3b9c5d7e21', secret: 'test-secret-6a1d2f4b8c90e7' };

export function serverOptions(given: BinanceServerOptions): Required<BinanceServerOptions> {
  return {
    clock: new SystemClock(),
    port: 0,
    keys: TEST_KEYS,
    seed: 1,
    hedge: false,
    holdMs: 2000,
    delayMs: 100,
    retryAfterS: 1,
    weightPerMinute: BINANCE_ALLOWANCES.weightPerMinute,
    ordersPer10Seconds: Infinity,
    ordersPerMinute: Infinity,
    fills: 1,
    slippageTicks: 0,
    commissionAsset: 'USDT',
    commissionAssetPrice: '1',
    takerRate: '0.0005',
    makerRate: '0.0002',
    ...given,
  };
}
