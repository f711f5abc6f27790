import pLimit from 'p-limit';
import { executionProcessor } from '../../pipelines/execution/execution-processor.ts';
import { CloseRate, DEFAULT_LIMITS } from '../../pipelines/execution/limits.ts';
import { SUPPRESSIONS } from '../../pipelines/execution/reasons.ts';
import { perPartition } from '../../pipelines/runtime/per-partition.ts';
import type { Processor } from '../../pipelines/runtime/processor.ts';
import { isUnknown } from '../../ports/kill-switch.ts';
import type { Counter, Metrics } from '../../ports/metrics.ts';
import type { ExecutionReport } from '../../schemas/generated/records.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import type { DeskControlWatch } from '../../pipelines/desk/desk-control.ts';
import type { ProcessorParts } from './build-processors.ts';

const MS_PER_SECOND = 1000;

/** Execution at an exchange, with metrics of its orders and of the kill switch. */
export async function buildExecution({
  codec,
  exchange,
  limits,
  draining,
  accounts,
  killSwitch,
  clock,
  logger,
  metrics,
}: ProcessorParts): Promise<Processor> {
  const writer = new TopicWriter('execution', codec);
  const onReport = countReports(metrics);
  exposeHalts(killSwitch, metrics);
  const closeRate = new CloseRate(clock);
  const atOnce = pLimit(limits.maxAtOnce ?? DEFAULT_LIMITS.maxAtOnce);
  const ordering = { writer, exchange: await exchange(), limits, draining, accounts, killSwitch, closeRate, atOnce };
  const shared = { ...ordering, clock, logger, onReport };
  return perPartition(() => executionProcessor(shared));
}

function countReports(metrics: Metrics): (report: ExecutionReport) => void {
  const seconds = metrics.histogram('orderSeconds', {});
  const counters = {
    SUBMITTED: metrics.counter('reports', { status: 'SUBMITTED' }),
    FILLED: metrics.counter('reports', { status: 'FILLED' }),
    SUPPRESSED: metrics.counter('reports', { status: 'SUPPRESSED' }),
    REJECTED: metrics.counter('reports', { status: 'REJECTED' }),
    UNKNOWN: metrics.counter('reports', { status: 'UNKNOWN' }),
  };
  const suppressed = new Map<string, Counter>(
    SUPPRESSIONS.map((reason) => [reason, metrics.counter('suppressed', { reason })]),
  );
  const styles = { market: 0, ioc: 0, sliced: 0, post_only: 0 };
  return (report) => {
    const { status, reason, latency_ms, order_style: style, average_price, slippage_quote } = report;
    counters[status].add(1);
    if (status === 'FILLED' && style !== null && average_price !== null) {
      metrics.counter('filledQuote', { order: style }).add(report.filled_quantity * average_price);
      styles[style] += slippage_quote ?? 0;
      metrics.gauge('slippageQuote', { order: style }).set(styles[style]);
    }
    if (status === 'SUPPRESSED') suppressed.get(reason)?.add(1);
    if (latency_ms !== null) seconds.observe(latency_ms / MS_PER_SECOND);
  };
}

function exposeHalts(killSwitch: DeskControlWatch, metrics: Metrics): void {
  const halted = metrics.gauge('halted', {});
  metrics.onLook(() => {
    halted.set(killSwitch.stops().some((stop) => !isUnknown(stop)) ? 1 : 0);
    // For the next scrape: without intents nothing else reads the kill switch. A log that does not answer is reported elsewhere.
    void killSwitch.poll().catch(() => {});
  });
}
