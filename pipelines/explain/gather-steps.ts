import type { LogRecord } from '../../ports/event-log.ts';
import type { ClmOutcome, EpochMillis, ExecutionReport } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { briefOf } from '../runtime/record-line.ts';
import type { ExplainedOrder, ExplainedStep, Place } from './explanation.ts';
import type { FoundIntent } from './read-intents.ts';
import type { TopicReader } from './topic-reader.ts';

/** Records of the same time in the order in which they cause each other. */
const RANK = { intent: 0, report: 1, trade: 2, outcome: 3 } as const;

interface FoundStep extends Omit<ExplainedStep, 'after_ms'> {
  readonly rank: number;
}

/**
 * What followed of a position's intents, or of one of them, in time. Of an outcome only the latest record is kept, by design of its
 * topic; it says nothing of an intent unless it counts one of the intent's trades.
 */
export async function gatherSteps(
  reader: TopicReader,
  positionId: string,
  intentId: string | null,
  intents: readonly FoundIntent[],
): Promise<readonly ExplainedStep[]> {
  const { harvestIntent, executionReport, tradeClosed, clmOutcome } = TOPICS;
  const wanted = (record: { readonly position_id: string; readonly intent_id: string | null }): boolean =>
    record.position_id === positionId && (intentId === null || record.intent_id === intentId);
  const found: FoundStep[] = [];
  for (const { intent, at } of intents) {
    if (!wanted(intent)) continue;
    const { intent_id, action, fraction } = intent;
    const what = briefOf(harvestIntent.name, intent);
    const figures = action === 'CLOSE' ? '' : String(fraction);
    found.push({ ...placed(at), rank: RANK.intent, intent_id, order: null, kind: action, figures, what });
  }
  const orders = new Map<string, ExplainedOrder>();
  await reader.visit(executionReport.name, (report, at) => {
    if (!wanted(report)) return;
    const { intent_id, client_order_id, order_id, order_style, part, submitted_at } = report;
    const order = submitted_at === null ? null : { client_order_id, order_id, order_style, part };
    if (order !== null) orders.set(client_order_id, order);
    const [kind, figures] = reportWords(report);
    const what = briefOf(executionReport.name, report);
    found.push({ ...placed(at), rank: RANK.report, intent_id, order, kind, figures, what });
  });
  const slices = new Set<string>();
  await reader.visit(tradeClosed.name, (trade, at) => {
    if (!wanted(trade)) return;
    slices.add(trade.trade_id);
    const { intent_id, origin, quantity, exit_price, pnl_percent, client_order_id, order_id } = trade;
    const sent = client_order_id === null ? undefined : orders.get(client_order_id);
    const order =
      client_order_id === null
        ? null
        : { client_order_id, order_id, order_style: sent?.order_style ?? null, part: sent?.part ?? null };
    const kind = origin === 'HARVEST' ? 'slice' : `slice ${origin}`;
    const figures = `${figure(quantity)} at ${figure(exit_price)}, ${pnl_percent.toFixed(2)} %`;
    const what = briefOf(tradeClosed.name, trade);
    found.push({ ...placed(at), rank: RANK.trade, intent_id, order, kind, figures, what });
  });
  const outcomes: { latest: { readonly outcome: ClmOutcome; readonly at: LogRecord } | null } = { latest: null };
  await reader.visit(clmOutcome.name, (outcome, at) => {
    if (outcome.position_id === positionId) outcomes.latest = { outcome, at };
  });
  const { latest } = outcomes;
  if (latest !== null && (intentId === null || latest.outcome.slices.some((slice) => slices.has(slice)))) {
    const { label, status } = latest.outcome;
    const brief = briefOf(clmOutcome.name, latest.outcome);
    const what = `the position's latest outcome: ${brief}`;
    found.push({
      ...placed(latest.at),
      rank: RANK.outcome,
      intent_id: null,
      order: null,
      kind: label ?? status,
      figures: brief,
      what,
    });
  }
  return inTime(found);
}

/** Kind and figures. An intent may lead to several orders, each SUBMITTED by itself and ended by one report. */
function reportWords({ status, reason, filled_quantity, order_style, part }: ExecutionReport): [string, string] {
  const number = part ?? 0;
  if (status === 'SUBMITTED') {
    const style = order_style === null || order_style === 'market' ? '' : ` ${order_style}`;
    const why = reason === 'ORDER_SENT' ? '' : ` ${reason}`;
    return [`${status}${why}${style}`, number === 0 ? '' : `order ${number + 1}`];
  }
  const kind = status === reason ? status : `${status} ${reason}`;
  if (filled_quantity <= 0) return [kind, ''];
  return [kind, `${figure(filled_quantity)}${number === 0 ? '' : ` in ${number + 1} orders`}`];
}

function placed({ topic, partition, offset, timestamp }: LogRecord): Place & { readonly at: EpochMillis } {
  return { topic, partition, offset, at: timestamp };
}

function inTime(found: readonly FoundStep[]): readonly ExplainedStep[] {
  const sorted = found.toSorted((one, other) => one.at - other.at || one.rank - other.rank);
  return sorted.map(({ rank: _sortedBy, ...step }, index) => {
    const before = sorted[index - 1];
    return { ...step, after_ms: before === undefined ? null : step.at - before.at };
  });
}

function figure(value: number): string {
  return String(Number(value.toPrecision(6)));
}
