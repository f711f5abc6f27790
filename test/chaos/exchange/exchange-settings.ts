import { BINANCE } from '../../../connectors/exchange/ccxt/venues/binance.ts';
import type { VenueSettings } from '../../../connectors/exchange/ccxt/venue-settings.ts';
import type { Clock } from '../../../ports/clock.ts';
import { retryTransient } from '../../../ports/retry.ts';
import type { ExecutionLimits } from '../../../pipelines/execution/limits.ts';
import { DEFAULT_TERMS } from '../../../pipelines/execution/order-plan.ts';
import type { OrderStyle } from '../../../schemas/generated/records.ts';
import { type BinanceServerOptions, TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';
import { FAULT_NAMES, type Fault } from '../../../packages/fake-binance/faults.ts';

/** Ordinary limits, except that there is hardly a wait between two orders of a position, and a resting order is cancelled sooner. */
export function limitsFor(style: OrderStyle): Partial<ExecutionLimits> {
  const order = { ...DEFAULT_TERMS, style, slices: 3, postOnlyMs: 3000 };
  return { cooldownMs: 0, refusedWaitMs: 20, longestRefusedWaitMs: 500, order };
}

/** The client's time-out. Unit: milliseconds. */
const TIMEOUT_MS = 2000;

/** A server without rate limits, which holds unanswered requests for longer than the client's time-out. */
export const SERVER: BinanceServerOptions = { weightPerMinute: 1e12, holdMs: 2 * TIMEOUT_MS, retryAfterS: 0.1 };

/**
 * For processes with a sped-up clock, to which a busy machine seems slow: a long time-out, and unanswered requests are cut off before it. Unit:
 * milliseconds.
 */
export const SPED_UP = { timeoutMs: 20_000, holdMs: 1000 };

/** Settings of ccxt's client for a local server, which needs no pacing. */
export function settingsFor(url: string, timeoutMs = TIMEOUT_MS): VenueSettings {
  return {
    id: 'binanceusdm',
    stake: 'demo',
    credentials: { ...TEST_KEYS, passphrase: null },
    url,
    traits: BINANCE,
    ccxt: { timeout: timeoutMs, rateLimit: 0.01 },
  };
}

/** The probability that an order meets a fault. */
const PROBABILITY = 0.25;

/** All faults, each with the same probability. */
export const ALL_FAULTS: Readonly<Partial<Record<Fault, number>>> = Object.fromEntries(
  FAULT_NAMES.map((fault) => [fault, PROBABILITY / FAULT_NAMES.length]),
);

/** Repeats transient errors as the runtime does, but after short waits. */
export function retried<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  return retryTransient({ clock, firstMs: RETRY_MS, longestMs: RETRY_MS, onWait: () => {} }, work);
}

/** Unit: milliseconds. */
const RETRY_MS = 50;
