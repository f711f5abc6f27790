import { hostname } from 'node:os';
import { join } from 'node:path';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_FAULTS, type PaperFaults, parseFaults } from '../../connectors/exchange/paper/faults.ts';
import { describeConnections } from '../../connectors/kafka/kafka-connection.ts';
import { LOG_LEVELS, type LogLevel, pinoLogger } from '../../connectors/system/pino-logger.ts';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { KAFKA_SETTINGS, REGISTRY_SETTINGS, settingsHelp } from '../../connectors/system/settings.ts';
import { userName } from '../../connectors/system/user-name.ts';
import { boundYoungGeneration } from '../../connectors/system/young-generation.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { DEFAULT_POLICY_ID } from '../../pipelines/scoring/policy.ts';
import type { Logger } from '../../ports/logger.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import { logWords } from '../alert-commands.ts';
import { rememberKafka } from '../desk/choose-log.ts';
import { type WorldOptions, chosenKafka, openKafka, worldOptions } from '../open-world.ts';
import { LineWriter } from '../output.ts';
import { PROCESSORS, type ProcessorName } from '../run/build-processors.ts';
import type { OpenedVenue, VenueParts } from '../run/open-venue.ts';
import { type RunOptions, run } from '../run/run.ts';
import { loadShadows, shadowOption } from '../run/shadow-option.ts';
import {
  type VenueChoice,
  type VenueCliOptions,
  chooseVenue,
  deskOf,
  listed,
  venueLimits,
  venueOptions,
} from '../run/venue-options.ts';
import { type StallLimitsFlag, loadStallLimits, stallLimitsHelp, stallLimitsOption } from '../stall-limits-option.ts';
import { hearStopSignals } from '../stop-signals.ts';
import { loadPolicy } from '../policy/load-policy.ts';

const SOURCE = 'snapshots';
const AT_THE_VENUE: ReadonlySet<string> = new Set(['execution', SOURCE]);
const PROCESSOR_NAMES = Object.keys(PROCESSORS) as readonly ProcessorName[];

interface RunCliOptions extends WorldOptions, VenueCliOptions, StallLimitsFlag {
  readonly policy: string;
  readonly shadow?: readonly string[];
  readonly from: 'beginning' | 'latest';
  readonly httpPort?: number;
  readonly httpHost: string;
  readonly faults?: PaperFaults;
  readonly candles?: readonly string[];
  readonly seed: number;
  readonly interval?: number;
  readonly logLevel: LogLevel;
}

export function runCommand(): Command {
  return venueOptions(worldOptions(new Command('run')))
    .description('Run processors on Kafka until SIGTERM, then finish what is in hand, commit, and exit 0.')
    .addArgument(
      new Argument('[processors...]', 'any of them; several processes share the partitions')
        .choices([...PROCESSOR_NAMES, SOURCE])
        .default([...PROCESSOR_NAMES], 'scoring execution clm'),
    )
    .option('--policy <id-or-file>', 'policy to score with', DEFAULT_POLICY_ID)
    .addOption(shadowOption())
    .addOption(stallLimitsOption())
    .addOption(
      new Option('--from <where>', 'where a consumer group starts that has committed nothing yet')
        .choices(['beginning', 'latest'])
        .default('beginning'),
    )
    .option('--http-port <n>', 'serve GET /live, /ready and /metrics there; 0 picks a free port', wholeNumber)
    .option('--http-host <host>', 'address to listen on', '127.0.0.1')
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
        positive,
      ),
    )
    .addOption(new Option('--log-level <level>', 'logs on standard error').choices(LOG_LEVELS).default('info'))
    .addHelpText(
      'after',
      `
With --http-port the first line on standard output is {"http": "http://HOST:PORT"}. Topics and schemas must be there before.

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
  harvestline run snapshots --interval 1000                   a simulated desk, one candle a second
  harvestline run snapshots scoring execution clm --market live
                                                              a real account, closed on paper only
  harvestline run snapshots scoring execution clm --venue binanceusdm --demo
                                                              a practice account at the exchange
  harvestline run snapshots scoring execution clm --venue binanceusdm --live --symbols BTCUSDT,ETHUSDT --max-notional 5000
                                                              real money; stop all orders with \`harvestline halt\`

Exit codes: 0 drained, 1 a processor could not go on or log and registry are not prepared, 2 wrong usage.`,
    )
    .action(runUntilStopped);
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

async function runUntilStopped(parts: readonly string[], cli: RunCliOptions): Promise<void> {
  checkLists(cli);
  boundYoungGeneration();
  const machine = new SystemClock();
  const logger = pinoLogger(cli.logLevel);
  const connect = connector(cli, logger);
  const policy = loadPolicy(cli.policy);
  const stallLimits = loadStallLimits(cli);
  const shadows = loadShadows(cli.shadow ?? [], policy, parts);
  const random = new SeededRandom(cli.seed);
  // Scoring and CLM never ask an exchange, so they neither need one nor wait for it.
  const isAtVenue = parts.some((name) => AT_THE_VENUE.has(name));
  const choice: VenueChoice = isAtVenue ? chooseVenue(cli, process.env) : { kind: 'paper' };
  const drain = new AbortController();
  // Never released: the drain has a bound of its own (app/run/run.ts), and the process ends with it.
  hearStopSignals(machine).signal.addEventListener('abort', () => drain.abort());
  const names = new DeskNames(cli.desk);
  const output = new LineWriter(process.stdout);
  const opened: { close(): void }[] = [];
  try {
    const observes = parts.includes(SOURCE);
    const venue = isAtVenue
      ? await openedVenue({ choice, cli, names, random, machine, logger, observes }, opened)
      : { clock: machine, connect: noVenue, measure: () => {}, desk: null };
    const { desk } = venue;
    await run(
      {
        desk: {
          ...deskOf(cli, choice),
          observes: desk?.accounts ?? [],
          machine: `${hostname()}:${process.pid}`,
          by: userName(),
          clock: machine,
        },
        processors: PROCESSOR_NAMES.filter((name) => parts.includes(name)),
        sources: desk === null ? {} : { [SOURCE]: desk.source },
        connect,
        policy,
        shadows,
        stallLimits,
        logWords: logWords(cli),
        exchange: venue.connect,
        measure: venue.measure,
        limits: venueLimits(cli, choice),
        from: cli.from,
        http: cli.httpPort === undefined ? null : { host: cli.httpHost, port: cli.httpPort },
        onListening: (url) => {
          void output.write(JSON.stringify({ http: url }));
          void output.flush();
        },
        clock: venue.clock,
        logger,
      },
      drain,
    );
  } finally {
    for (const part of opened.toReversed()) part.close();
    // All that had to be done is done, or its time is up: a socket to a broker that is gone must not keep the process.
    void machine.sleep(0).then(() => process.exit());
  }
}

/** Markets and exchanges are loaded where somebody works at them: scoring and CLM start without. What is to be closed is added to `opened`. */
async function openedVenue(
  venue: Omit<VenueParts, 'paper'> & { readonly cli: RunCliOptions },
  opened: { close(): void }[],
): Promise<OpenedVenue> {
  const { cli, names, random, machine: clock } = venue;
  const { PAPER_BOOK, PaperExchange } = await import('../../connectors/exchange/paper/paper-exchange.ts');
  const path = join(cli.data, names.local(PAPER_BOOK));
  const paper = new PaperExchange({ path, clock, random, faults: cli.faults ?? DEFAULT_FAULTS });
  opened.push(paper);
  const { openVenue } = await import('../run/open-venue.ts');
  const there = await openVenue({ ...venue, paper });
  const { desk } = there;
  if (desk !== null) opened.push({ close: () => desk.release() });
  return there;
}

function noVenue(): Promise<never> {
  return Promise.reject(new TypeError('no part of this process works at a venue'));
}

/** Throws USAGE where no Kafka is named. */
function connector(cli: RunCliOptions, logger: Logger): RunOptions['connect'] {
  const connections = chosenKafka(cli);
  const names = new DeskNames(cli.desk);
  if (connections === null) {
    const message = 'run works on Kafka: give --brokers or KAFKA_BROKERS; on the embedded log the whole chain is `dev`';
    throw new HarvestlineError('USAGE', message);
  }
  rememberKafka(cli.data, connections, cli.desk);
  logger.info({ ...describeConnections(connections), desk: names.desk }, 'connecting');
  return () => {
    const { log, registry } = openKafka(connections, logger, names);
    return Promise.resolve({ log, registry, close: () => log.close() });
  };
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Give a whole number, 0 or more.');
  return Number(text);
}

function positive(text: string): number {
  const number = wholeNumber(text);
  if (number === 0) throw new InvalidArgumentError('Give a whole number, 1 or more.');
  return number;
}
