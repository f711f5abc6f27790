import { type Gate, type GateOutcome, gateOf } from '../clm/gate.ts';
import { type Policy, defaultPolicy } from '../scoring/policy.ts';
import type { Alert } from '../alerts/alerts.ts';
import { type CalibrationWatch, calibrationAlert } from './calibration-watch.ts';
import type { OrderAlerts } from '../watch/order-alerts.ts';
import { transactionOpenAlert } from '../watch/lag-watch.ts';
import { DEFAULT_STALL_LIMITS } from '../watch/stall-limits.ts';
import { StallWatch } from '../watch/stall-watch.ts';
import { IntentsSinceTrade } from '../alerts/starvation.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { Halt, UnknownSwitch } from '../../ports/kill-switch.ts';
import type {
  ClientOrderId,
  ClmOutcome,
  EpochMillis,
  ExecutionStatus,
  HarvestIntent,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { haltedAlert, killSwitchUnknownAlert, standingStops } from '../desk/control-topic.ts';
import { GONE_MS, Processes } from '../desk/presence.ts';
import { watchCalibrations } from './calibration-figures.ts';
import { type ProducerAhead, timesAheadByProducer } from '../dlq/list-letters.ts';
import { waitingLetters } from '../dlq/letter-alerts.ts';
import type { ReadSession } from '../runtime/log-session.ts';
import { type Ends, endsOf, forEachRecord } from '../runtime/topic-cursor.ts';
import {
  type OrderCostsByStyle,
  type UnknownOrder,
  executionFigures,
  unknownReportsAlert,
} from './execution-figures.ts';
import {
  type Dust,
  LeftBehind,
  type LeftResting,
  type StandingDifference,
  standingDifferences,
  venueDiffersAlert,
} from './venue-figures.ts';
import { type ShadowFigures, shadowFigures } from '../scoring/shadow-report.ts';
import { stallsFrom } from '../watch/stall-watcher.ts';
import { type TopicStatus, topicStatuses } from './topic-statuses.ts';

/**
 * The topics with questions, each before the topic with its answers. Their ends are taken in this order before anything is read, so that
 * no question is counted of which the answer was not there to be read.
 */
const QUESTIONS = [
  TOPICS.modelSignal.name,
  TOPICS.positionSnapshot.name,
  TOPICS.harvestIntent.name,
  TOPICS.executionReport.name,
  TOPICS.tradeClosed.name,
] as const;

/** What `status` shows. Every figure derives from the log; times are event time, in epoch milliseconds. */
export interface StatusReport {
  readonly topics: Readonly<Record<string, TopicStatus>>;
  /** By consumer group that has any: records of all topics that it should have committed by now. */
  readonly late: Readonly<Record<string, number>>;
  /** Dead letters that nobody has retried or discarded. */
  readonly dead_letters: number;
  /** Processes that work an account; null on a log that is not written live. */
  readonly processes: number | null;
  /** Id of the policy by which R is computed: the one in force last. */
  readonly policy: string;
  /** The reader's clock where the log is written live, else the newest time of any account; null where there is none. */
  readonly as_of: EpochMillis | null;
  readonly gate: Gate;
  /** Positions with a snapshot within an hour before the watermark of their account, which nothing on record closed. */
  readonly open_positions: number;
  /** Execution reports by status, and the SUPPRESSED ones by reason. */
  readonly reports: Readonly<Record<ExecutionStatus, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  /** What fills cost against the mark price, by order style. */
  readonly orders: OrderCostsByStyle;
  /** UNKNOWN reports. The alert of that name counts only those without a trade of their order since. */
  readonly unknown_reports: number;
  /** Orders that were announced and have no end yet. */
  readonly open_orders: number;
  /** What people have halted. */
  readonly halted: readonly Halt[];
  /** Scopes that cannot be known to be halted or not: no order is sent for them either. */
  readonly kill_switch_unknown: readonly UnknownSwitch[];
  /** Where venue and record differ now. */
  readonly differences: readonly StandingDifference[];
  /** Orders that rest at a venue though the desk has closed their position. */
  readonly resting_left: readonly LeftResting[];
  /** Positions that are too small for any order. */
  readonly dust: readonly Dust[];
  /** Records that do not decode; `tail` shows them. */
  readonly undecodable: number;
  /** By producer, the waiting dead letters of code TIMESTAMP_AHEAD. */
  readonly times_ahead: readonly ProducerAhead[];
  /** Snapshots dated too far ahead to be believed: no other figure counts them. */
  readonly ahead: number;
  /** Every calibration in force, compared with the time before it. */
  readonly calibrations: readonly CalibrationWatch[];
  /** What candidate policies decided in the latest day; `shadow` counts all that is kept. */
  readonly shadow: readonly ShadowFigures[];
  readonly alerts: readonly Alert[];
}

type Topics = Pick<ReadSession, 'log' | 'codec' | 'counts' | 'countsOffsets' | 'liveNow'>;

/**
 * Streams through the log once. Memory: a few fields for each position, the ids of all trades, and those of the intents of two days. R is
 * as `policy` computes it.
 */
export async function statusReport(
  world: Topics,
  policy: Policy = defaultPolicy(),
  limits = DEFAULT_STALL_LIMITS,
): Promise<StatusReport> {
  const outcomes = new Map<string, GateOutcome & Pick<ClmOutcome, 'account'>>();
  const texts = new SharedTexts();
  const now = world.liveNow();
  const from = await stallsFrom(world.log, limits.keptFor, now);
  const stalls = new StallWatch(policy, from, limits);
  if (now !== null) stalls.clock(now, { readsLive: false });
  const ends = await endsOf(world.log, QUESTIONS);
  let undecodable = await forEachRecord(world, TOPICS.clmOutcome.name, {}, (outcome, { timestamp }) => {
    const { status, label, closed_at, excluded_from_calibration, confidence } = outcome;
    const [account, symbol] = [texts.of(outcome.account), texts.of(outcome.symbol)];
    const model_id = outcome.model_id === null ? null : texts.of(outcome.model_id);
    const kept = { account, symbol, model_id, status, label, closed_at, excluded_from_calibration, confidence };
    outcomes.set(outcome.position_id, kept);
    stalls.outcome(outcome, timestamp);
  });
  const left = new LeftBehind();
  const execution = await executionFigures(world, stalls, left, ends.get(TOPICS.executionReport.name));
  const snapshots = await snapshotFigures(world, stalls, left, from, ends.get(TOPICS.positionSnapshot.name));
  const signals = await signalFigures(world, stalls, ends.get(TOPICS.modelSignal.name));
  const trades = await tradeFigures(world, execution, stalls, from, ends);
  undecodable += execution.undecodable + snapshots.undecodable + signals.undecodable + trades.undecodable;
  const watermarks = stalls.watermarks();
  // A wrong closing time far ahead must not move the estimate.
  const closed = Array.from(outcomes.values(), ({ account, closed_at, ...outcome }) => ({
    ...outcome,
    closed_at: closed_at === null ? null : watermarks.bounded(account, closed_at),
  }));
  const letters = await waitingLetters(world);
  const timesAhead = await timesAheadByProducer(world);
  const calibrations = await watchCalibrations(world);
  const { halted, unknown } = await standingStops(world, world.liveNow() ?? 0);
  const venue = await standingDifferences(world);
  const shadow = await shadowFigures(world, watermarks.newest());
  undecodable += venue.undecodable + shadow.undecodable;
  const topics = await topicStatuses(world, letters.neverRead);
  const alerts = [
    trades.alert,
    unknownReportsAlert(execution.unknown),
    execution.openOrders.alert(watermarks),
    ...execution.orders.alerts(),
    ...stalls.alerts(),
    haltedAlert(halted),
    killSwitchUnknownAlert(unknown),
    venueDiffersAlert(venue.differences),
    transactionAlert(topics, world.liveNow()),
    ...letters.alerts,
    ...calibrations.map(calibrationAlert),
  ].filter((alert) => alert !== null);
  return {
    topics,
    late: lateByGroup(topics),
    dead_letters: letters.count,
    processes: await workingProcesses(world),
    policy: policy.id,
    as_of: world.liveNow() ?? watermarks.newest(),
    gate: gateOf(closed),
    open_positions: stalls.openPositions().size,
    reports: execution.reports,
    suppressed: Object.fromEntries(execution.suppressed),
    orders: execution.costs.byStyle(),
    unknown_reports: execution.reports.UNKNOWN,
    open_orders: execution.openOrders.count,
    halted,
    kill_switch_unknown: unknown,
    differences: venue.differences,
    resting_left: left.resting,
    dust: left.dust(watermarks),
    undecodable,
    times_ahead: timesAhead,
    ahead: stalls.snapshotsAhead(),
    calibrations,
    shadow: shadow.candidates,
    alerts,
  };
}

function lateByGroup(topics: StatusReport['topics']): Readonly<Record<string, number>> {
  const groups: Record<string, number> = {};
  for (const { late } of Object.values(topics)) {
    for (const [group, records] of Object.entries(late)) groups[group] = (groups[group] ?? 0) + records;
  }
  return groups;
}

/** Reads the heartbeats of the last few seconds. */
async function workingProcesses(world: Topics): Promise<number | null> {
  const now = world.liveNow();
  const topic = TOPICS.deskProcess.name;
  if (now === null) return null;
  // A log of an earlier version has no such topic.
  if (world.counts(topic) === 0) return 0;
  const processes = new Processes();
  const from = await world.log.offsetsAt(topic, now - GONE_MS);
  await forEachRecord(world, topic, { from }, (record) => processes.apply(record));
  return processes.working(now).length;
}

/** One string for equal texts: decoding makes a new one for each record, although accounts, symbols and models are few. */
class SharedTexts {
  readonly #texts = new Map<string, string>();

  of<T extends string>(text: T): T {
    const known = this.#texts.get(text);
    if (known !== undefined) return known as T;
    this.#texts.set(text, text);
    return text;
  }
}

/** Null where the log is not written live: it has no transactions. */
function transactionAlert(topics: StatusReport['topics'], now: EpochMillis | null): Alert | null {
  if (now === null) return null;
  const held = Object.entries(topics).flatMap(([topic, { held_back }]) =>
    held_back.map(({ partition, from, offsets, since }) => ({
      topic,
      partition,
      from,
      to: from + offsets,
      since: Math.min(now, since ?? now),
    })),
  );
  return transactionOpenAlert(held, now);
}

async function snapshotFigures(
  world: Topics,
  stalls: StallWatch,
  left: LeftBehind,
  sightFrom: EpochMillis,
  ends: Ends | undefined,
) {
  const topic = TOPICS.positionSnapshot.name;
  const start = sightFrom === -Infinity ? {} : { from: await world.log.offsetsAt(topic, sightFrom) };
  const undecodable = await forEachRecord(world, topic, { ...start, ends }, (snapshot, { timestamp }) => {
    stalls.snapshot(snapshot, timestamp);
    left.snapshot(snapshot);
  });
  return { undecodable };
}

/** Reads the signals from the latest snapshot of the account that is furthest behind: few while the chain works. */
async function signalFigures(world: Topics, stalls: StallWatch, ends: Ends | undefined) {
  const topic = TOPICS.modelSignal.name;
  const since = stalls.signalsFrom();
  if (since === Infinity) return { undecodable: 0 };
  const from = await world.log.offsetsAt(topic, since);
  const undecodable = await forEachRecord(world, topic, { from, ends }, (signal, { timestamp }) =>
    stalls.signal(signal, timestamp),
  );
  return { undecodable };
}

/** Reads trades, which settle unknown orders and end starvation, and intents. Times too far ahead do not count for starvation. */
async function tradeFigures(
  world: Topics,
  { unknown, orders }: { readonly unknown: Map<ClientOrderId, UnknownOrder>; readonly orders: OrderAlerts },
  stalls: StallWatch,
  sightFrom: EpochMillis,
  ends: ReadonlyMap<string, Ends>,
) {
  const intents = new IntentsSinceTrade();
  const watermarks = stalls.watermarks();
  const { name } = TOPICS.tradeClosed;
  const visit = (trade: TradeClosed, { timestamp }: LogRecord): void => {
    if (trade.origin !== 'BACKFILL' && !watermarks.isAhead(trade.account, timestamp)) intents.trade(timestamp);
    if (trade.client_order_id !== null) unknown.delete(trade.client_order_id);
    orders.trade(trade);
    stalls.trade(trade, timestamp);
  };
  let undecodable = await forEachRecord(world, name, { ends: ends.get(name) }, visit);
  const topic = TOPICS.harvestIntent.name;
  const from = Math.min(intents.lastTradeAt ?? -Infinity, sightFrom);
  const start = from === -Infinity ? {} : { from: await world.log.offsetsAt(topic, from) };
  const visitIntent = (intent: HarvestIntent, { timestamp }: LogRecord): void => {
    if (!watermarks.isAhead(intent.account, timestamp)) intents.intent(timestamp);
    stalls.intent(intent, timestamp);
  };
  undecodable += await forEachRecord(world, topic, { ...start, ends: ends.get(topic) }, visitIntent);
  return { undecodable, alert: intents.alert() };
}
