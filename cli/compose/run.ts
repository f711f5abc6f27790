import packageJson from '../../package.json' with { type: 'json' };
import type { LogSession } from '../../pipelines/runtime/log-session.ts';
import type { AccessRules } from '../../connectors/http/access.ts';
import { HarvestlineError, isKind } from '../../errors/harvestline-error.ts';
import { type RetryingPart, retryPart } from '../../pipelines/runtime/part-retry.ts';
import { type Desk, EVERY_OTHER_ACCOUNT, executionGroupOf } from '../../pipelines/desk/claims.ts';
import type { ExecutionLimits } from '../../pipelines/execution/limits.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import { DEFAULT_STALL_LIMITS, type StallLimits } from '../../pipelines/watch/stall-limits.ts';
import { type Clock, type EpochMillis, aborted } from '../../ports/clock.ts';
import type { EventLog, SubscribeOptions, TopicAdmin } from '../../ports/event-log.ts';
import type { Exchange } from '../../ports/exchange.ts';
import { isUnknown } from '../../ports/kill-switch.ts';
import type { Heartbeat } from '../../ports/notify.ts';
import type { Logger } from '../../ports/logger.ts';
import { type Metrics, NO_METRICS } from '../../ports/metrics.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import type { DeskPart } from '../../schemas/generated/records.ts';
import { EVERY_ACCOUNT } from '../../ports/worked-accounts.ts';
import { DeskControlWatch } from '../../pipelines/desk/desk-control.ts';
import { AccountClaims, WorkingPart } from '../../pipelines/desk/account-claims.ts';
import { killSwitchUnknownAlert, refuseForgetting, whyItForgets } from '../../pipelines/desk/control-topic.ts';
import { Presence } from '../../pipelines/desk/presence.ts';
import { RaisedAlerts } from '../../pipelines/alerts/alerts.ts';
import type { RunWatch } from '../../pipelines/notify/run-watch.ts';
import type { OfferedBoard } from './awaited-board.ts';
import { beatWhileReady } from './beat.ts';
import type { WatchChoice } from './build-watch.ts';
import { PROCESSORS, type ProcessorName } from './build-processors.ts';
import { Health } from '../../pipelines/runtime/health.ts';
import { runProcessors, watchedGroups } from './run-processors.ts';
import type { Source } from '../../pipelines/runtime/processor.ts';
import { TOPICS, allTopicSpecs } from '../../schemas/topics.ts';

/** `run` registers no schemas, so it needs no registry. */
type RunSession = Omit<LogSession, 'registry'>;

/** What a source is made from. */
export interface SourceParts {
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Asked before records of the accounts are written. Throws ACCOUNT_TAKEN where they are another's by now. */
  readonly mayWrite: () => Promise<void>;
}

/** The account that a process works, and its name on desk.claim and desk.process. */
interface DeskIdentity extends Omit<Desk, 'part'> {
  /** A person has named the account: its claim stands also while no process works it. */
  readonly standing: boolean;
  /** The accounts that its snapshot source observes. */
  readonly observes: readonly string[];
  /** Distinguishes this process from all others. */
  readonly machine: string;
  /** The user that it runs as. */
  readonly by: string;
  /** The machine's: processes are compared by their machines' time, not by their venues'. */
  readonly clock: Clock;
}

export interface RunOptions {
  /** Null: the process claims no account and announces itself nowhere. */
  readonly desk: DeskIdentity | null;
  readonly processors: readonly ProcessorName[];
  /** Sources by name. */
  readonly sources: Readonly<Record<string, (parts: SourceParts) => Source>>;
  /** Throws a transient error while broker or registry are unavailable. */
  readonly connect: () => Promise<RunSession>;
  readonly policy: Policy;
  /** Candidates for shadow.decision. */
  readonly shadows?: readonly Policy[];
  /** Limits of the stall alerts; the defaults where left out. */
  readonly stallLimits?: StallLimits;
  /** Name the log in the commands that alerts print. */
  readonly logWords?: string;
  /** Throws a transient error while the exchange is unavailable. */
  readonly exchange: () => Promise<Exchange>;
  /** Registers the metrics of the exchange; none where left out. */
  readonly measure?: (metrics: Metrics) => void;
  /** Defaults: DEFAULT_LIMITS. */
  readonly limits?: Partial<ExecutionLimits>;
  readonly from: SubscribeOptions['from'];
  /** Null or left out: nobody can look. */
  readonly board?: OfferedBoard | null;
  /** Null: no HTTP. Port 0 picks a free one. */
  readonly http: (AccessRules & { readonly port: number }) | null;
  readonly onListening: (url: string) => void;
  /** Called at the start, for whoever shows the state of the process. */
  readonly onHealth?: (health: Health) => void;
  /** A monitor to call while all is well with this process; null for none. */
  readonly heartbeat?: Heartbeat | null;
  /** Of the processor `watch`. */
  readonly watch?: WatchChoice;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * How long a drain may take. A batch of execution that waits for the venue ends within about 10 s an order; container
 * runtimes kill after 30 s at the latest, and `docker stop` must be told to wait as long. Unit: milliseconds.
 */
const DRAIN_BOUND_MS = 25_000;

/**
 * Runs processors until `drain` is aborted or one cannot go on; health and metrics are served from before the first
 * connection to after the last commit. Throws ACCOUNT_TAKEN, SCHEMA_NOT_REGISTERED, TOPIC_MISSING or TOPICS_NOT_CO_PARTITIONED when log and
 * registry are not prepared, DRAIN_TIMED_OUT when the drain takes longer than 25 s, and whatever a processor could not go on for.
 */
export async function run(options: RunOptions, drain: AbortController): Promise<void> {
  const { clock, logger } = options;
  const health = new Health([...options.processors, ...Object.keys(options.sources)], clock);
  options.onHealth?.(health);
  const served = await serve(options, health);
  options.measure?.(served.metrics);
  const ended = new AbortController();
  const onDrain = (): void => {
    health.drains();
    logger.info({}, 'draining');
  };
  drain.signal.addEventListener('abort', onDrain, { once: true });
  try {
    await Promise.race([work(options, served.metrics, health, drain), overdue(clock, drain.signal, ended.signal)]);
    logger.info({}, 'drained');
  } finally {
    ended.abort();
    await served.close();
  }
}

/** Serves health and metrics. Without HTTP nothing is measured: nobody could read it. */
async function serve(
  { http, board, onListening, logger, desk, clock }: RunOptions,
  health: Health,
): Promise<{ readonly metrics: Metrics; close(): Promise<void> }> {
  if (http === null) return { metrics: NO_METRICS, close: () => Promise.resolve() };
  const { PrometheusMetrics } = await import('../../connectors/metrics/prometheus-metrics.ts');
  const { HttpServer } = await import('../../connectors/http/http-server.ts');
  const metrics = new PrometheusMetrics();
  metrics.gauge('buildInfo', { version: packageJson.version, node: process.version }).set(1);
  const probes = { live: () => health.live(), ready: () => health.ready() };
  const server = await HttpServer.start({
    ...http,
    ...probes,
    metrics,
    board: board?.viewed ?? null,
    clock: desk?.clock ?? clock,
    logger,
  });
  onListening(server.url);
  return { metrics, close: () => server.close() };
}

async function work(options: RunOptions, metrics: Metrics, health: Health, drain: AbortController): Promise<void> {
  const {
    clock,
    logger,
    policy,
    shadows = [],
    stallLimits = DEFAULT_STALL_LIMITS,
    logWords = '',
    limits = {},
    from,
    heartbeat = null,
  } = options;
  const { signal } = drain;
  const retrying: RetryingPart = { processor: 'run', clock, logger, signal, observer: health.connecting };
  let session: RunSession | undefined;
  const opened: { watch: RunWatch | null } = { watch: null };
  const isWell = (): boolean => opened.watch?.isWell() ?? true;
  void beatWhileReady({ heartbeat, health, isWell, clock, logger, metrics }, signal);
  try {
    session = await retryPart(retrying, 'connecting', options.connect);
    const { log, openCodec } = session;
    // Topics and schemas are checked at the same time. Where both are missing, topics are reported first: they are created first.
    const schemas = retryPart(retrying, 'schemas', openCodec);
    schemas.catch(() => {});
    await retryPart(retrying, 'topics', () => checkTopics(log));
    const codec = await schemas;
    if (options.processors.includes('execution')) await retryPart(retrying, 'kill switch', () => refuseForgetting(log));
    const alerts = new RaisedAlerts({ logger, logWords, metrics, names: ['kill_switch_unknown'] });
    const killSwitch = new DeskControlWatch({ log, codec }, clock, logger, {
      whyItForgets: () => whyItForgets(log),
      onPoll: () => {
        const alert = killSwitchUnknownAlert(killSwitch.stops().filter(isUnknown));
        alerts.become(alert === null ? [] : [alert]);
      },
    });
    const working = workingParts(options, { log, codec, killSwitch, retrying, signal });
    try {
      const execution = working.find(({ name }) => name === 'execution');
      await execution?.begin();
      const exchange = (): Promise<Exchange> => retryPart(retrying, 'exchange', options.exchange);
      const accounts = execution?.claims ?? EVERY_ACCOUNT;
      const ordering = { exchange, limits, draining: signal, accounts, killSwitch };
      const { desk, watch: choice = { notifyFile: null, desk: null } } = options;
      const openWatch = async (): Promise<RunWatch> => {
        const { buildWatch } = await import('./build-watch.ts');
        const seen = { log, codec, stallLimits, logWords, clock: desk?.clock ?? clock, logger, metrics };
        return (opened.watch = buildWatch(choice, seen));
      };
      const parts = { log, codec, policy, shadows, ...ordering, openWatch, clock, logger, metrics };
      const processors = await Promise.all(options.processors.map((name) => PROCESSORS[name](parts)));
      const sources = Object.entries(options.sources).map(([name, make]): Source => {
        const part = working.find((one) => one.name === name);
        const mayWrite = (): Promise<void> => part?.claims.hold() ?? Promise.resolve();
        const source = make({ log, codec, health, metrics, logger, mayWrite });
        return { name, run: (until) => beginning(part, source, until) };
      });
      const groups = { execution: executionGroup(options) };
      // Not awaited: it only reads, so losing the log in the middle does no harm, and a drain must not wait for its broker.
      const { watchStalls } = await import('../../pipelines/watch/stall-watcher.ts');
      const machine = options.desk?.clock;
      const seen = { log, codec, policy, stallLimits, limits, killSwitch, logWords, clock, machine };
      const { board: offered = null } = options;
      const shared = offered === null ? {} : (await import('./board.ts')).openOffered(offered, seen, signal);
      const watched = { groups: watchedGroups({ processors, groups }), stallLimits, logWords };
      // The watch evaluates all that the stall watch does.
      const watching = opened.watch?.run(signal) ?? Promise.resolve();
      if (opened.watch === null) void watchStalls({ ...parts, ...watched, ...shared }, signal);
      const watchers = working.map(({ name, claims }): Source => ({ name, run: (until) => claims.watch(until) }));
      const running = { log, codec, processors, sources, watchers, groups, from, clock, metrics, health };
      await runProcessors({ ...running, logger, logWords }, drain);
      await watching;
    } finally {
      await Promise.all(working.map((part) => part.end()));
    }
  } catch (thrown) {
    // The drain began before the start was complete.
    if (!signal.aborted || !isKind(thrown, 'transient')) throw thrown;
  } finally {
    await session?.close();
  }
}

/** A source that was killed and started again waits until the earlier one is known to be gone; the other parts do not wait for that. */
async function beginning(part: WorkingPart | undefined, source: Source, signal: AbortSignal): Promise<void> {
  await part?.begin();
  if (!signal.aborted) await source.run(signal);
}

interface DeskDependencies {
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly killSwitch: DeskControlWatch;
  readonly retrying: RetryingPart;
  readonly signal: AbortSignal;
}

/** The parts of this process that work accounts: execution, a snapshot source, or both. */
function workingParts(
  { desk, processors, sources, logger, logWords = '' }: RunOptions,
  { log, codec, killSwitch, retrying, signal }: DeskDependencies,
): readonly WorkingPart[] {
  if (desk === null) return [];
  const { account, venue, mode, standing, observes, machine, by, clock } = desk;
  const startedAt = clock.now();
  const working = (
    name: string,
    part: DeskPart,
    accounts: readonly string[],
    obeyed: DeskControlWatch | null,
  ): WorkingPart => {
    const shared = { process: processName(machine, part, startedAt), by, log, codec, clock, logger };
    return new WorkingPart({
      name,
      accounts,
      standing: standing && accounts.includes(account),
      claims: new AccountClaims({ ...shared, part, venue, mode, words: logWords, signal }),
      presence: new Presence({ ...shared, desk: { part, account, venue, mode }, killSwitch: obeyed }),
      retrying,
    });
  };
  return [
    ...(processors.includes('execution') ? [working('execution', 'EXECUTION', [account], killSwitch)] : []),
    ...Object.keys(sources).map((name) => working(name, 'SNAPSHOTS', observes, null)),
  ];
}

function executionGroup({ desk }: RunOptions): string {
  const account = desk?.account ?? EVERY_OTHER_ACCOUNT;
  return executionGroupOf({ account, by_default: account === EVERY_OTHER_ACCOUNT });
}

/** Unique also where the machine reuses a process id. */
function processName(machine: string, part: DeskPart, startedAt: EpochMillis): string {
  return `${machine}:${part.toLowerCase()}:${startedAt}`;
}

/** Rejects when the drain takes too long. */
async function overdue(clock: Clock, draining: AbortSignal, ended: AbortSignal): Promise<never> {
  await aborted(draining);
  await clock.sleep(DRAIN_BOUND_MS, ended);
  throw new HarvestlineError('DRAIN_TIMED_OUT', `the drain took longer than ${DRAIN_BOUND_MS / 1000} s`);
}

/** Execution's input and state, which are read back by partition (pipelines/runtime/per-partition.ts RUN-14). */
const CO_PARTITIONED = [
  TOPICS.harvestIntent,
  TOPICS.positionReconciled,
  TOPICS.executionReport,
  TOPICS.tradeClosed,
] as const;

/** Throws TOPIC_MISSING naming every absent topic, or TOPICS_NOT_CO_PARTITIONED. Other drift is `topics apply`'s to report. */
async function checkTopics(log: EventLog & TopicAdmin): Promise<void> {
  // Asked at the same time. A missing topic fails both, and is reported with all the others.
  const asked = Promise.all(
    CO_PARTITIONED.map(async ({ name }) => ({ name, partitions: (await log.offsets(name)).length })),
  );
  asked.catch(() => {});
  const found = await log.compareTopics(allTopicSpecs());
  const missing = found.filter(({ state }) => state === 'missing').map(({ topic }) => topic);
  if (missing.length > 0) throw new HarvestlineError('TOPIC_MISSING', `the log has no ${missing.join(', ')}`);
  const counts = await asked;
  if (new Set(counts.map(({ partitions }) => partitions)).size > 1) {
    const list = counts.map(({ name, partitions }) => `${name} has ${partitions}`).join(', ');
    throw new HarvestlineError('TOPICS_NOT_CO_PARTITIONED', `partitions differ: ${list}`);
  }
}
