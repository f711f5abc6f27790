/** The topics as a board shows them, record by record. Pure: what reads the topics is board-reader.ts. */
import type { LogRecord } from '../../ports/event-log.ts';
import type { DeskAlert, RecordByTopic } from '../../schemas/generated/records.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import type { Alert } from '../alerts/alerts.ts';
import { IntentsSinceTrade } from '../alerts/starvation.ts';
import type { ExecutionLimits } from '../execution/limits.ts';
import type { RecordObserver } from '../runtime/topic-cursor.ts';
import type { Policy } from '../scoring/policy.ts';
import { PolicyHistory } from '../scoring/policy-history.ts';
import { Processes } from '../desk/presence.ts';
import { ExecutionFigures } from '../status/execution-figures.ts';
import type { AccountWatermarks } from '../watch/account-watermarks.ts';
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
  readonly #execution = new ExecutionFigures();
  readonly #intents = new IntentsSinceTrade();
  /** The latest record of each alert, by scope and name. */
  readonly #recorded = new Map<string, DeskAlert>();

  constructor(policy: Policy, limits?: Pick<ExecutionLimits, 'cooldownMs'>) {
    this.positions = new BoardPositions(policy, limits);
  }

  /** The policy in force; null before any decision. Its content may be one that this program cannot read. */
  get policy(): string | null {
    return this.#policies.latest()?.record.policy ?? null;
  }

  /** Alerts of orders and of trades that stop coming, as `status` raises them from the same records. */
  alerts(watermarks: AccountWatermarks): readonly Alert[] {
    return [this.#intents.alert(), ...this.#execution.alerts(watermarks)].filter((alert) => alert !== null);
  }

  /** The alerts that stand as `run watch` has recorded them. */
  recordedAlerts(): readonly DeskAlert[] {
    return [...this.#recorded.values()].filter(({ state }) => state === 'RAISED');
  }

  /** What the reader of these topics passes on. */
  readonly observer = {
    ...once(TOPICS.positionSnapshot.name, (snapshot, { timestamp }) => {
      this.positions.snapshot(snapshot, timestamp);
      this.activity.snapshot();
    }),
    ...once(TOPICS.harvestIntent.name, (intent, { timestamp }) => {
      this.#intents.intent(timestamp);
      this.positions.intent(intent);
      this.activity.intent(intent);
    }),
    ...once(TOPICS.executionReport.name, (report, { timestamp }) => {
      this.#execution.report(report, timestamp);
      this.positions.report(report);
      this.activity.report(report);
    }),
    ...once(TOPICS.tradeClosed.name, (trade, { timestamp }) => {
      // An imported trade does not show that trades come.
      if (trade.origin !== 'BACKFILL') this.#intents.trade(timestamp);
      this.#execution.trade(trade);
      this.activity.trade(trade);
    }),
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
    ...once(TOPICS.deskAlert.name, (alert) => void this.#recorded.set(`${alert.scope}:${alert.name}`, alert)),
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
