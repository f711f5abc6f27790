import pLimit from 'p-limit';
import { type ClmProcessor, clmProcessor } from '../../pipelines/clm/clm-processor.ts';
import { type ExecutionLimits, CloseRate, DEFAULT_LIMITS } from '../../pipelines/execution/limits.ts';
import { executionProcessor } from '../../pipelines/execution/execution-processor.ts';
import { SUPPRESSIONS } from '../../pipelines/execution/reasons.ts';
import { perPartition } from '../../pipelines/per-partition.ts';
import type { Processor } from '../../pipelines/processor.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import { scoringProcessor } from '../../pipelines/scoring/scoring-processor.ts';
import type { ShadowResult } from '../../pipelines/scoring/shadow.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Exchange } from '../../ports/exchange.ts';
import { isUnknown } from '../../ports/kill-switch.ts';
import type { Logger } from '../../ports/logger.ts';
import type { WorkedAccounts } from '../../ports/worked-accounts.ts';
import type { Counter, Metrics } from '../../ports/metrics.ts';
import type { ExecutionReport } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import type { DeskControlWatch } from '../desk-control.ts';

export interface ProcessorParts {
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly policy: Policy;
  /** Candidates that scoring decides by as well, for shadow.decision alone. */
  readonly shadows?: readonly Policy[];
  readonly exchange: Exchange;
  /** What is left out is as in DEFAULT_LIMITS. */
  readonly limits: Partial<ExecutionLimits>;
  /** Aborted when the process is to end. */
  readonly draining: AbortSignal;
  /** One for all partitions, and for the acknowledgement of what it says. */
  readonly killSwitch: DeskControlWatch;
  readonly accounts: WorkedAccounts;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const MS_PER_SECOND = 1000;

/**
 * The processors as they run where partitions are worked at the same time:
 * scoring    has no state: one instance;
 * execution  one instance for each partition (pipelines/per-partition.ts), since its `process` waits for the venue;
 * clm        one instance with the outcomes of all partitions, since an outcome does not tell the partition of its trades.
 *            Its `process` waits for nothing, so calls never interleave, and a position's trades come in one partition.
 */
export const PROCESSORS = {
  scoring: ({ codec, policy, shadows = [], metrics }) => {
    const decisions = {
      HOLD: metrics.counter('decisions', { action: 'HOLD' }),
      PARTIAL_CLOSE: metrics.counter('decisions', { action: 'PARTIAL_CLOSE' }),
      CLOSE: metrics.counter('decisions', { action: 'CLOSE' }),
    };
    return scoringProcessor({
      writer: new TopicWriter('scoring', codec),
      policy,
      onDecision: (_, { action }) => decisions[action].add(1),
      shadow: { candidates: shadows, onResult: countShadows(shadows, metrics) },
    });
  },
  execution: ({ codec, exchange, limits, draining, accounts, killSwitch, clock, logger, metrics }) => {
    const writer = new TopicWriter('execution', codec);
    const onReport = countReports(metrics);
    exposeHalts(killSwitch, metrics);
    const closeRate = new CloseRate(clock);
    const atOnce = pLimit(limits.maxAtOnce ?? DEFAULT_LIMITS.maxAtOnce);
    const ordering = { writer, exchange, limits, draining, accounts, killSwitch, closeRate, atOnce };
    const shared = { ...ordering, clock, logger, onReport };
    return perPartition(() => executionProcessor(shared));
  },
  clm: ({ codec, logger, metrics }) => {
    const processor = clmProcessor({ writer: new TopicWriter('clm', codec), logger });
    exposeGate(processor, metrics);
    return processor;
  },
} as const satisfies Record<string, (parts: ProcessorParts) => Processor>;

export type ProcessorName = keyof typeof PROCESSORS;

function countShadows(shadows: readonly Policy[], metrics: Metrics): (candidate: Policy, result: ShadowResult) => void {
  const byPolicy = new Map(
    shadows.map(({ id: policy }) => [
      policy,
      {
        written: metrics.counter('shadowDecisions', { policy, result: 'written' }),
        both_hold: metrics.counter('shadowDecisions', { policy, result: 'both_hold' }),
        failed: metrics.counter('shadowDecisions', { policy, result: 'failed' }),
      },
    ]),
  );
  return ({ id }, result) => byPolicy.get(id)?.[result].add(1);
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
    // For the next one: without intents nobody else looks. That the log does not answer is said elsewhere.
    void killSwitch.look().catch(() => {});
  });
}

function exposeGate(clm: ClmProcessor, metrics: Metrics): void {
  const final = metrics.gauge('gateFinal', {});
  const usable = metrics.gauge('gateUsable', {});
  const needed = metrics.gauge('gateNeeded', {});
  metrics.onLook(() => {
    const gate = clm.gate();
    final.set(gate.final);
    usable.set(gate.usable);
    needed.set(gate.needed);
  });
}
