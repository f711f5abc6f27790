/**
 * `npm run kafka`: a real Kafka and a schema registry on this machine. Needs Java 17, and Maven for the first start.
 *
 * Writes to `<data>/broker`: the data in `kafka/` and `registry/`, `logs/`, and pid files. Signals only processes that it has started
 * (tools/kafka/processes.ts).
 */
import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { shellWord } from '../../render/output.ts';
import { pc } from '../../render/terminal.ts';
import { requireFree, placeOf, writePorts, type BrokerPlace, addressesOf } from './broker-place.ts';
import { JARS_CACHE, provideJars, findJava } from './java-tools.ts';
import { runningPid } from './processes.ts';
import { SERVERS, failure, startServers, stopServers } from './start-servers.ts';

/** Kafka's own port, the one after it, and the usual port of a Confluent registry. */
const DEFAULT_PORTS = { kafka: 9092, controller: 9093, registry: 8081 } as const;

/** How often `start` checks that both still run. Unit: milliseconds. */
const WATCH_MS = 500;

const clock = new SystemClock();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface StartFlags {
  readonly data: string;
  readonly kafkaPort: number;
  readonly controllerPort: number;
  readonly registryPort: number;
  readonly detach?: true;
}

async function start(flags: StartFlags): Promise<void> {
  const ports = { kafka: flags.kafkaPort, controller: flags.controllerPort, registry: flags.registryPort };
  const place: BrokerPlace = { folder: folderOf(flags.data), ports };
  const running = SERVERS.filter(({ name }) => runningPid(place.folder, name) !== null);
  if (running.length > 0) {
    const names = running.map(({ name }) => name).join(' and ');
    const stopIt = stopCommand(flags.data);
    throw new HarvestlineError('DATA_IN_USE', `${names} of ${place.folder} runs already; \`${stopIt}\` stops it`);
  }
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupt.abort());
  const java = findJava();
  const jars = provideJars(JARS_CACHE, say);
  await requireFree(ports, ['kafka', 'controller', 'registry']);
  await startServers(SERVERS, place, { java, jars, clock, say, signal: interrupt.signal });
  writePorts(place);
  if (!interrupt.signal.aborted) {
    sayAddresses(place);
    say(nextCommands(flags));
    if (flags.detach === true) return;
    await watch(place, interrupt.signal);
  }
  await stopServers(SERVERS, place.folder, clock, say);
}

/** Waits for the signal. Where one of them ends by itself, stops the other and throws SERVER_FAILED. */
async function watch(place: BrokerPlace, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const ended = SERVERS.find(({ name }) => runningPid(place.folder, name) === null);
    if (ended !== undefined) {
      await stopServers(SERVERS, place.folder, clock, say);
      throw failure(ended, place, 'ended by itself');
    }
    await clock.sleep(WATCH_MS, signal);
  }
}

async function status(data: string): Promise<void> {
  const folder = folderOf(data);
  const place = placeOf(folder);
  let ready = 0;
  for (const server of SERVERS) {
    const pid = runningPid(folder, server.name);
    const isReady = pid !== null && place !== null && (await server.isReady(place));
    if (isReady) ready += 1;
    const state = pid === null ? 'not running' : `pid ${pid}, ${isReady ? 'ready' : 'not ready'}`;
    say(`${server.name.padEnd(8)}  ${state}`);
  }
  if (ready === SERVERS.length && place !== null) sayAddresses(place);
  else process.exitCode = 1;
}

function sayAddresses(place: BrokerPlace): void {
  const { brokers, registryUrl } = addressesOf(place);
  say(`\nexport KAFKA_BROKERS=${brokers}\nexport SCHEMA_REGISTRY_URL=${registryUrl}\n`);
}

/** What to type next, for whoever starts it for the first time, and what stops it. */
function nextCommands({ data, detach }: StartFlags): string {
  const where = detach === true ? '' : ' into another shell';
  const stop = detach === true ? `\`${stopCommand(data)}\`` : 'Ctrl-C';
  return [
    `Copy both lines${where}, then:`,
    '  npx harvestline topics apply && npx harvestline schemas register   # once',
    '  npx harvestline run scoring execution clm snapshots --interval 1000',
    '',
    pc.dim(`${stop} stops both. Their data stays.`),
  ].join('\n');
}

/** Absolute, because it marks the processes, which run in another folder. */
function folderOf(data: string): string {
  return resolve(data, 'broker');
}

const DATA_DEFAULT = '.harvestline';

function stopCommand(data: string): string {
  return `npm run kafka stop${data === DATA_DEFAULT ? '' : ` -- --data ${shellWord(data)}`}`;
}

function dataOption(): Option {
  return new Option('--data <dir>', 'folder whose `broker` subfolder holds data, logs and pid files')
    .env('HARVESTLINE_DATA')
    .default(DATA_DEFAULT);
}

function portOption(flag: string, what: string, fallback: number): Option {
  return new Option(`${flag} <n>`, what).default(fallback).argParser((text) => {
    const port = Number(text);
    if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
    throw new InvalidArgumentError('a port is a number from 1 to 65535');
  });
}

function program(): Command {
  const root = new Command('npm run kafka --')
    .description('A real Kafka and schema registry on this machine. Needs Java 17; the first start also Maven.')
    .addHelpText(
      'after',
      `
Examples:
  npm run kafka                                     start, stay in the foreground, stop with Ctrl-C
  npm run kafka start -- --detach                   return once both are ready
  npm run kafka -- --kafka-port 19092 --data .desk
  npm run kafka status
  npm run kafka stop

Options come after \`--\`. Everything listens on 127.0.0.1.`,
    );
  root
    .command('start', { isDefault: true })
    .description('Start Kafka and the registry, and wait until both are ready.')
    .addOption(dataOption())
    .addOption(portOption('--kafka-port', 'where clients connect', DEFAULT_PORTS.kafka))
    .addOption(portOption('--controller-port', "Kafka's own use", DEFAULT_PORTS.controller))
    .addOption(portOption('--registry-port', 'HTTP, the path is /apis/ccompat/v7', DEFAULT_PORTS.registry))
    .option('--detach', 'return once both are ready; `npm run kafka stop` stops them')
    .action(start);
  root
    .command('stop')
    .description('Stop what `start` started in this data folder.')
    .addOption(dataOption())
    .action(({ data }: { data: string }) => stopServers(SERVERS, folderOf(data), clock, say));
  root
    .command('status')
    .description('Say what runs, and where. Exit code 1 unless both are ready.')
    .addOption(dataOption())
    .action(({ data }: { data: string }) => status(data));
  for (const command of [root, ...root.commands]) command.exitOverride();
  return root;
}

/** Exit codes: 0 done, 1 failed, 2 wrong usage. */
try {
  await program().parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) {
    process.exitCode = thrown.exitCode === 0 ? 0 : 2;
  } else if (thrown instanceof HarvestlineError) {
    process.stderr.write(`${pc.red('error')} ${thrown.code}: ${thrown.message}\n${pc.dim(thrown.remedy)}\n`);
    process.exitCode = thrown.kind === 'usage' ? 2 : 1;
  } else {
    throw thrown;
  }
}
