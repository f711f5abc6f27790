/**
 * Records how the orders of an intent ended: a trade for each that filled, and one report that ends the intent. The ends themselves are found
 * out by resolve.ts; the records go through the outbox.
 */
import { isKind } from '../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { DecimalText, VenueOrder } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type {
  ExecutionReport,
  HarvestIntent,
  OrderId,
  ReportedResting,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../schemas/ids.ts';
import type { Outbox } from './outbox.ts';
import type { ReasonOf } from './reasons.ts';
import { filledReport, logContextOf, rejectedReport, unknownReport } from './reports.ts';

/** How one order ended. */
export type OrderEnd =
  | {
      readonly kind: 'filled';
      readonly trade: TradeClosed;
      /** The trade is in the log, or in the outbox. */
      readonly isRecorded: boolean;
      readonly orderId: OrderId | null;
      readonly filledAt: EpochMillis;
      /** The fill in words. */
      readonly facts: string;
      /** What was wrong with the venue's answer; null: nothing. */
      readonly correction: string | null;
      /** The orders that rested for the position it closed (resting.ts); null: it closed none, or they are not known. */
      readonly resting: readonly ReportedResting[] | null;
    }
  | {
      readonly kind: 'unfilled';
      readonly reason: ReasonOf<'REJECTED'>;
      readonly detail: string | null;
      /** Null: the venue has no such order. */
      readonly order: VenueOrder | null;
      /** Open size afterwards; null: not known. */
      readonly remaining: DecimalText | null;
      /** The resting orders that block it; null: not asked for, or not known. */
      readonly blockedBy?: readonly ReportedResting[] | null;
    }
  | DoubtfulEnd;

/** Nobody knows how the order ended, or its end cannot be recorded. */
export interface DoubtfulEnd {
  readonly kind: 'doubtful';
  readonly reason: ReasonOf<'UNKNOWN'>;
  readonly detail: string;
}

/** Why the orders of an intent stopped before all of it was filled. `reason` is the report's where nothing was filled. */
export interface Stopped {
  readonly reason: ReasonOf<'REJECTED'>;
  readonly detail: string;
}

/** The end of an order that is left to a person (EXE-14). */
export function setAside(detail: string): DoubtfulEnd {
  return { kind: 'doubtful', reason: 'ORDER_SET_ASIDE', detail };
}

/** True for an error of values that are no numbers, or that no record may have. */
export function isUnrecordable(thrown: unknown): thrown is Error {
  return isKind(thrown, 'poison') || (thrown instanceof Error && thrown.message.startsWith('[DecimalError]'));
}

/** Records the trade of an order that is not the last of its intent. Returns the end, set aside where the trade cannot be recorded. */
export function recordTrade(end: OrderEnd, submitted: ExecutionReport, outbox: Outbox): OrderEnd {
  if (end.kind !== 'filled' || end.isRecorded) return end;
  try {
    outbox.addTrade(end.trade, submitted);
    return { ...end, isRecorded: true };
  } catch (thrown) {
    if (!isUnrecordable(thrown)) throw thrown;
    return setAside(`${end.facts}: ${thrown.message}`);
  }
}

/** The intent that has ended (null: the log does not hold it any more), the announcement and the end of its last order. */
interface EndedIntent {
  readonly intent: HarvestIntent | null;
  readonly submitted: ExecutionReport;
  readonly end: OrderEnd;
  /** Why no further order followed; null: its last order says it. */
  readonly stopped: Stopped | null;
}

interface RecordingDesk {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Records the report that ends an intent, with the trade of its last order ahead of it (EXE-4). An end that cannot be recorded is set aside (EXE-14). */
export function recordEnd(ended: EndedIntent, outbox: Outbox, desk: RecordingDesk): void {
  const { end } = ended;
  try {
    record(ended, outbox, desk);
  } catch (thrown) {
    if (!isUnrecordable(thrown)) throw thrown;
    const facts = end.kind === 'filled' ? end.facts : `the venue has no fill of it: ${end.reason}`;
    record({ ...ended, end: setAside(`${facts}: ${thrown.message}`), stopped: null }, outbox, desk);
  }
}

function record(
  { intent, submitted, end, stopped }: EndedIntent,
  outbox: Outbox,
  { clock, logger }: RecordingDesk,
): void {
  const now = clock.now();
  const { client_order_id: own } = submitted;
  const earlier = outbox.tradesOf(submitted).filter(({ client_order_id }) => client_order_id !== own);
  const [first, ...others] = earlier;
  switch (end.kind) {
    case 'filled': {
      const { trade, isRecorded, orderId, filledAt, correction, resting } = end;
      const last = { orderId, filledAt, correction, stopped: stopped?.detail ?? null, resting };
      const trades = first === undefined ? ([trade] as const) : ([first, ...others, trade] as const);
      const report = filledReport(submitted, trades, last, now);
      if (isRecorded || intent === null) outbox.addReport(report, intent);
      else outbox.addFill(trade, report, intent);
      logger.info(logContextOf(report), 'order filled');
      return;
    }
    case 'unfilled': {
      const { order, remaining } = end;
      const { reason, detail } = stopped ?? end;
      if (first === undefined) {
        const report = rejectedReport(submitted, reason, detail, order, now, remaining, end.blockedBy ?? null);
        outbox.addReport(report, intent);
        logger.warn(logContextOf(report), 'order rejected');
        return;
      }
      const words = stopped?.detail ?? (detail === null ? reason : `${reason}: ${detail}`);
      const filledAt = Math.max(...earlier.map(({ closed_at }) => closed_at));
      const lastFilled = others.at(-1) ?? first;
      const last = { orderId: lastFilled.order_id, filledAt, correction: null, stopped: words, resting: null };
      const report = filledReport(announcementOf(submitted, lastFilled), [first, ...others], last, now);
      outbox.addReport(report, intent);
      logger.info(logContextOf(report), 'order filled in part');
      return;
    }
    case 'doubtful': {
      const report = unknownReport(submitted, end.reason, end.detail, now);
      outbox.addReport(report, intent);
      const message =
        end.reason === 'ORDER_SET_ASIDE'
          ? 'an order cannot be finished and is set aside; its position is left alone'
          : 'the fate of an order is UNKNOWN; its position is left alone until it is resolved';
      logger.error(logContextOf(report), message);
    }
  }
}

/** The announcement with the id and number of the order of this trade: a FILLED report names the last order that has a trade. */
function announcementOf(submitted: ExecutionReport, { client_order_id: filled }: TradeClosed): ExecutionReport {
  for (let part = submitted.part ?? 0; part >= 0; part--) {
    const id = clientOrderIdOf(submitted.intent_id, part);
    if (id === filled) return { ...submitted, client_order_id: id, part };
  }
  return submitted;
}
