import type { ClmProcessor } from '../../pipelines/clm/clm-processor.ts';
import type { ExecutionLimits } from '../../pipelines/execution/limits.ts';
import type { Processor } from '../../pipelines/runtime/processor.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import type { Verdict } from '../../pipelines/scoring/evaluate.ts';
import type { ShadowResult } from '../../pipelines/scoring/shadow.ts';
import type { RunWatch } from '../../pipelines/notify/run-watch.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Exchange } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type { WorkedAccounts } from '../../ports/worked-accounts.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import type { DeskControlWatch } from '../../pipelines/desk/desk-control.ts';

export interface ProcessorParts {
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly policy: Policy;
  /** Called with each decision of scoring. */
  readonly onDecision?: (snapshot: PositionSnapshot, verdict: Verdict) => void;
  /** Candidates that scoring decides by as well, for shadow.decision alone. */
  readonly shadows?: readonly Policy[];
  /** Called only where orders are placed. Waits while the exchange is unavailable. */
  readonly exchange: () => Promise<Exchange>;
  /** Defaults: DEFAULT_LIMITS. */
  readonly limits: Partial<ExecutionLimits>;
  /** Aborted when the process is to end. */
  readonly draining: AbortSignal;
  /** One for all partitions; the process announces that it obeys this one. */
  readonly killSwitch: DeskControlWatch;
  readonly accounts: WorkedAccounts;
  /** Called only where alerts are watched. */
  readonly openWatch: () => Promise<RunWatch>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * The processors of `run` and of `dev`, as they run where partitions are worked at the same time, each loaded where it runs:
 * scoring    has no state: one instance;
 * execution  one instance for each partition (pipelines/runtime/per-partition.ts), since its `process` waits for the venue;
 * clm        one instance with the outcomes of all partitions, since an outcome does not tell the partition of its trades.
 *            Its `process` waits for nothing, so calls never interleave, and a position's trades come in one partition;
 * watch      one of all members works, since its topic has one partition.
 */
export const PROCESSORS = {
  scoring: async ({ codec, policy, onDecision, shadows = [], metrics }) => {
    const decisions = {
      HOLD: metrics.counter('decisions', { action: 'HOLD' }),
      PARTIAL_CLOSE: metrics.counter('decisions', { action: 'PARTIAL_CLOSE' }),
      CLOSE: metrics.counter('decisions', { action: 'CLOSE' }),
    };
    const { scoringProcessor } = await import('../../pipelines/scoring/scoring-processor.ts');
    return scoringProcessor({
      writer: new TopicWriter('scoring', codec),
      policy,
      onDecision: (snapshot, verdict) => {
        decisions[verdict.action].add(1);
        onDecision?.(snapshot, verdict);
      },
      shadow: { candidates: shadows, onResult: countShadows(shadows, metrics) },
    });
  },
  execution: async (parts) => (await import('./build-execution.ts')).buildExecution(parts),
  clm: async ({ codec, logger, metrics }) => {
    const { clmProcessor } = await import('../../pipelines/clm/clm-processor.ts');
    const processor = clmProcessor({ writer: new TopicWriter('clm', codec), logger });
    exposeGate(processor, metrics);
    return processor;
  },
  watch: async ({ openWatch }) => (await openWatch()).processor,
} as const satisfies Record<string, (parts: ProcessorParts) => Promise<Processor>>;

export type ProcessorName = keyof typeof PROCESSORS;

export const PROCESSOR_NAMES = Object.keys(PROCESSORS) as readonly ProcessorName[];

/** What `run` runs where none is named. A watch belongs on another machine, and says so by its name. */
export const USUAL_PROCESSORS = ['scoring', 'execution', 'clm'] as const satisfies readonly ProcessorName[];

/** The part that observes positions. It is a source, not a processor. */
export const SOURCE = 'snapshots';

/** The parts that need the venue; scoring and CLM use none, so they do not wait for one. */
export const AT_THE_VENUE: ReadonlySet<string> = new Set(['execution', SOURCE]);

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

function exposeGate(clm: ClmProcessor, metrics: Metrics): void {
  const final = metrics.gauge('gateFinal', {});
  const usable = metrics.gauge('gateUsable', {});
  const needed = metrics.gauge('gateNeeded', {});
  const gross = metrics.gauge('pnlQuote', { kind: 'gross' });
  const net = metrics.gauge('pnlQuote', { kind: 'net' });
  metrics.onLook(() => {
    const gate = clm.gate();
    final.set(gate.final);
    usable.set(gate.usable);
    needed.set(gate.needed);
    const pnl = clm.pnl();
    gross.set(pnl.gross);
    net.set(pnl.net);
  });
}
