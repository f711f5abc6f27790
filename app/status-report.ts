import { type Gate, type GateOutcome, gateOf } from '../pipelines/clm/gate.ts';
import { type Policy, defaultPolicy } from '../pipelines/scoring/policy.ts';
import { type Alert, haltedAlert, venueDiffersAlert } from '../pipelines/watch/alerts.ts';
import { type CalibrationWatch, calibrationAlert } from '../pipelines/watch/calibration-watch.ts';
import { DEFAULT_STALL_LIMITS } from '../pipelines/watch/stall-limits.ts';
import { StallWatch } from '../pipelines/watch/stall-watch.ts';
import { IntentsSinceTrade } from '../pipelines/watch/starvation.ts';
import type { LogRecord } from '../ports/event-log.ts';
import type { Halt } from '../ports/kill-switch.ts';
import type {
  ClientOrderId,
  EpochMillis,
  ExecutionStatus,
  HarvestIntent,
  PositionSnapshot,
  TradeClosed,
} from '../schemas/generated/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import { watchCalibrations } from './calibrate/watch-figures.ts';
import { waitingLettersAlerts } from './dlq/waiting-letters-alert.ts';
import type { ReadOnlyWorld } from './embedded-world.ts';
import { type Doubt, doubtsAlert, executionFigures } from './execution-figures.ts';
import { deskTime, lastRecord } from './last-record.ts';
import { type Ends, endsOf, visitTopic } from './read-topic.ts';
import { type ShadowFigures, shadowFigures } from './shadow-figures.ts';
import { stallsFrom } from './stall-start.ts';
import { type TopicStatus, topicStatuses } from './topic-statuses.ts';
import { type StandingDifference, standingDifferences, standingHalts } from './venue-figures.ts';

/** A position is snapshotted every few minutes, so one that is not for an hour of event time is no longer open. Unit: milliseconds. */
const OPEN_POSITION_SPAN_MS = 60 * 60 * 1000;

/**
 * What asks, before what answers it: taken in this order before anything is read, so that nothing is counted as asked whose answer
 * was not there to be read.
 */
const ASKING = [
  TOPICS.modelSignal.name,
  TOPICS.positionSnapshot.name,
  TOPICS.harvestIntent.name,
  TOPICS.executionReport.name,
  TOPICS.tradeClosed.name,
] as const;

/** What `status --json` prints. Every figure derives from the log; times are event time, in epoch milliseconds. */
export interface StatusReport {
  readonly topics: Readonly<Record<string, TopicStatus>>;
  readonly gate: Gate;
  /** Positions with a snapshot within an hour before the latest snapshot, whose outcome is not FINAL. */
  readonly open_positions: number;
  /** Execution reports by status, and the SUPPRESSED ones by reason. */
  readonly reports: Readonly<Record<ExecutionStatus, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  /** UNKNOWN reports; the alert of that name counts those whose order has not turned up as a trade since. */
  readonly unknown_reports: number;
  /** Orders that were announced and have no end yet. */
  readonly open_orders: number;
  /** What people have halted; empty: nothing. */
  readonly halted: readonly Halt[];
  /** Where venue and record differ now. */
  readonly differences: readonly StandingDifference[];
  /** Records met on the way that do not decode; `tail` shows them. */
  readonly undecodable: number;
  /** Every confidence map in force, against the time before it. */
  readonly calibrations: readonly CalibrationWatch[];
  /** What candidates decided in the latest day; `shadow` counts all that is kept. */
  readonly shadow: readonly ShadowFigures[];
  readonly alerts: readonly Alert[];
}

type Topics = Pick<ReadOnlyWorld, 'log' | 'codec' | 'counts'>;

/**
 * Reads the log once, streaming; what stays in memory is a few fields for each position, the ids of trades, and of the intents of two
 * days. R is as `policy` computes it.
 */
export async function statusReport(
  world: Topics,
  policy: Policy = defaultPolicy(),
  limits = DEFAULT_STALL_LIMITS,
): Promise<StatusReport> {
  const outcomes = new Map<string, GateOutcome>();
  const from = await stallsFrom(world.log, limits.keptFor);
  const stalls = new StallWatch(policy, from, limits);
  const ends = await endsOf(world.log, ASKING);
  let undecodable = await visitTopic(world, TOPICS.clmOutcome.name, {}, (outcome, { timestamp }) => {
    const { status, label, closed_at, excluded_from_calibration } = outcome;
    outcomes.set(outcome.position_id, { status, label, closed_at, excluded_from_calibration });
    stalls.outcome(outcome, timestamp);
  });
  const execution = await executionFigures(world, stalls, ends.get(TOPICS.executionReport.name));
  const open = await openPositions(world, outcomes, stalls, from, ends.get(TOPICS.positionSnapshot.name));
  const signals = await signalFigures(world, stalls, ends.get(TOPICS.modelSignal.name));
  const trades = await tradeFigures(world, execution.doubts, stalls, from, ends);
  undecodable += execution.undecodable + open.undecodable + signals.undecodable + trades.undecodable;
  const deadLetters = await waitingLettersAlerts(world);
  const calibrations = await watchCalibrations(world);
  const halted = await standingHalts(world);
  const venue = await standingDifferences(world);
  const shadow = await shadowFigures(world, await deskTime(world.log));
  undecodable += venue.undecodable + shadow.undecodable;
  const topics = await topicStatuses(world);
  const alerts = [
    trades.alert,
    doubtsAlert(execution.doubts),
    execution.openOrders.alert(stalls.times()),
    ...stalls.alerts(),
    haltedAlert(halted),
    venueDiffersAlert(venue.differences),
    ...deadLetters,
    ...calibrations.map(calibrationAlert),
  ].filter((alert) => alert !== null);
  return {
    topics,
    gate: gateOf(outcomes.values()),
    open_positions: open.positions,
    reports: execution.reports,
    suppressed: Object.fromEntries(execution.suppressed),
    unknown_reports: execution.reports.UNKNOWN,
    open_orders: execution.openOrders.count,
    halted,
    differences: venue.differences,
    undecodable,
    calibrations,
    shadow: shadow.candidates,
    alerts,
  };
}

async function openPositions(
  world: Topics,
  outcomes: ReadonlyMap<string, GateOutcome>,
  stalls: StallWatch,
  sightFrom: EpochMillis,
  ends: Ends | undefined,
) {
  const topic = TOPICS.positionSnapshot.name;
  const last = await lastRecord(world.log, topic);
  const positions = new Set<string>();
  if (last === null) return { positions: 0, undecodable: 0 };
  const openFrom = last.timestamp - OPEN_POSITION_SPAN_MS;
  const from = await world.log.offsetsAt(topic, sightFrom === -Infinity ? openFrom : Math.min(openFrom, sightFrom));
  const openOffsets = await world.log.offsetsAt(topic, openFrom);
  const visit = (snapshot: PositionSnapshot, { partition, offset, timestamp }: LogRecord): void => {
    stalls.snapshot(snapshot, timestamp);
    const { position_id: id } = snapshot;
    if (offset >= (openOffsets.get(partition) ?? 0) && outcomes.get(id)?.status !== 'FINAL') positions.add(id);
  };
  const undecodable = await visitTopic(world, topic, { from, ends }, visit);
  return { positions: positions.size, undecodable };
}

/** Reads what the models said since the snapshots of some account ended: in a chain at work the latest of them. */
async function signalFigures(world: Topics, stalls: StallWatch, ends: Ends | undefined) {
  const topic = TOPICS.modelSignal.name;
  const since = stalls.signalsFrom();
  if (since === Infinity) return { undecodable: 0 };
  const from = await world.log.offsetsAt(topic, since);
  const undecodable = await visitTopic(world, topic, { from, ends }, (signal, { timestamp }) =>
    stalls.signal(signal, timestamp),
  );
  return { undecodable };
}

/** Reads the trades and the intents: trades end doubts, and starvation. */
async function tradeFigures(
  world: Topics,
  doubts: Map<ClientOrderId, Doubt>,
  stalls: StallWatch,
  sightFrom: EpochMillis,
  ends: ReadonlyMap<string, Ends>,
) {
  const intents = new IntentsSinceTrade();
  const { name } = TOPICS.tradeClosed;
  const visit = (trade: TradeClosed, { timestamp }: LogRecord): void => {
    if (trade.origin !== 'BACKFILL') intents.trade(timestamp);
    if (trade.client_order_id !== null) doubts.delete(trade.client_order_id);
    stalls.trade(trade, timestamp);
  };
  let undecodable = await visitTopic(world, name, { ends: ends.get(name) }, visit);
  const topic = TOPICS.harvestIntent.name;
  const from = Math.min(intents.lastTradeAt ?? -Infinity, sightFrom);
  const start = from === -Infinity ? {} : { from: await world.log.offsetsAt(topic, from) };
  const visitIntent = (intent: HarvestIntent, { timestamp }: LogRecord): void => {
    intents.intent(timestamp);
    stalls.intent(intent, timestamp);
  };
  undecodable += await visitTopic(world, topic, { ...start, ends: ends.get(topic) }, visitIntent);
  return { undecodable, alert: intents.alert() };
}
