import { Command, Option } from 'commander';
import { DEFAULT_FAULTS, type PaperFaults, parseFaults } from '../connectors/exchange/paper/fill-plan.ts';
import { loadCandleMarket } from '../connectors/market/candle-market.ts';
import type { Market } from '../ports/market.ts';
import { simulatedMarket } from '../pipelines/snapshots/simulated/simulated-market.ts';
import { LOG_LEVELS, type LogLevel, pinoLogger } from '../connectors/system/pino-logger.ts';
import { SeededRandom } from '../connectors/system/seeded-random.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { HarvestlineError } from '../errors/harvestline-error.ts';
import { DEFAULT_POLICY_ID } from '../pipelines/scoring/policy.ts';
import type { Logger } from '../ports/logger.ts';
import { NO_METRICS } from '../ports/metrics.ts';
import type { Heartbeat } from '../ports/notify.ts';
import type { Random } from '../ports/random.ts';
import { DeskNames } from '../schemas/desk-names.ts';
import { logWords, dataDirOption, deskOption } from './options/log-options.ts';
import { DevChain, type CycleResult } from './compose/dev-chain.ts';
import {
  loadPolicy,
  type StallLimitsFlag,
  loadStallLimits,
  stallLimitsHelp,
  stallLimitsOption,
} from './options/policy-options.ts';
import { type HttpCliOptions, httpOptions } from './options/http-options.ts';
import { heartbeatOption, notifyOption } from './options/notify-options.ts';
import { listed, wholeNumber } from './options/parsers.ts';
import { type OrderCliOptions, orderOptions, orderTerms } from './options/venue-options.ts';
import type { Clock } from '../ports/clock.ts';
import { type Alert, RaisedAlerts, printedAlert } from '../pipelines/alerts/alerts.ts';
import { LineWriter, terminalWidth } from '../render/output.ts';
import { onShutdownSignal } from '../connectors/system/process.ts';
import type { DevWatch } from './dev/dev-watch.ts';
import { type DevServer, type DevServing, devServing } from './dev/dev-server.ts';
import { LiveView } from './dev/live-view.ts';
import { summaryLines, type StoppedBy, SummaryCounter } from './dev/summary.ts';

const MINUTE_MS = 60_000;

/** Pause between two cycles when somebody is watching: slow enough to read. Unit: milliseconds. */
const WATCHED_PACE_MS = 250;

interface DevCliOptions extends StallLimitsFlag, OrderCliOptions, HttpCliOptions {
  readonly cycles?: number;
  readonly seed: number;
  readonly market?: 'simulated' | 'candles';
  readonly candles?: readonly string[];
  readonly policy: string;
  readonly faults?: PaperFaults;
  readonly pace?: number;
  readonly data: string;
  readonly desk?: string;
  readonly json?: boolean;
  readonly notify?: string;
  readonly http: boolean;
  readonly heartbeat?: Heartbeat;
  readonly logLevel: LogLevel;
}

export function devCommand(): Command {
  return (
    orderOptions(httpOptions(new Command('dev')))
      .description(
        'Run the whole chain on the embedded log: a market, 15 positions, scoring, the paper exchange, CLM; time sped up.',
      )
      .option('--cycles <n>', 'stop after n more cycles, with a summary', wholeNumber)
      .option('--seed <n>', 'the same seed gives the same result', wholeNumber, 1)
      .addOption(
        new Option(
          '--market <kind>',
          'where prices come from (default: simulated; candles where --candles is given)',
        ).choices(['simulated', 'candles']),
      )
      // Variadic as well: dev has no arguments that could follow.
      .option('--candles <file...>', 'CSV files with timestamp_ms,open,high,low,close,volume, one symbol each', listed)
      .option('--policy <id-or-file>', 'policy to score with', DEFAULT_POLICY_ID)
      .addOption(stallLimitsOption())
      .option(
        '--faults <list>',
        'faults of the paper exchange with their probabilities, e.g. lost-reply=0.05,blackout=0.01',
        parseFaults,
      )
      .option(
        '--pace <ms>',
        `pause between cycles (default: ${WATCHED_PACE_MS} on a terminal without --cycles, else 0)`,
        wholeNumber,
      )
      .addOption(deskOption())
      .addOption(dataDirOption())
      .addOption(notifyOption('send alerts to the targets of this file as `run watch` does, but for reminders'))
      .addOption(heartbeatOption())
      .option('--no-http', 'serve no page on a terminal either')
      .option('--json', 'lines instead of the live view, also on a terminal')
      .addOption(new Option('--log-level <level>', 'logs on standard error').choices(LOG_LEVELS).default('warn'))
      .addHelpText(
        'after',
        `
On a terminal: a live view of positions, decisions and the gate, and the address of the same in a browser; Ctrl-C ends it with a
summary. In a pipe: one JSON object a cycle, and the summary as the last line; with --http-port {"http": "http://HOST:PORT"} comes first.
--http-host beyond this machine needs --http-token-file. docs/page.md has access and proxies.
A second dev on the same data goes on from where the
first was; another market or seed is another desk, with accounts of its own, in the same log.
Stall alerts show on the screen, in a pipe as log lines, within a quarter of an hour of the market's time.
Summary counts are of this run, but for dead letters, outcomes, gate and alerts, which are of the whole record.

${stallLimitsHelp()}

Examples:
  harvestline dev
  harvestline dev --cycles 400 --seed 7
  harvestline dev --market candles --candles examples/data/XRP-USDT-USDT-5m-futures.csv --cycles 400
  harvestline dev --cycles 400 --data .rough --faults lost-reply=0.05,timeout=0.05,reject=0.02,blackout=0.01
  harvestline dev --cycles 400 --data .legacy --policy legacy
  harvestline dev --policy legacy --notify notify.yaml`,
      )
      .action(async (options: DevCliOptions) => {
        const random = new SeededRandom(options.seed);
        const logger = pinoLogger(options.logLevel);
        const live = process.stdout.isTTY && options.json !== true;
        const clock = new SystemClock();
        const { metrics, start } = await devServing(options, live, { clock, logger });
        const market = await marketOf(options, random, logger);
        const chain = await DevChain.open({
          dataDir: options.data,
          desk: deskName(market, options.seed),
          names: new DeskNames(options.desk),
          market,
          random,
          policy: loadPolicy(options.policy),
          stallLimits: loadStallLimits(options),
          faults: options.faults ?? DEFAULT_FAULTS,
          order: orderTerms(options, false),
          viewed: start === null ? null : { logFlags: logWords(options) },
          metrics,
          logger,
        });
        const notify = await openNotify(options, chain, market, logger);
        const pace = options.pace ?? (live && options.cycles === undefined ? WATCHED_PACE_MS : 0);
        await runDev({
          chain,
          cycles: options.cycles ?? Infinity,
          paceMs: pace,
          live,
          output: process.stdout,
          logger,
          logWords: logWords(options),
          notify: notify?.watch ?? null,
          heartbeats: [...(notify?.heartbeats ?? []), ...(options.heartbeat === undefined ? [] : [options.heartbeat])],
          serve: start,
          clock,
        });
      })
  );
}

/** `simulated-1`, `candles-5m-1`: one name for the same prices and the same draws. */
function deskName({ source, intervalMs }: Market, seed: number): string {
  return source === 'simulated' ? `${source}-${seed}` : `${source}-${intervalMs / MINUTE_MS}m-${seed}`;
}

async function marketOf({ market, candles }: DevCliOptions, random: Random, logger: Logger): Promise<Market> {
  if (candles === undefined) {
    if (market === 'candles') throw new HarvestlineError('USAGE', '--market candles needs --candles FILE…');
    return simulatedMarket(random);
  }
  if (market === 'simulated') throw new HarvestlineError('USAGE', '--candles goes with --market candles');
  return loadCandleMarket(candles, (text) => logger.warn({ option: '--candles' }, text));
}

interface RunDevOptions {
  readonly chain: DevChain;
  readonly cycles: number;
  /** Unit: milliseconds between cycles. */
  readonly paceMs: number;
  /** A live view and a table, for a terminal, instead of lines. */
  readonly live: boolean;
  readonly output: NodeJS.WriteStream;
  /** Receives stall alerts in a pipe; a live view shows them. */
  readonly logger: Logger;
  /** Name the data folder in the commands that alerts print. */
  readonly logWords?: string;
  /** Records and sends alerts; null without `--notify`. */
  readonly notify: DevWatch | null;
  /** Monitors to call while cycles go on. */
  readonly heartbeats: readonly Heartbeat[];
  /** Starts the server of the page; null where nobody can look. */
  readonly serve: DevServing['start'];
  /** Paces cycles and screen; never gets into a record. */
  readonly clock: Clock;
}

/** Shortest time between two pictures; the cycles in between are not drawn. Unit: milliseconds. */
const FRAME_MS = 100;

/** How late a stall may show. Looking more often would cost a fifth of the speed. Unit: milliseconds of the market's time. */
const STALL_LOOK_MS = 15 * 60 * 1000;

/** Runs cycles until they are done, the market ends, or SIGINT or SIGTERM asks to stop; then prints a summary. */
async function runDev({
  chain,
  cycles,
  paceMs,
  live,
  output,
  clock,
  logger,
  logWords: words = '',
  notify,
  heartbeats,
  serve,
}: RunDevOptions): Promise<void> {
  const stop = onShutdownSignal(clock);
  const counter = new SummaryCounter();
  const lines = new LineWriter(output);
  const summary = () =>
    counter.summary({
      stoppedBy: stop.signal.aborted ? 'signal' : stoppedBy,
      gate: chain.clm.gate(),
      accumulating: chain.clm.accumulating(),
      deadLetters: chain.deadLetters(),
    });
  const raised = live ? null : new RaisedAlerts({ logger, logWords: words });
  let stalls: readonly Alert[] = [];
  let lookedAt = -Infinity;
  let drawnAt = -Infinity;
  let stoppedBy: StoppedBy = 'cycles';
  let cycleAt = clock.now();
  const ended = new AbortController();
  const isWell = (): boolean => clock.now() - cycleAt <= paceMs + UNWELL_AFTER_MS;
  void beat(heartbeats, isWell, { clock, logger }, ended.signal);
  let server: DevServer | null = null;
  try {
    if (serve !== null && chain.board !== null) server = await serve(chain.board, isWell);
    const view = live ? new LiveView(output, words, server?.url ?? null) : null;
    if (view === null && server !== null) await lines.write(JSON.stringify({ http: server.url }));
    await notify?.begin(stop.signal);
    for (let done = 0; done < cycles && !stop.signal.aborted && !lines.closed; done++) {
      const result = await chain.runCycle();
      if (result === undefined) {
        stoppedBy = 'market';
        break;
      }
      counter.add(result);
      cycleAt = clock.now();
      if (notify !== null) {
        stalls = (await notify.cycled(result.now, stop.signal)) ?? stalls;
        raised?.become(stalls);
      } else if (Math.abs(result.now - lookedAt) >= STALL_LOOK_MS) {
        lookedAt = result.now;
        // Pauses, so that signals are handled: the first call reads all of an existing log.
        stalls = (await chain.stallAlerts((signal) => clock.sleep(0, signal), stop.signal)) ?? stalls;
        raised?.become(stalls);
      }
      if (view === null) {
        await lines.write(JSON.stringify(cycleLine(result)));
        await lines.flush();
      } else {
        view.note(result);
        if (clock.now() - drawnAt >= FRAME_MS) {
          view.show(
            result,
            summary(),
            [chain.clm.alert(), ...stalls].filter((alert) => alert !== null),
          );
          drawnAt = clock.now();
        }
      }
      // Also without a pace, so that signals are handled.
      await clock.sleep(paceMs, stop.signal);
    }
    view?.done();
    await notify?.finish();
    // The terminal has written ^C where the summary would begin.
    if (live && stop.signal.aborted) await lines.write('');
    const alerts = await chain.alerts();
    const text = live
      ? summaryLines({ ...summary(), alerts, shown: counter.best }, terminalWidth(output), words)
      : [JSON.stringify({ ...summary(), alerts: alerts.map((alert) => printedAlert(alert, words)) })];
    for (const line of text) await lines.write(line);
    await lines.flush();
  } finally {
    ended.abort();
    await server?.close();
    await chain.close();
    stop.release();
  }
}

/** What `--notify` adds. Loaded where it is given. Throws NOTIFY_FILE_INVALID. */
async function openNotify(options: DevCliOptions, chain: DevChain, { intervalMs }: Market, logger: Logger) {
  const { notify: notifyFile, desk = null } = options;
  if (notifyFile === undefined) return null;
  const { readNotifyFile } = await import('../connectors/notify/notify-file.ts');
  const { DevWatch } = await import('./dev/dev-watch.ts');
  const settings = readNotifyFile(notifyFile);
  const limits = loadStallLimits(options);
  const clock = new SystemClock();
  const watch = new DevWatch({
    chain,
    intervalMs,
    settings,
    notifyFile,
    desk,
    limits,
    logFlags: logWords(options),
    clock,
    logger,
  });
  return { watch, heartbeats: settings.heartbeats };
}

/** A monitor is not called any more where no cycle has ended for so long beyond the pace. Unit: milliseconds. */
const UNWELL_AFTER_MS = 2 * MINUTE_MS;

/** Calls the monitor while `isWell`. Loaded where there is one. */
async function beat(
  heartbeats: readonly Heartbeat[],
  isWell: () => boolean,
  parts: { readonly clock: Clock; readonly logger: Logger },
  signal: AbortSignal,
): Promise<void> {
  if (heartbeats.length === 0) return;
  const { callMonitor } = await import('../connectors/notify/heartbeat.ts');
  const { sendHeartbeats } = await import('../pipelines/notify/heartbeats.ts');
  await sendHeartbeats({ heartbeats, call: callMonitor, isWell, ...parts, metrics: NO_METRICS }, signal);
}

function cycleLine({ cycle, now, scored, reports, outcomes }: CycleResult): object {
  return {
    cycle,
    now,
    snapshots: scored.length,
    intents: scored.filter(({ decision }) => decision.action !== 'HOLD').length,
    fills: reports.filter(({ status }) => status === 'FILLED').length,
    final: outcomes.filter(({ status }) => status === 'FINAL').length,
  };
}
