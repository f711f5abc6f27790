import { type Gate, type GateOutcome, gateOf } from '../clm/gate.ts';
import { type Policy, defaultPolicy } from '../scoring/policy.ts';
import {
  type Alert,
  haltedAlert,
  killSwitchUnknownAlert,
  transactionOpenAlert,
  venueDiffersAlert,
} from '../alerts/alerts.ts';
import { type CalibrationWatch, calibrationAlert } from './calibration-watch.ts';
import type { OrderAlerts } from '../watch/order-alerts.ts';
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
import { standingStops } from '../desk/control-topic.ts';
import { watchCalibrations } from './calibration-figures.ts';
import { type ProducerAhead, timesAheadByProducer } from '../dlq/list-letters.ts';
import { waitingLetters } from '../dlq/letter-alerts.ts';
import { type ReadOnlyWorld, type Ends, endsOf, visitTopic } from '../runtime/topic-cursor.ts';
import { type OrderCosts, type Doubt, doubtsAlert, executionFigures } from './execution-figures.ts';
import {
  type Dust,
  LeftBehind,
  type LeftResting,
  type StandingDifference,
  standingDifferences,
} from './venue-figures.ts';
import { type ShadowFigures, shadowFigures } from '../scoring/shadow-report.ts';
import { stallsFrom } from '../watch/stall-watcher.ts';
import { type TopicStatus, topicStatuses } from './topic-statuses.ts';

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
  /** Positions with a snapshot within an hour before the watermark of their account, which nothing on record closed. */
  readonly open_positions: number;
  /** Execution reports by status, and the SUPPRESSED ones by reason. */
  readonly reports: Readonly<Record<ExecutionStatus, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  /** What fills cost against the mark, by the style of their orders; of reports that tell it. */
  readonly orders: ReturnType<OrderCosts['byStyle']>;
  /** UNKNOWN reports; the alert of that name counts those whose order has not turned up as a trade since. */
  readonly unknown_reports: number;
  /** Orders that were announced and have no end yet. */
  readonly open_orders: number;
  /** What people have halted; empty: nothing. */
  readonly halted: readonly Halt[];
  /** Scopes of which nobody can tell whether they are halted; nothing is sent for them either. */
  readonly kill_switch_unknown: readonly UnknownSwitch[];
  /** Where venue and record differ now. */
  readonly differences: readonly StandingDifference[];
  /** Orders that rest at a venue though the desk has closed their position. */
  readonly resting_left: readonly LeftResting[];
  /** Positions that are too small for any order. */
  readonly dust: readonly Dust[];
  /** Records met on the way that do not decode; `tail` shows them. */
  readonly undecodable: number;
  /** Who wrote records with times that cannot be: dead letters of code TIMESTAMP_AHEAD that wait. */
  readonly times_ahead: readonly ProducerAhead[];
  /** Snapshots dated so far ahead that their time is not believed: they count for nothing. */
  readonly ahead: number;
  /** Every confidence map in force, against the time before it. */
  readonly calibrations: readonly CalibrationWatch[];
  /** What candidates decided in the latest day; `shadow` counts all that is kept. */
  readonly shadow: readonly ShadowFigures[];
  readonly alerts: readonly Alert[];
}

type Topics = Pick<ReadOnlyWorld, 'log' | 'codec' | 'counts' | 'countsOffsets' | 'admin' | 'liveNow'>;

/**
 * Reads the log once, streaming; what stays in memory is a few fields for each position, the ids of trades, and of the intents of two
 * days. R is as `policy` computes it.
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
  if (now !== null) stalls.clock(now, { follows: false });
  const ends = await endsOf(world.log, ASKING);
  let undecodable = await visitTopic(world, TOPICS.clmOutcome.name, {}, (outcome, { timestamp }) => {
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
  // One that was closed when it cannot have been yet moves no estimate.
  const closed = Array.from(outcomes.values(), ({ account, closed_at, ...outcome }) => ({
    ...outcome,
    closed_at: closed_at === null ? null : watermarks.bounded(account, closed_at),
  }));
  const letters = await waitingLetters(world);
  const timesAhead = await timesAheadByProducer(world);
  const calibrations = await watchCalibrations(world);
  const { halted, unknown } = await standingStops(world, world.admin, world.liveNow() ?? 0);
  const venue = await standingDifferences(world);
  const shadow = await shadowFigures(world, watermarks.newest());
  undecodable += venue.undecodable + shadow.undecodable;
  const topics = await topicStatuses(world, letters.neverRead);
  const alerts = [
    trades.alert,
    doubtsAlert(execution.doubts),
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
    gate: gateOf(closed),
    open_positions: stalls.openPositions(),
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

/** Decoding makes new strings for each record; accounts, symbols and models are few. */
class SharedTexts {
  readonly #texts = new Map<string, string>();

  of<T extends string>(text: T): T {
    const known = this.#texts.get(text);
    if (known !== undefined) return known as T;
    this.#texts.set(text, text);
    return text;
  }
}

/** Where nothing is written live there are no transactions. */
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
  const undecodable = await visitTopic(world, topic, { ...start, ends }, (snapshot, { timestamp }) => {
    stalls.snapshot(snapshot, timestamp);
    left.snapshot(snapshot);
  });
  return { undecodable };
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

/** Reads the trades and the intents: trades end doubts, and starvation; one whose time cannot be says nothing of that. */
async function tradeFigures(
  world: Topics,
  { doubts, orders }: { readonly doubts: Map<ClientOrderId, Doubt>; readonly orders: OrderAlerts },
  stalls: StallWatch,
  sightFrom: EpochMillis,
  ends: ReadonlyMap<string, Ends>,
) {
  const intents = new IntentsSinceTrade();
  const watermarks = stalls.watermarks();
  const { name } = TOPICS.tradeClosed;
  const visit = (trade: TradeClosed, { timestamp }: LogRecord): void => {
    if (trade.origin !== 'BACKFILL' && !watermarks.isAhead(trade.account, timestamp)) intents.trade(timestamp);
    if (trade.client_order_id !== null) doubts.delete(trade.client_order_id);
    orders.trade(trade);
    stalls.trade(trade, timestamp);
  };
  let undecodable = await visitTopic(world, name, { ends: ends.get(name) }, visit);
  const topic = TOPICS.harvestIntent.name;
  const from = Math.min(intents.lastTradeAt ?? -Infinity, sightFrom);
  const start = from === -Infinity ? {} : { from: await world.log.offsetsAt(topic, from) };
  const visitIntent = (intent: HarvestIntent, { timestamp }: LogRecord): void => {
    if (!watermarks.isAhead(intent.account, timestamp)) intents.intent(timestamp);
    stalls.intent(intent, timestamp);
  };
  undecodable += await visitTopic(world, topic, { ...start, ends: ends.get(topic) }, visitIntent);
  return { undecodable, alert: intents.alert() };
}
