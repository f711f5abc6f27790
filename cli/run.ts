import { existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, Command, Option } from 'commander';
import { deskRegistry } from '../connectors/desk-log.ts';
import { parseFaults } from '../connectors/exchange/paper/fill-plan.ts';
import { ConfluentRegistry } from '../connectors/kafka/confluent-registry.ts';
import { makeDataFolder } from '../connectors/system/data-folder.ts';
import { LOG_LEVELS, fileLogger, pinoLogger } from '../connectors/system/pino-logger.ts';
import { KAFKA_SETTINGS, REGISTRY_SETTINGS, settingsHelp } from '../connectors/system/settings.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { boundYoungGeneration } from '../connectors/system/young-generation.ts';
import type { Logger } from '../ports/logger.ts';
import { placeInFile, settingsFromFile } from './config/apply-config.ts';
import { HarvestlineError } from '../errors/harvestline-error.ts';
import { DEFAULT_POLICY_ID } from '../pipelines/scoring/policy.ts';
import { DeskNames } from '../schemas/desk-names.ts';
import { RecordCodec } from '../schemas/record-codec.ts';
import { PROCESSOR_NAMES, SOURCE, USUAL_PROCESSORS } from './compose/build-processors.ts';
import type { RunCliOptions } from './compose/run-until-stopped.ts';
import { heartbeatOption, notifyOption } from './options/notify-options.ts';
import { shadowOption, stallLimitsHelp, stallLimitsOption } from './options/policy-options.ts';
import { listed, positiveNumber, wholeNumber } from './options/parsers.ts';
import { httpOptions } from './options/http-options.ts';
import { venueOptions } from './options/venue-options.ts';
import { chosenKafka, logOptions } from './options/log-options.ts';

/** Enough to send the requests to the registry: loading modules, which comes next, blocks everything else. Unit: milliseconds. */
const SENDING_MS = 10;

export function runCommand(): Command {
  return venueOptions(httpOptions(logOptions(new Command('run'))))
    .description('Run processors on Kafka until SIGTERM, then finish what is in hand, commit, and exit 0.')
    .addArgument(
      new Argument('[processors...]', 'any of them; several processes share the partitions')
        .choices([...PROCESSOR_NAMES, SOURCE])
        .default([...USUAL_PROCESSORS], USUAL_PROCESSORS.join(' ')),
    )
    .option('--policy <id-or-file>', 'policy to score with', DEFAULT_POLICY_ID)
    .addOption(shadowOption())
    .addOption(stallLimitsOption())
    .addOption(
      new Option('--from <where>', 'where a consumer group starts that has committed nothing yet')
        .choices(['beginning', 'latest'])
        .default('beginning'),
    )
    .option(
      '--faults <list>',
      'faults of the paper exchange with their probabilities, e.g. lost-reply=0.05',
      parseFaults,
    )
    .addOption(
      new Option('--market <kind>', 'at the paper venue: where positions and prices come from').choices([
        'live',
        'simulated',
        'candles',
      ]),
    )
    .addOption(
      new Option(
        '--candles <list>',
        `${SOURCE}: CSV files with timestamp_ms,open,high,low,close,volume, one symbol each, separated by commas; may be repeated`,
      )
        .argParser(listed)
        .implies({ market: 'candles' }),
    )
    .option('--seed <n>', 'of the simulated market and the paper exchange', wholeNumber, 1)
    .addOption(
      new Option('--interval <ms>', `${SOURCE}: real time between two candles (default: the market's own)`).argParser(
        positiveNumber,
      ),
    )
    .addOption(notifyOption('watch: the targets that alerts are sent to; `notify test --help` shows a whole file'))
    .addOption(heartbeatOption())
    .addOption(new Option('--log-level <level>', 'of the log').choices(LOG_LEVELS).default('info'))
    .option(
      '--log <file>',
      'where log lines go, - for standard error (default: standard error, or run.log in the data folder beside the live view)',
    )
    .option('--no-view', 'no live view, also on a terminal')
    .option('--json', 'the same')
    .addHelpText(
      'after',
      `
On a terminal: a live view of what the process does, the positions with their decisions, and alerts; Ctrl-C drains. In a pipe the log
alone, on standard error.
With --http-port the first line on standard output is {"http": "http://HOST:PORT"}, where a browser shows the desk. From other machines
the page is read only with --http-token-file; /live, /ready and /metrics need no token. docs/page.md has access and proxies.
Topics and schemas must be there before.

Orders go to the paper venue, whose book lies in the data folder, unless --venue names an exchange. Keys of an account come
from HARVESTLINE_API_KEY and HARVESTLINE_API_SECRET (each also as NAME_FILE). With keys the paper venue follows that account at
real prices and sends it nothing; a key that may only read is enough. Without keys the desk is simulated.

${stallLimitsHelp()}

Kafka and its registry are reached by these settings of the environment. What comes from files, and tokens of a command, are read anew for
each connection; docs/operations.md has rotation and the rights that each processor needs.
${settingsHelp([...KAFKA_SETTINGS, ...REGISTRY_SETTINGS])}

Examples:
  harvestline topics apply && harvestline schemas register    once
  harvestline run                                             scoring, execution and clm in one process
  harvestline run scoring --http-port 9464                    one processor; start it again for a second member
  harvestline run scoring --shadow mine.json                  what a candidate would do, for \`harvestline shadow\`
  harvestline run execution --from latest                     a first start that leaves what lies there alone
  harvestline run watch --notify notify.yaml                  alerts as records and messages; best on another machine
  harvestline run snapshots --interval 1000                   a simulated desk, one candle a second
  harvestline run snapshots scoring execution clm --market live
                                                              a real account, closed on paper only
  harvestline run snapshots scoring execution clm --venue binanceusdm --demo
                                                              a practice account at the exchange
  harvestline run snapshots scoring execution clm --venue binanceusdm --live --symbols BTCUSDT,ETHUSDT --max-notional 5000
                                                              real money; stop all orders with \`harvestline halt\`

Exit codes: 0 drained, 1 a processor could not go on or log and registry are not prepared, 2 wrong usage.`,
    )
    .action(start);
}

/** The rest of the program is loaded while the registry looks up its schemas, which takes about as long. */
async function start(parts: readonly string[], cli: RunCliOptions, self: Command): Promise<void> {
  checkLists(cli);
  if (cli.notify !== undefined) {
    if (!parts.includes('watch')) throw new HarvestlineError('USAGE', '--notify is for watch, which does not run here');
    // Before anything is connected: a wrong file is wrong usage.
    const { readNotifyFile } = await import('../connectors/notify/notify-file.ts');
    readNotifyFile(cli.notify);
  }
  boundYoungGeneration();
  const { logger, logFile } = openRunLog(cli);
  sayWhatTheFileSays(self, logger);
  const connections = chosenKafka(cli);
  if (connections === null) {
    const message = 'run works on Kafka: give --brokers or KAFKA_BROKERS; on the embedded log the whole chain is `dev`';
    throw new HarvestlineError('USAGE', message);
  }
  const machine = new SystemClock();
  const registry = deskRegistry(new ConfluentRegistry(connections.registry), new DeskNames(cli.desk));
  const openCodec = (): Promise<RecordCodec> => RecordCodec.open(registry, { now: () => machine.now() });
  const begun = begin(openCodec);
  await machine.sleep(SENDING_MS);
  const { runUntilStopped } = await import('./compose/run-until-stopped.ts');
  await runUntilStopped(parts, cli, { connections, openCodec: begun, machine, logger, logFile });
}

/** Its size from which on a log is put aside at the start. Unit: bytes. */
const LARGE_LOG = 10 * 1024 * 1024;

/** The log of the process, and the file that it goes to beside a live view; null: there is no live view. */
function openRunLog({ data, log, logLevel, view, json }: RunCliOptions): {
  readonly logger: Logger;
  readonly logFile: string | null;
} {
  // Log lines on the screen itself would write over it.
  const live = process.stdout.isTTY && view && json !== true && !(log === '-' && process.stderr.isTTY);
  if (log === '-' || (log === undefined && !live))
    return { logger: pinoLogger(logLevel), logFile: live ? 'standard error' : null };
  if (log !== undefined) return { logger: fileLogger(logLevel, log), logFile: live ? log : null };
  makeDataFolder(data);
  const file = join(data, 'run.log');
  if (existsSync(file) && statSync(file).size > LARGE_LOG) renameSync(file, `${file}.1`);
  return { logger: fileLogger(logLevel, file), logFile: file };
}

/** Real money that nobody typed is said first. */
function sayWhatTheFileSays(self: Command, logger: Logger): void {
  const live = placeInFile(self, 'live');
  if (live !== null) logger.warn({ from: live }, `real money: --live comes from ${live}`);
  const settings = settingsFromFile(self);
  if (Object.keys(settings).length > 0) logger.info({ settings }, 'options from a file');
}

/** Starts the work at once. The first call returns its result; a later call starts it again. */
function begin<T>(work: () => Promise<T>): () => Promise<T> {
  let first: Promise<T> | null = work();
  // Its failure is thrown by the first call.
  first.catch(() => {});
  return () => {
    const result = first ?? work();
    first = null;
    return result;
  };
}

/** Throws USAGE where a word after an option was meant for a processor. */
function checkLists({ symbols = [], candles = [] }: RunCliOptions): void {
  const names: ReadonlySet<string> = new Set([...PROCESSOR_NAMES, SOURCE]);
  const misplaced = [...symbols, ...candles].filter((word) => names.has(word.toLowerCase()));
  if (misplaced.length === 0) return;
  throw new HarvestlineError(
    'USAGE',
    `${misplaced.join(', ')}: the name of a processor, given to --symbols or --candles; processors stand by themselves, e.g. ` +
      '`run snapshots execution --symbols BTCUSDT,ETHUSDT`',
  );
}
