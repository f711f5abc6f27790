import { hostname } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_FAULTS, type PaperFaults } from '../../connectors/exchange/paper/fill-plan.ts';
import { type Connections, describeConnections } from '../../connectors/kafka/kafka-connection.ts';
import type { LogLevel } from '../../connectors/system/pino-logger.ts';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { userName, onShutdownSignal } from '../../connectors/system/process.ts';
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Heartbeat } from '../../ports/notify.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import { type HttpCliOptions, chosenHttp } from '../options/http-options.ts';
import { logWords, type LogOptions } from '../options/log-options.ts';
import { rememberKafka } from '../log-session/choose-log.ts';
import { openKafka } from '../log-session/log-session.ts';
import { LineWriter } from '../../render/output.ts';
import { loadPolicy, type StallLimitsFlag, loadStallLimits, loadShadows } from '../options/policy-options.ts';
import { AwaitedBoard } from './awaited-board.ts';
import { AT_THE_VENUE, PROCESSOR_NAMES, SOURCE } from './build-processors.ts';
import type { OpenedVenue, VenueParts } from './open-venue.ts';
import type { LogSession } from '../../pipelines/runtime/log-session.ts';
import { run } from './run.ts';
import type { RunFacts, RunScreen } from './run-screen.ts';
import { type VenueChoice, type VenueCliOptions, chooseVenue, deskOf, venueLimits } from '../options/venue-options.ts';

/** The options of `run`. */
export interface RunCliOptions extends LogOptions, HttpCliOptions, VenueCliOptions, StallLimitsFlag {
  readonly policy: string;
  readonly shadow?: readonly string[];
  readonly from: 'beginning' | 'latest';
  readonly faults?: PaperFaults;
  readonly candles?: readonly string[];
  readonly seed: number;
  readonly interval?: number;
  readonly notify?: string;
  readonly heartbeat?: Heartbeat;
  readonly logLevel: LogLevel;
  /** A file, or - for standard error. */
  readonly log?: string;
  readonly view: boolean;
  readonly json?: true;
}

/** What is made before anything is connected. */
interface RunStart {
  readonly connections: Connections;
  readonly openCodec: LogSession['openCodec'];
  readonly machine: Clock;
  readonly logger: Logger;
  /** Where log lines go while a live view is shown on standard output; null: no live view. */
  readonly logFile: string | null;
}

/** Runs the processors and the source that are named on Kafka until a signal asks to stop, and ends the process. */
export async function runUntilStopped(parts: readonly string[], cli: RunCliOptions, start: RunStart): Promise<void> {
  const { connections, openCodec, machine, logger, logFile } = start;
  const http = chosenHttp(cli, { clock: machine, logger });
  const names = new DeskNames(cli.desk);
  rememberKafka(cli.data, connections, cli.desk);
  logger.info({ ...describeConnections(connections), desk: names.desk }, 'connecting');
  const policy = loadPolicy(cli.policy);
  const stallLimits = loadStallLimits(cli);
  const shadows = loadShadows(cli.shadow ?? [], policy, parts);
  const random = new SeededRandom(cli.seed);
  // Scoring and CLM use no exchange, so they do not wait for one.
  const isAtVenue = parts.some((name) => AT_THE_VENUE.has(name));
  const choice: VenueChoice = isAtVenue ? chooseVenue(cli, process.env) : { kind: 'paper' };
  const drain = new AbortController();
  // Never released: the drain has a bound of its own (run.ts), and the process ends with it.
  onShutdownSignal(machine).signal.addEventListener('abort', () => drain.abort());
  const output = new LineWriter(process.stdout);
  const logName = `Kafka at ${connections.kafka.brokers.join(',')}`;
  const viewed = new AwaitedBoard();
  const facts = { policy: policy.id, mode: deskOf(cli, choice).mode, logName, desk: names.desk };
  const screen = logFile === null ? null : await runScreen({ ...facts, logFile }, machine);
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
        connect: () => Promise.resolve({ ...openKafka(connections, logger, names), openCodec }),
        policy,
        shadows,
        stallLimits,
        logWords: logWords(cli),
        exchange: venue.connect,
        measure: venue.measure,
        limits: venueLimits(cli, choice),
        from: cli.from,
        board: http === null && screen === null ? null : { viewed, desk: names.desk, logName },
        http,
        onListening: (url) => {
          if (screen !== null) return screen.listening(url);
          void output.write(JSON.stringify({ http: url }));
          void output.flush();
        },
        onHealth: (health) => void screen?.show(health, viewed, drain.signal),
        heartbeat: cli.heartbeat ?? null,
        watch: { notifyFile: cli.notify ?? null, desk: cli.desk ?? null },
        clock: venue.clock,
        logger,
      },
      drain,
    );
    screen?.end('drained');
  } catch (thrown) {
    screen?.end(`ended: ${messageOf(thrown)}`);
    throw thrown;
  } finally {
    for (const part of opened.toReversed()) part.close();
    // Everything is done, or its time is up: a socket to a broker that is gone must not keep the process alive.
    void machine.sleep(0).then(() => process.exit());
  }
}

/** Markets and exchanges are loaded only for the parts that use them. Everything to be closed is added to `opened`. */
async function openedVenue(
  venue: Omit<VenueParts, 'paper'> & { readonly cli: RunCliOptions },
  opened: { close(): void }[],
): Promise<OpenedVenue> {
  const { cli, names, random, machine: clock } = venue;
  const { PAPER_BOOK, PaperExchange } = await import('../../connectors/exchange/paper/paper-exchange.ts');
  const path = join(cli.data, names.local(PAPER_BOOK));
  const paper = new PaperExchange({ path, clock, random, faults: cli.faults ?? DEFAULT_FAULTS });
  opened.push(paper);
  const { openVenue } = await import('./open-venue.ts');
  const there = await openVenue({ ...venue, paper });
  const { desk } = there;
  if (desk !== null) opened.push({ close: () => desk.release() });
  return there;
}

function noVenue(): Promise<never> {
  return Promise.reject(new TypeError('no part of this process works at a venue'));
}

/** What redraws takes long to load, so it is loaded where it is wanted. */
async function runScreen(facts: RunFacts, clock: Clock): Promise<RunScreen> {
  const { RunScreen } = await import('./run-screen.ts');
  return new RunScreen(process.stdout, facts, clock);
}
