import { join } from 'node:path';
import { EmbeddedDeskLog } from '../../connectors/desk-log.ts';
import type { EmbeddedConsumer } from '../../connectors/embedded/embedded-consumer.ts';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { ProcessLock } from '../../connectors/embedded/process-lock.ts';
import type { PaperFaults } from '../../connectors/exchange/paper/fill-plan.ts';
import { PAPER_BOOK, PaperExchange } from '../../connectors/exchange/paper/paper-exchange.ts';
import { DeskFeed } from '../../pipelines/snapshots/simulated/desk-feed.ts';
import type { Market } from '../../ports/market.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { ClmProcessor } from '../../pipelines/clm/clm-processor.ts';
import { EVERY_OTHER_ACCOUNT } from '../../pipelines/desk/claims.ts';
import { DEV_PROCESS } from '../../pipelines/desk/presence.ts';
import type { OrderTerms } from '../../pipelines/execution/order-plan.ts';
import type { Processor } from '../../pipelines/runtime/processor.ts';
import { wireProcessor } from '../../pipelines/runtime/wire-processor.ts';
import type { Verdict } from '../../pipelines/scoring/evaluate.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import type { Alert } from '../../pipelines/alerts/alerts.ts';
import type { BoardSource } from '../../ports/board.ts';
import { devBoard } from './board.ts';
import type { StallLimits } from '../../pipelines/watch/stall-limits.ts';
import { type EpochMillis, VirtualClock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { type Metrics, NO_METRICS } from '../../ports/metrics.ts';
import { EVERY_ACCOUNT } from '../../ports/worked-accounts.ts';
import { PROCESSORS, type ProcessorParts } from './build-processors.ts';
import type { Random } from '../../ports/random.ts';
import type { ClmOutcome, ExecutionReport, PositionSnapshot } from '../../schemas/generated/records.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { registerSchemas } from '../../schemas/registry.ts';
import { timesAhead } from '../../schemas/time-bound.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs, isDeadLetterTopic } from '../../schemas/topics.ts';
import { DeskControlWatch } from '../../pipelines/desk/desk-control.ts';
import { whyItForgets } from '../../pipelines/desk/control-topic.ts';
import { forEachRecord, TopicCursor } from '../../pipelines/runtime/topic-cursor.ts';
import type { StallReader } from '../../pipelines/watch/stall-watcher.ts';
import { type StatusTopics, statusReport } from '../../pipelines/status/status-reader.ts';

/** How often retention and compaction run: their effects take months and thousands of records. Unit: cycles. */
const CLEANUP_CYCLES = 500;

const NOTHING_OBEYED = JSON.stringify([]);

export interface DevOptions {
  readonly dataDir: string;
  /** Part of the names of the desk's accounts: it keeps its records apart from those of other desks in the folder. */
  readonly desk: string;
  /** The names of the desk's topics. */
  readonly names?: DeskNames;
  readonly market: Market;
  readonly random: Random;
  readonly policy: Policy;
  /** Of the alerts; the usual ones where left out. */
  readonly stallLimits?: StallLimits;
  readonly faults: PaperFaults;
  /** How orders are sent; the default where left out. */
  readonly order?: OrderTerms;
  /** The flags that name the log in the commands of alerts, where people look at the board; null where nobody does. */
  readonly viewed?: { readonly logFlags: string } | null;
  /** Nothing is measured where left out. */
  readonly metrics?: Metrics;
  readonly logger: Logger;
}

/** One scored snapshot. */
export interface Scored {
  readonly snapshot: PositionSnapshot;
  readonly decision: Verdict;
}

/** The results of one cycle. */
export interface CycleResult {
  readonly cycle: number;
  readonly now: EpochMillis;
  readonly signals: number;
  readonly scored: readonly Scored[];
  readonly reports: readonly ExecutionReport[];
  readonly outcomes: readonly ClmOutcome[];
}

/**
 * The whole chain in one process on the embedded log, in lock-step with a virtual clock: a cycle writes signals and snapshots, then each
 * processor works off the output of the one before. Nothing depends on the wall clock.
 *
 * CLI-1  A crash anywhere is made good by the next start: it first finishes the last cycle that has records, at that
 *     cycle's time, and goes on with the one after.
 * CLI-2  A data folder belongs to one dev at a time. Desks on other markets or seeds may take turns in it: their accounts
 *     differ, each goes on from its own last cycle, and retention takes nothing of another's.
 */
export class DevChain {
  readonly log: EmbeddedDeskLog;
  readonly clm: ClmProcessor;
  /** Null where nobody can look. It reads with the stall alerts, and only while somebody looks. */
  readonly board: BoardSource | null;
  readonly #codec: RecordCodec;
  readonly #policy: Policy;
  readonly #stallLimits: StallLimits | undefined;
  readonly #lock: ProcessLock;
  readonly #market: Market;
  readonly #clock: VirtualClock;
  readonly #feed: DeskFeed;
  readonly #exchange: PaperExchange;
  readonly #killSwitch: DeskControlWatch;
  readonly #consumers: readonly EmbeddedConsumer[];
  readonly #models: TopicWriter;
  readonly #source: TopicWriter;
  readonly #reports: TopicCursor<typeof TOPICS.executionReport.name>;
  readonly #outcomes: TopicCursor<typeof TOPICS.clmOutcome.name>;
  readonly #reader: () => Promise<StallReader>;
  readonly #scored: Scored[];
  readonly #closing = new AbortController();
  #reported: ExecutionReport[] = [];
  #concluded: ClmOutcome[] = [];
  #nextCycle = 0;
  /** The market's time of the last whole cycle; null before the first. */
  lastCycleAt: EpochMillis | null = null;
  /** The commands of the kill switch that it last announced to obey. */
  #obeyed = NOTHING_OBEYED;

  private constructor(options: DevOptions, lock: ProcessLock, topics: DevTopics, parts: DevParts) {
    const { desk, market, random } = options;
    const { log, codec } = topics;
    const { clock, exchange, killSwitch, processors } = parts;
    this.log = log;
    this.clm = processors.clm;
    this.#codec = codec;
    this.#policy = options.policy;
    this.#stallLimits = options.stallLimits;
    this.#lock = lock;
    this.#market = market;
    this.#clock = clock;
    this.#exchange = exchange;
    this.#killSwitch = killSwitch;
    this.#feed = new DeskFeed({ desk, market, book: exchange, random });
    this.#models = new TopicWriter('models', codec);
    this.#source = new TopicWriter('snapshots', codec);
    const { board, reader } = devBoard(
      { ...options, ...topics, killSwitch, clm: processors.clm },
      this.#closing.signal,
    );
    this.board = board;
    this.#reader = reader;
    this.#scored = parts.scored;
    this.#reports = new TopicCursor(topics, TOPICS.executionReport.name, (report) => this.#reported.push(report));
    this.#outcomes = new TopicCursor(topics, TOPICS.clmOutcome.name, (outcome) => this.#concluded.push(outcome));
    this.#consumers = Object.values(processors).map((processor: Processor) => {
      // A wait after a transient error takes real time: the virtual clock would not move.
      const runtime = { processor, log, codec, clock: new SystemClock(), liveClock: clock, logger: options.logger };
      const wiring = wireProcessor(runtime);
      return log.consumer(wiring.options, wiring.handler);
    });
  }

  /** Opens or creates a data folder. Throws DATA_IN_USE. */
  static async open(options: DevOptions): Promise<DevChain> {
    const { dataDir, names = new DeskNames() } = options;
    const lock = ProcessLock.tryAcquire(dataDir, DEV_PROCESS);
    if (lock === null)
      throw new HarvestlineError('DATA_IN_USE', `another dev is at work on ${dataDir}`, { at: { file: dataDir } });
    let log: EmbeddedDeskLog | undefined;
    try {
      log = new EmbeddedDeskLog(EmbeddedLog.open(dataDir, new SystemClock()), names);
      await log.createTopics(allTopicSpecs());
      await registerSchemas(log.registry);
      const codec = await RecordCodec.open(log.registry);
      const topics = { log, codec };
      const chain = new DevChain(options, lock, topics, await partsOf(options, topics));
      await chain.#resume(codec);
      return chain;
    } catch (thrown) {
      await log?.close();
      lock.release();
      throw thrown;
    }
  }

  /** What a reader of the log needs. Its time is the market's. */
  get topics(): StatusTopics {
    return { log: this.log, codec: this.#codec, counts: (topic) => this.log.count(topic), liveNow: () => null };
  }

  /** One cycle of the market through the whole chain; undefined once the market's data end. */
  async runCycle(): Promise<CycleResult | undefined> {
    const cycle = this.#nextCycle;
    const desk = this.#feed.run(cycle);
    if (desk === undefined) return undefined;
    const { now, signals, snapshots } = desk;
    // One append: a cycle is on the log whole or not at all (PORT-1), so a crash before it repeats the cycle (SIM-2).
    await this.log.append([
      ...signals.map((signal) => this.#models.encode(TOPICS.modelSignal, signal, now)),
      ...snapshots.map((snapshot) => this.#source.encode(TOPICS.positionSnapshot, snapshot, now)),
    ]);
    this.#nextCycle = cycle + 1;
    await this.#workOff(now);
    if (this.#nextCycle % CLEANUP_CYCLES === 0) this.log.applyRetention(now, this.#feed.accounts);
    await this.#reports.readOn();
    await this.#outcomes.readOn();
    const scored = this.#scored.splice(0);
    const [reports, outcomes] = [this.#reported, this.#concluded];
    this.#reported = [];
    this.#concluded = [];
    this.lastCycleAt = now;
    return { cycle, now, signals: signals.length, scored, reports, outcomes };
  }

  /**
   * The stall alerts that stand now: what came since the last call is read, `pause` waited for after each batch. Null when `signal`
   * aborts that.
   */
  async stallAlerts(
    pause: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<readonly Alert[] | null> {
    const reader = await this.#reader();
    return reader.readOn(signal, pause, () => reader.alerts());
  }

  /** The alerts that `status` raises on the log as it is. */
  async alerts(): Promise<readonly Alert[]> {
    return (await statusReport(this.topics, this.#policy, this.#stallLimits)).alerts;
  }

  /** Records by dead-letter topic, those that have any. */
  deadLetters(): Readonly<Record<string, number>> {
    const counts = allTopicSpecs()
      .filter(({ name }) => isDeadLetterTopic(name))
      .map(({ name }) => [name, this.log.count(name)] as const);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.log.close();
    this.#exchange.close();
    this.#lock.release();
  }

  /** CLI-1. */
  async #resume(codec: RecordCodec): Promise<void> {
    await this.#reports.skipToEnd();
    await this.#outcomes.skipToEnd();
    const latest = new Map<string, PositionSnapshot>();
    const marketTime = await this.#lastEmitted(codec);
    const { name: topic } = TOPICS.positionSnapshot;
    await forEachRecord({ log: this.log, codec }, topic, {}, (snapshot, { timestamp }) => {
      if (!this.#feed.accounts.has(snapshot.account)) return;
      // A snapshot cannot be observed after the market's own time.
      if (timesAhead(topic, snapshot, timestamp, marketTime).length === 0) latest.set(snapshot.position_id, snapshot);
    });
    this.#feed.restore(latest.values());
    for (const consumer of this.#consumers) {
      if (!(await consumer.join()))
        throw new HarvestlineError('DATA_IN_USE', 'another process has joined a consumer group of dev');
    }
    const last = this.log.lastTimestamp(TOPICS.modelSignal.name);
    if (last !== null) await this.#workOff(last);
    this.lastCycleAt = marketTime === -Infinity ? null : marketTime;
    this.#nextCycle = marketTime === -Infinity ? 0 : this.#market.cycleAfter(marketTime);
  }

  /** The time of the desk's own last cycle; -Infinity before the first. */
  async #lastEmitted(codec: RecordCodec): Promise<EpochMillis> {
    let last = -Infinity;
    await forEachRecord({ log: this.log, codec }, TOPICS.modelSignal.name, {}, ({ account, emitted_at }) => {
      if (this.#feed.accounts.has(account)) last = Math.max(last, emitted_at);
    });
    return last;
  }

  /** Announces which commands of the kill switch are obeyed from this cycle on, where that has changed. */
  async #obey(now: EpochMillis): Promise<void> {
    await this.#killSwitch.poll();
    const obeys = this.#killSwitch.obeys();
    const obeyed = JSON.stringify(obeys);
    if (obeyed === this.#obeyed) return;
    const desk = {
      part: 'EXECUTION',
      account: EVERY_OTHER_ACCOUNT,
      venue: this.#exchange.venue,
      mode: 'PAPER',
    } as const;
    const times = { started_at: now, seen_at: now };
    const record = { process: DEV_PROCESS, ...desk, state: 'WORKING', by: DEV_PROCESS, ...times, obeys } as const;
    const writer = new TopicWriter(TOPICS.deskProcess.writer, this.#codec);
    await this.log.append([writer.encode(TOPICS.deskProcess, record, now)]);
    this.#obeyed = obeyed;
  }

  async #workOff(now: EpochMillis): Promise<void> {
    this.#clock.set(now);
    await this.#obey(now);
    for (const consumer of this.#consumers) {
      this.#clock.set(now);
      await consumer.pump();
    }
  }
}

interface DevTopics {
  readonly log: EmbeddedDeskLog;
  readonly codec: RecordCodec;
}

/** What `dev` chooses, and the processors that come of it. */
interface DevParts {
  readonly clock: VirtualClock;
  readonly exchange: PaperExchange;
  readonly killSwitch: DeskControlWatch;
  /** In the order in which they work off a cycle. */
  readonly processors: { readonly scoring: Processor; readonly execution: Processor; readonly clm: ClmProcessor };
  /** The decisions of the cycle in hand. */
  readonly scored: Scored[];
}

/** The same processors as `run` has, on a paper exchange and the market's clock. */
async function partsOf(options: DevOptions, { log, codec }: DevTopics): Promise<DevParts> {
  const { dataDir, random, policy, faults, order, logger, names = new DeskNames() } = options;
  const clock = new VirtualClock(0);
  const exchange = new PaperExchange({ path: join(dataDir, names.local(PAPER_BOOK)), clock, random, faults });
  const killSwitch = new DeskControlWatch({ log, codec }, clock, logger, {
    whyItForgets: () => whyItForgets(log),
    timer: new SystemClock(),
  });
  const scored: Scored[] = [];
  const parts: ProcessorParts = {
    log,
    codec,
    policy,
    onDecision: (snapshot, decision) => scored.push({ snapshot, decision }),
    exchange: () => Promise.resolve(exchange),
    limits: order === undefined ? {} : { order },
    // A cycle is worked off as a whole, whatever asks to stop.
    draining: new AbortController().signal,
    killSwitch,
    accounts: EVERY_ACCOUNT,
    openWatch: () => Promise.reject(new TypeError('dev watches in lock-step (cli/dev/dev-watch.ts)')),
    clock,
    logger,
    metrics: options.metrics ?? NO_METRICS,
  };
  const { scoring, execution, clm } = PROCESSORS;
  const processors = { scoring: await scoring(parts), execution: await execution(parts), clm: await clm(parts) };
  return { clock, exchange, killSwitch, processors, scored };
}
