import { BINANCE } from '../../../connectors/exchange/ccxt/venues/binance.ts';
import type { VenueSettings } from '../../../connectors/exchange/ccxt/venue-settings.ts';
import type { ExecutionLimits } from '../../../pipelines/execution/limits.ts';
import { DEFAULT_TERMS } from '../../../pipelines/execution/order-plan.ts';
import type { OrderStyle } from '../../../schemas/generated/records.ts';
import { type BinanceServerOptions, TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';
import { FAULT_NAMES, type Fault } from '../../../packages/fake-binance/faults.ts';

/**
 * As a desk has them, but for the waits between two orders of one position: intents come much faster here, and an order that rests is given
 * up sooner.
 */
export function limitsFor(style: OrderStyle): Partial<ExecutionLimits> {
  const order = { ...DEFAULT_TERMS, style, slices: 3, postOnlyMs: 3000 };
  return { cooldownMs: 0, refusedWaitMs: 20, longestRefusedWaitMs: 500, order };
}

/** A time-out of an exchange in trouble costs a position so much. Unit: milliseconds. */
const TIMEOUT_MS = 2000;

/** A server that has room for any number of requests, and holds what it never answers for longer than a client waits. */
export const SERVER: BinanceServerOptions = { weightPerMinute: 1e12, holdMs: 2 * TIMEOUT_MS, retryAfterS: 0.1 };

/**
 * Between processes whose time is sped up a busy machine is slow: a client waits for long, and what is never answered is cut off before. Unit:
 * milliseconds.
 */
export const SPED_UP = { timeoutMs: 20_000, holdMs: 1000 };

/** ccxt's client for a local server, without the pace that a real exchange needs. */
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

/** How often an order meets some fault. */
const OFTEN = 0.25;

/** Everything that can go wrong, each as likely as the others; nobody can answer for a few. */
export const ALL_FAULTS: Readonly<Partial<Record<Fault, number>>> = Object.fromEntries(
  FAULT_NAMES.map((fault) => [fault, OFTEN / FAULT_NAMES.length]),
);
