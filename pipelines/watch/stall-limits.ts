/** The alerts of a chain that has come to a halt somewhere while every part of it seems to work. */
export const STALL_ALERTS = [
  'winner_held',
  'no_intents',
  'intents_without_reports',
  'reports_without_trades',
  'trades_without_outcomes',
  'confidence_constant',
] as const;

export type StallAlertName = (typeof STALL_ALERTS)[number];

export interface StallLimit {
  readonly value: number;
  readonly unit: 'R' | 'milliseconds' | 'confidences' | 'symbols' | 'positions' | 'ids';
  readonly reason: string;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Every threshold of the stall alerts. Times are event time. */
export const STALL_LIMITS = {
  winnerAboveR: { value: 2, unit: 'R', reason: 'the lowest profit rung of the current policy' },
  heldFor: {
    value: 2 * HOUR_MS,
    unit: 'milliseconds',
    reason: 'some twenty observations in a row that change nothing, and far below the 40 hours that once went unseen',
  },
  openFor: {
    value: HOUR_MS,
    unit: 'milliseconds',
    reason: 'a position is observed every few minutes: one that is not for an hour is no longer open',
  },
  reportWithin: {
    value: 5 * MINUTE_MS,
    unit: 'milliseconds',
    reason: 'longer than an order in doubt takes to be settled, and no longer than intents stay fresh',
  },
  tradeWithin: { value: MINUTE_MS, unit: 'milliseconds', reason: 'a fill and its trade are written in one step' },
  outcomeWithin: { value: 5 * MINUTE_MS, unit: 'milliseconds', reason: 'CLM waits for nothing but its turn' },
  confidenceWindow: { value: HOUR_MS, unit: 'milliseconds', reason: 'models speak anew with every candle' },
  confidences: { value: 20, unit: 'confidences', reason: 'a model that says the same twenty times has not looked' },
  confidenceSymbols: { value: 3, unit: 'symbols', reason: 'two quiet markets may agree by chance' },
  keptFor: {
    value: 48 * HOUR_MS,
    unit: 'milliseconds',
    reason: 'longer than any hold worth telling apart; what is older is counted, not kept',
  },
  crossing: {
    value: HOUR_MS,
    unit: 'milliseconds',
    reason: 'an answer may carry an earlier time than its question by as much as clocks differ, and far less than this',
  },
  namedPositions: { value: 5, unit: 'positions', reason: 'enough to start looking, few enough to read' },
  namedIds: { value: 3, unit: 'ids', reason: 'enough to start looking, few enough to read' },
} as const satisfies Record<string, StallLimit>;
