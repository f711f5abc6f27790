/**
 * Gathers what `status` shows, and goes on from where it was read to: a report over a log of a million records reads them once, and the next
 * one only what came since.
 *
 * STS-3  A report is the same whether its records were read at once or by many reads, but for questions that were answered before the
 *        records of two days (WAT-9).
 * STS-4  No question is counted of which the answer was not there to be read: the ends of topics with questions are taken before anything
 *        is read, each before that of the topic with its answers.
 */
import { IntentsSinceTrade } from '../alerts/starvation.ts';
import { haltedAlert, killSwitchUnknownAlert, standingStops } from '../desk/control-topic.ts';
import { ObeyedByProcesses } from '../desk/kill-switch.ts';
import { Processes } from '../desk/presence.ts';
import { waitingLetters } from '../dlq/letter-alerts.ts';
import { timesAheadByProducer } from '../dlq/list-letters.ts';
import type { ReadSession } from '../runtime/log-session.ts';
import { type Ends, TopicCursor, endsOf } from '../runtime/topic-cursor.ts';
import { type Policy, defaultPolicy } from '../scoring/policy.ts';
import { type ShadowFigures, shadowFigures } from '../scoring/shadow-report.ts';
import type { AccountWatermarks } from '../watch/account-watermarks.ts';
import { DEFAULT_STALL_LIMITS, type StallLimits } from '../watch/stall-limits.ts';
import { StallWatch } from '../watch/stall-watch.ts';
import { stallsFrom } from '../watch/stall-watcher.ts';
import type { EventLog, LogRecord } from '../../ports/event-log.ts';
import type { EpochMillis, HarvestIntent, RecordByTopic, TradeClosed } from '../../schemas/generated/records.ts';
import { TOPICS, type TopicName, allTopicSpecs, isDeadLetterTopic } from '../../schemas/topics.ts';
import { watchCalibrations } from './calibration-figures.ts';
import { type CalibrationWatch, calibrationAlert } from './calibration-watch.ts';
import { ExecutionFigures } from './execution-figures.ts';
import { GateFigures } from './gate-figures.ts';
import type { StatusReport } from './status-report.ts';
import { KnownTopics, lateByGroup, topicStatuses, transactionAlert } from './topic-statuses.ts';
import { LeftBehind, standingDifferences, venueDiffersAlert } from './venue-figures.ts';

/** STS-4: each before the topic with its answers. */
const QUESTIONS = [
  TOPICS.modelSignal.name,
  TOPICS.positionSnapshot.name,
  TOPICS.harvestIntent.name,
  TOPICS.executionReport.name,
  TOPICS.tradeClosed.name,
] as const;

export type StatusTopics = Pick<ReadSession, 'log' | 'codec' | 'counts' | 'countsOffsets' | 'liveNow'>;

/** One report over the log as it is. R is as `policy` computes it. */
export async function statusReport(
  topics: StatusTopics,
  policy: Policy = defaultPolicy(),
  limits = DEFAULT_STALL_LIMITS,
): Promise<StatusReport> {
  return (await StatusReader.open(topics, policy, limits)).report();
}

type Visit<N extends TopicName> = (record: RecordByTopic[N], at: LogRecord) => void;

/** What compares weeks, and changes little from one moment to the next. */
interface SlowFigures {
  readonly calibrations: readonly CalibrationWatch[];
  readonly shadow: { readonly candidates: readonly ShadowFigures[]; readonly undecodable: number };
}

/** Memory: a few fields for each position, the ids of all trades, and those of the intents of two days. */
export class StatusReader {
  readonly #topics: StatusTopics;
  readonly #policy: Policy;
  readonly #sightFrom: EpochMillis;
  readonly #stalls: StallWatch;
  readonly #execution = new ExecutionFigures();
  readonly #left = new LeftBehind();
  readonly #intents = new IntentsSinceTrade();
  readonly #gate = new GateFigures();
  readonly #processes = new Processes();
  readonly #obeyed = new ObeyedByProcesses();
  readonly #known = new KnownTopics();
  readonly #letters: Kept<Letters>;
  readonly #differences: Kept<Awaited<ReturnType<typeof standingDifferences>>>;
  readonly #cursors = new Map<TopicName, Cursor>();
  #watermarks: AccountWatermarks;
  #slow: SlowFigures | null = null;
  #readsLive = false;
  #madeAnew = false;

  private constructor(topics: StatusTopics, policy: Policy, limits: StallLimits, sightFrom: EpochMillis) {
    this.#topics = topics;
    this.#policy = policy;
    this.#sightFrom = sightFrom;
    this.#stalls = new StallWatch(policy, sightFrom, limits);
    this.#watermarks = this.#stalls.watermarks();
    const deadLetters = allTopicSpecs()
      .map(({ name }) => name)
      .filter(isDeadLetterTopic);
    this.#letters = new Kept(topics.log, [...deadLetters, TOPICS.letterDiscarded.name], () => readLetters(topics));
    this.#differences = new Kept(topics.log, [TOPICS.positionReconciled.name], () => standingDifferences(topics));
  }

  static async open(topics: StatusTopics, policy: Policy, limits: StallLimits): Promise<StatusReader> {
    return new StatusReader(topics, policy, limits, await stallsFrom(topics.log, limits.keptFor, topics.liveNow()));
  }

  /** What desk.process says of every process, as of the latest report. */
  get processes(): Processes {
    return this.#processes;
  }

  /** A topic was made anew (RUN-20): what was read of the old one still counts, and only another reader is right again. */
  get isVoid(): boolean {
    return this.#madeAnew;
  }

  /** Reads on, and reports. Figures that compare weeks are those of the report before unless they are `compared` again, and topics are counted then. */
  async report({ compared = true }: { readonly compared?: boolean } = {}): Promise<StatusReport> {
    const topics = this.#topics;
    const stalls = this.#stalls;
    await this.#readOn();
    const watermarks = this.#watermarks;
    const letters = await this.#letters.get();
    const { halted, unknown } = await standingStops(topics, topics.liveNow() ?? 0, this.#obeyed.lastObeyed());
    const venue = await this.#differences.get();
    if (compared || this.#slow === null) {
      this.#known.recount();
      const shadow = await shadowFigures(topics, watermarks.newest());
      this.#slow = { calibrations: await watchCalibrations(topics), shadow };
    }
    const { calibrations, shadow } = this.#slow;
    const statuses = await topicStatuses(topics, letters.neverRead, this.#known);
    const now = topics.liveNow();
    const alerts = [
      this.#intents.alert(),
      ...this.#execution.alerts(watermarks),
      ...stalls.alerts(),
      haltedAlert(halted),
      killSwitchUnknownAlert(unknown),
      venueDiffersAlert(venue.differences),
      transactionAlert(statuses, now),
      ...letters.alerts,
      ...calibrations.map(calibrationAlert),
    ].filter((alert) => alert !== null);
    const report: StatusReport = {
      topics: statuses,
      late: lateByGroup(statuses),
      dead_letters: letters.count,
      processes: now === null ? null : this.#processes.working(now).length,
      policy: this.#policy.id,
      as_of: now ?? watermarks.newest(),
      gate: this.#gate.of(watermarks),
      open_positions: stalls.observedOpen().length,
      reports: { ...this.#execution.reports },
      suppressed: this.#execution.suppressed,
      orders: this.#execution.costs.byStyle(),
      unknown_reports: this.#execution.reports.UNKNOWN,
      open_orders: this.#execution.openOrders.count,
      halted,
      kill_switch_unknown: unknown,
      differences: venue.differences,
      resting_left: this.#left.resting,
      dust: this.#left.dust(watermarks),
      undecodable: this.#undecodable() + venue.undecodable + shadow.undecodable,
      times_ahead: letters.timesAhead,
      ahead: stalls.snapshotsAhead(),
      calibrations,
      shadow: shadow.candidates,
      alerts,
    };
    stalls.forget();
    return report;
  }

  /** STS-4. */
  async #readOn(): Promise<void> {
    const { log, liveNow, counts, countsOffsets } = this.#topics;
    const stalls = this.#stalls;
    // The clock before the records: what is written while this reads must not seem silent.
    const now = liveNow();
    if (now !== null) stalls.clock(now, { readsLive: this.#readsLive });
    const ends = await endsOf(log, QUESTIONS);
    const sight = this.#sightFrom;
    await this.#read(TOPICS.clmOutcome.name, -Infinity, undefined, (outcome, { timestamp }) => {
      this.#gate.add(outcome);
      stalls.outcome(outcome, timestamp);
    });
    await this.#read(TOPICS.executionReport.name, -Infinity, ends, (report, { timestamp }) => {
      this.#execution.report(report, timestamp);
      stalls.report(report, timestamp);
      this.#left.report(report);
    });
    await this.#read(TOPICS.positionSnapshot.name, sight, ends, (snapshot, { timestamp }) => {
      stalls.snapshot(snapshot, timestamp);
      this.#left.snapshot(snapshot);
    });
    // From the latest snapshot of the account that is furthest behind: few while the chain works.
    const signals = stalls.signalsFrom();
    if (signals !== Infinity)
      await this.#read(TOPICS.modelSignal.name, signals, ends, (signal, at) => stalls.signal(signal, at.timestamp));
    this.#watermarks = stalls.watermarks();
    // Trades before intents: they settle unknown orders, and end starvation.
    await this.#read(TOPICS.tradeClosed.name, -Infinity, ends, (trade, { timestamp }) => this.#trade(trade, timestamp));
    const sinceTrade = Math.min(this.#intents.lastTradeAt ?? -Infinity, sight);
    await this.#read(TOPICS.harvestIntent.name, sinceTrade, ends, (intent, at) => this.#intent(intent, at.timestamp));
    // An embedded log of an earlier version has no such topic.
    if (countsOffsets === true || counts(TOPICS.deskProcess.name) > 0)
      await this.#read(TOPICS.deskProcess.name, -Infinity, undefined, (process) => {
        this.#processes.apply(process);
        this.#obeyed.apply(process);
      });
    this.#readsLive = true;
  }

  /** From `since` on at the first time, then from where the topic was read to. */
  async #read<N extends TopicName>(
    topic: N,
    since: EpochMillis,
    ends: ReadonlyMap<string, Ends> | undefined,
    visit: Visit<N>,
  ): Promise<void> {
    const onMadeAnew = (): void => {
      this.#madeAnew = true;
    };
    const cursor = this.#cursors.get(topic) ?? new TopicCursor(this.#topics, topic, visit, { since, onMadeAnew });
    this.#cursors.set(topic, cursor);
    await cursor.readOn(undefined, ends?.get(topic));
  }

  /** Times too far ahead do not count for starvation; nor do imported trades. */
  #trade(trade: TradeClosed, at: EpochMillis): void {
    if (trade.origin !== 'BACKFILL' && !this.#watermarks.isAhead(trade.account, at)) this.#intents.trade(at);
    this.#execution.trade(trade);
    this.#stalls.trade(trade, at);
  }

  #intent(intent: HarvestIntent, at: EpochMillis): void {
    if (!this.#watermarks.isAhead(intent.account, at)) this.#intents.intent(at);
    this.#stalls.intent(intent, at);
  }

  #undecodable(): number {
    const counted = [...this.#cursors].filter(([topic]) => topic !== TOPICS.deskProcess.name);
    return counted.reduce((sum, [, { undecodable }]) => sum + undecodable, 0);
  }
}

interface Cursor {
  readonly undecodable: number;
  readOn(signal?: AbortSignal, ends?: Ends): Promise<void>;
}

/** What was read of topics, until one of them has grown. */
export class Kept<T> {
  readonly #log: Pick<EventLog, 'offsets'>;
  readonly #topics: readonly string[];
  readonly #read: () => Promise<T>;
  #kept: { readonly ends: string; readonly value: T } | null = null;

  constructor(log: Pick<EventLog, 'offsets'>, topics: readonly string[], read: () => Promise<T>) {
    this.#log = log;
    this.#topics = topics;
    this.#read = read;
  }

  async get(): Promise<T> {
    const offsets = [];
    for (const topic of this.#topics) offsets.push(await this.#log.offsets(topic));
    const ends = JSON.stringify(offsets);
    if (this.#kept?.ends !== ends) this.#kept = { ends, value: await this.#read() };
    return this.#kept.value;
  }
}

type Letters = Awaited<ReturnType<typeof readLetters>>;

async function readLetters(topics: StatusTopics) {
  return { ...(await waitingLetters(topics)), timesAhead: await timesAheadByProducer(topics) };
}
