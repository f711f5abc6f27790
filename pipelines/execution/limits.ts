import { DEFAULT_TERMS, type OrderTerms } from './order-plan.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** What execution allows itself, as data. */
export interface ExecutionLimits {
  /** An intent whose position was observed longer ago is not acted on. Unit: milliseconds. */
  readonly maxIntentAgeMs: number;
  /** Between the observations that two partial closes of one position rest on. Unit: milliseconds. */
  readonly cooldownMs: number;
  /** The waits between look-ups of an order in doubt; when the last is over the doubt stands. Unit: milliseconds. */
  readonly settleWaitsMs: readonly number[];
  /** No order is worth more at the venue's mark price: it is cut, and later intents take the rest. Null: no bound. Unit: quote currency. */
  readonly maxOrderNotional: number | null;
  /** How many times the venue's mark price may be that of the snapshot, or the other way round. */
  readonly maxMarkRatio: number;
  /** Orders announced in any minute, by all partitions of the process. Null: any number. */
  readonly maxClosesPerMinute: number | null;
  /**
   * After an order that the venue refused, until the next of its position: doubled with each further refusal in a row, up to the longest.
   * Unit: milliseconds.
   */
  readonly refusedWaitMs: number;
  readonly longestRefusedWaitMs: number;
  /**
   * Accounts and symbols that are worked at the same time, by all partitions of the process: with more the venue's allowance is used up by
   * questions, and orders grow old in its queue.
   */
  readonly maxAtOnce: number;
  /** The only markets that are touched. Null: all. */
  readonly symbols: ReadonlySet<string> | null;
  readonly order: OrderTerms;
  /** What rests of a position that was closed is left where it is, and reported; false: it is cancelled. */
  readonly leaveResting: boolean;
  /** Only intents that name the venue itself are obeyed. False: of any, as the paper venue stands in for others. */
  readonly ownVenueOnly: boolean;
}

export const DEFAULT_LIMITS: ExecutionLimits = {
  // A backlog of an hour must not trade at prices of an hour ago; a few snapshot cycles may be missed.
  maxIntentAgeMs: 5 * MINUTE_MS,
  // The policy goes on recommending the same fraction until prices move: without a pause 75 % a cycle is a full close.
  cooldownMs: 30 * MINUTE_MS,
  // About 10 s, twice Binance's default recvWindow: a request that is older is refused there, so an order that is absent
  // by then never comes. The first waits match the usual time of a fill.
  settleWaitsMs: [50, 100, 200, 400, 800, 1600, 2000, 2000, 2850],
  // Within the five minutes that an intent may be old no market halves or doubles without a newer snapshot that tells it; a price of
  // another scale, currency or contract is off by far more.
  maxMarkRatio: 2,
  // Bounds are a desk's own; without one nothing is bounded that reduces risk anyway.
  maxOrderNotional: null,
  maxClosesPerMinute: null,
  // A refusal that passes by itself (rules that changed) costs a cycle at most; one that lasts costs four orders an hour.
  refusedWaitMs: 5 * SECOND_MS,
  longestRefusedWaitMs: 15 * MINUTE_MS,
  // The paper venue has no allowance: as many as keep an order's usual 0.2 s from being what bounds a backlog.
  maxAtOnce: 64,
  symbols: null,
  order: DEFAULT_TERMS,
  // A stop that outlives its position closes, or is taken for the stop of, the next one.
  leaveResting: false,
  ownVenueOnly: false,
};
