/** The topics as a board shows them, record by record. Pure: what reads the topics is board-reader.ts. */
import type { LogRecord } from '../../ports/event-log.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import type { ExecutionLimits } from '../execution/limits.ts';
import type { RecordObserver } from '../runtime/topic-cursor.ts';
import type { Policy } from '../scoring/policy.ts';
import { PolicyHistory } from '../scoring/policy-history.ts';
import { Processes } from '../desk/presence.ts';
import { Activity } from './activity.ts';
import { OutcomeFigures } from './outcomes.ts';
import { BoardPositions } from './positions.ts';
import { ShadowDay } from './shadow-day.ts';

export class BoardProjection {
  readonly positions: BoardPositions;
  readonly activity = new Activity();
  readonly outcomes = new OutcomeFigures();
  readonly shadow = new ShadowDay();
  readonly processes = new Processes();
  readonly #policies = new PolicyHistory();

  constructor(policy: Policy, limits?: Pick<ExecutionLimits, 'cooldownMs'>) {
    this.positions = new BoardPositions(policy, limits);
  }

  /** The policy in force; null before any decision. Its content may be one that this program cannot read. */
  get policy(): string | null {
    return this.#policies.latest()?.record.policy ?? null;
  }

  /** What the reader of these topics passes on. */
  readonly observer = {
    ...once(TOPICS.positionSnapshot.name, (snapshot, { timestamp }) => {
      this.positions.snapshot(snapshot, timestamp);
      this.activity.snapshot();
    }),
    ...once(TOPICS.harvestIntent.name, (intent) => {
      this.positions.intent(intent);
      this.activity.intent(intent);
    }),
    ...once(TOPICS.executionReport.name, (report) => {
      this.positions.report(report);
      this.activity.report(report);
    }),
    ...once(TOPICS.tradeClosed.name, (trade) => this.activity.trade(trade)),
    ...once(TOPICS.clmOutcome.name, (outcome) => {
      this.outcomes.add(outcome);
      this.activity.outcome(outcome);
    }),
    ...once(TOPICS.policyApplied.name, (record, at) => {
      this.#policies.add(record, at);
      const content = this.#policies.latest()?.content ?? null;
      if (content !== null) this.positions.policyInForce(content);
    }),
    ...once(TOPICS.confidenceCalibration.name, (record) => this.positions.calibration(record)),
    ...once(TOPICS.shadowDecision.name, (record) => this.shadow.add(record)),
    ...once(TOPICS.deskProcess.name, (record) => this.processes.apply(record)),
  } satisfies RecordObserver;
}

/** Visits each record once, though a reader that failed half-way through a batch reads it again (RUN-18). */
function once<N extends TopicName>(
  topic: N,
  visit: (record: RecordByTopic[N], at: LogRecord) => void,
): { readonly [K in N]: (record: RecordByTopic[N], at: LogRecord) => void } {
  const next = new Map<number, number>();
  const observe = (record: RecordByTopic[N], at: LogRecord): void => {
    if (at.offset < (next.get(at.partition) ?? 0)) return;
    next.set(at.partition, at.offset + 1);
    visit(record, at);
  };
  return { [topic]: observe } as { readonly [K in N]: typeof observe };
}
