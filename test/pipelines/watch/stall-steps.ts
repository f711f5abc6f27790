import { printedAlert } from '../../../pipelines/alerts/alerts.ts';
import { defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import { type StallLimits, stallLimits } from '../../../pipelines/watch/stall-limits.ts';
import { StallWatch } from '../../../pipelines/watch/stall-watch.ts';
import type {
  ClmOutcome,
  ExecutionReport,
  IntentId,
  PositionId,
  PositionSnapshot,
  TradeClosed,
  TradeId,
} from '../../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

export const START = 1_770_003_600_000;
export const MINUTE_MS = 60_000;
export const DAY = 24 * 60;

export const SNAPSHOT = GOOD_RECORDS[TOPICS.positionSnapshot.name];
const INTENT = GOOD_RECORDS[TOPICS.harvestIntent.name];
const REPORT: ExecutionReport = GOOD_RECORDS[TOPICS.executionReport.name];
const TRADE: TradeClosed = GOOD_RECORDS[TOPICS.tradeClosed.name];
const OUTCOME: ClmOutcome = GOOD_RECORDS[TOPICS.clmOutcome.name];

/** A record that is applied to a watch. */
export type Step = (watch: StallWatch) => void;

export const at = (minutes: number): number => START + minutes * MINUTE_MS;
const position = (name: string) => name as PositionId;

export function started(from = -Infinity, limits: Partial<StallLimits> = {}): StallWatch {
  return new StallWatch(defaultPolicy(), from, stallLimits(limits));
}

export function recorded(steps: readonly (Step | readonly Step[])[], watch = started()): StallWatch {
  for (const step of steps.flat()) step(watch);
  return watch;
}

export const names = (watch: StallWatch): readonly string[] => watch.alerts().map(({ name }) => name);

export function evidence(watch: StallWatch, wanted: string): string {
  return watch.alerts().find(({ name }) => name === wanted)?.evidence ?? 'none';
}

/** The command of the alert of that name. */
export function commandOf(watch: StallWatch, wanted: string): string {
  const alert = watch.alerts().find(({ name }) => name === wanted);
  return alert === undefined ? 'none' : printedAlert(alert).command;
}

/** A snapshot at R: with an entry of 100 and a stop of 98 the mark is 100 + 2 R. The position was opened at START, or when it is observed before that. */
export function snapshot(name: string, minutes: number, r: number, traits: Partial<PositionSnapshot> = {}): Step {
  const mark_price = 100 + 2 * r;
  const record = {
    ...SNAPSHOT,
    position_id: position(name),
    observed_at: at(minutes),
    opened_at: Math.min(START, at(minutes)),
    mark_price,
    confidence: null,
    ...traits,
  };
  return (watch) => watch.snapshot(record, at(minutes));
}

/** Observations every five minutes, the last one included. */
export function observations(
  name: string,
  [from, to]: readonly [number, number],
  r: number,
  traits: Partial<PositionSnapshot> = {},
): Step[] {
  return Array.from({ length: (to - from) / 5 + 1 }, (_, i) => snapshot(name, from + 5 * i, r, traits));
}

export type OrderEnd = 'intent' | 'SUPPRESSED' | 'REJECTED' | 'FILLED' | 'trade' | 'outcome';

export interface OrderTraits {
  readonly account?: string;
  /** Distinguishes the orders of one position. */
  readonly number?: number;
  /** The remaining quantity of the position. */
  readonly remaining?: number;
  readonly origin?: TradeClosed['origin'];
}

/** The records of an order, from its intent to `last`. */
export function order(
  name: string,
  minutes: number,
  last: OrderEnd,
  { account = SNAPSHOT.account, number = 0, remaining = 1, origin = 'HARVEST' }: OrderTraits = {},
): Step[] {
  const intent_id = `intent of ${name}${number === 0 ? '' : number}` as IntentId;
  const client_order_id = clientOrderIdOf(intent_id);
  const trade_id = `trade of ${name}${number === 0 ? '' : number}` as TradeId;
  const ids = { position_id: position(name), account };
  const status = last === 'SUPPRESSED' || last === 'REJECTED' ? last : ('FILLED' as const);
  const reason = { SUPPRESSED: 'COOLDOWN', REJECTED: 'NOT_PLACED', FILLED: 'FILLED' }[status];
  const report: ExecutionReport = {
    ...REPORT,
    ...ids,
    intent_id,
    client_order_id,
    status,
    reason,
    remaining_quantity: remaining,
  };
  const trade = { ...TRADE, ...ids, intent_id, client_order_id, trade_id, remaining_quantity: remaining, origin };
  const outcome = {
    ...OUTCOME,
    ...ids,
    slices: [trade_id],
    status: remaining === 0 ? 'FINAL' : 'ACCUMULATING',
  } as const;
  const steps: Step[] = [
    (watch) => watch.intent({ ...INTENT, ...ids, intent_id }, at(minutes)),
    (watch) => watch.report(report, at(minutes) + 10),
    (watch) => watch.trade(trade, at(minutes) + 10),
    (watch) => watch.outcome(outcome, at(minutes) + 20),
  ];
  return steps.slice(0, { intent: 1, SUPPRESSED: 2, REJECTED: 2, FILLED: 2, trade: 3, outcome: 4 }[last]);
}
