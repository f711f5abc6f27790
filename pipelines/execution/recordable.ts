/**
 * What an order will lead to is made before it is announced, and put to the check that the records will have to pass: the report of
 * its fill, its trade, the outcome of the position. An order whose truth no topic takes must not be sent: once it is filled nothing can
 * unsend it, and each restart would fail at its record.
 *
 * N1  The prices tried are the venue's mark and ones that are much worse and much better: the fill decides, not the mark.
 * N2  The times are those of a fill now. A position that was opened after that has no trade that a log takes.
 */
import { type Problem, formatProblems } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { HarvestIntent, OrderId } from '../../schemas/generated/records.ts';
import { recordChecker } from '../../schemas/check-rules.ts';
import { AHEAD_MS } from '../../schemas/time-bound.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { accumulate } from '../clm/accumulate.ts';
import { type AnnouncedOrder, filledReport, submittedReport } from './reports.ts';
import type { Suppression } from './reasons.ts';
import { type FilledOrder, tradeOf } from './trades.ts';

/** N1. A market order fills within a few per cent of the mark; tenfold leaves room for every venue's worst minute. Unit: ratio of the mark. */
const FILL_PRICES = [1, 0.1, 10];

/** More than any venue charges. Unit: ratio of the order's value. */
const FEE = 0.01;

const AS_ASKED = { correction: null, stopped: null, resting: null };

const CHECKS = {
  report: { name: TOPICS.executionReport.name, check: recordChecker(TOPICS.executionReport) },
  trade: { name: TOPICS.tradeClosed.name, check: recordChecker(TOPICS.tradeClosed) },
  outcome: { name: TOPICS.clmOutcome.name, check: recordChecker(TOPICS.clmOutcome) },
};

/** Why the intent's orders must not be sent, of which this is the first; null where all that follows of it can be recorded. */
export function notRecordable(
  intent: HarvestIntent,
  at: LogRecord,
  venue: string,
  order: AnnouncedOrder,
  now: EpochMillis,
): Suppression | null {
  const problems = [...timeProblems(intent, now), ...consequences(intent, at, venue, order, now)];
  return problems.length === 0 ? null : { reason: 'NOT_RECORDABLE', detail: formatProblems(problems) };
}

/** N2. */
function timeProblems({ opened_at: openedAt }: HarvestIntent, now: EpochMillis): readonly Problem[] {
  if (openedAt <= now + AHEAD_MS) return [];
  return [{ path: 'opened_at', why: `${openedAt} is ${openedAt - now} ms ahead of the clock: no log takes its trade` }];
}

function consequences(
  intent: HarvestIntent,
  at: LogRecord,
  venue: string,
  announced: AnnouncedOrder,
  now: EpochMillis,
): readonly Problem[] {
  const { sized, mark } = announced;
  const { rounded } = sized.sizing;
  const submitted = submittedReport(intent, at, venue, announced, now);
  const remaining = Exact.max(0, new Exact(sized.position).sub(rounded)).toFixed();
  const problemsOfReport = problemsOf(CHECKS.report, submitted);
  if (problemsOfReport.length > 0) return problemsOfReport;
  for (const ratio of FILL_PRICES) {
    const price = new Exact(mark).mul(ratio);
    const order: FilledOrder = {
      orderId: submitted.client_order_id as string as OrderId,
      clientOrderId: submitted.client_order_id,
      state: 'DONE',
      filledQuantity: rounded.toFixed(),
      averagePrice: price.toFixed(),
      fee: price.mul(rounded).mul(FEE).toFixed(),
      feeAsset: null,
      feeAmount: null,
      positionAfter: remaining,
      filledAt: now,
    };
    const trade = tradeOf(intent, venue, order, remaining);
    const problems = [
      ...problemsOf(CHECKS.report, filledReport(submitted, [trade], { ...order, ...AS_ASKED }, now)),
      ...problemsOf(CHECKS.trade, trade),
      ...problemsOf(CHECKS.outcome, accumulate(undefined, trade)),
    ];
    if (problems.length > 0) return problems;
  }
  return [];
}

function problemsOf(
  { name, check }: { readonly name: string; readonly check: (value: unknown) => readonly Problem[] },
  record: unknown,
): readonly Problem[] {
  return check(record).map(({ path, why }) => ({ path: `${name}: ${path}`, why }));
}
