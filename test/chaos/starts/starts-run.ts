import { join } from 'node:path';
import { ConfluentRegistry } from '../../../connectors/kafka/confluent-registry.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import type { Clock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { type RunningProgram, startProgram } from '../../cli/program.ts';
import { isReady } from '../fleet.ts';
import type { ChaosServers } from '../chaos-servers.ts';

/** The number of snapshots, each of another position, of which the policy closes a part. */
const SNAPSHOTS = 24;
const PARTIAL_R = 3;

/** Longer than any of the commands takes on a busy machine. Unit: milliseconds. */
const HANGS_MS = 90_000;

/** How often a process is checked. Unit: milliseconds. */
const POLL_MS = 100;

/** How much of the end of a command's output a failure quotes. Unit: characters. */
const LAST_WORDS = 1000;

/** The started commands: their arguments by name. */
export type Commands = Readonly<Record<string, readonly string[]>>;

interface StartsOptions {
  /** Starts of each command. */
  readonly starts: number;
  readonly atOnce: number;
  readonly clock: Clock;
  readonly say: (line: string) => void;
}

interface StartFigures {
  readonly command: string;
  readonly starts: number;
  readonly failed: number;
  readonly hung: number;
  /** Unit: milliseconds. */
  readonly medianMs: number;
  readonly longestMs: number;
}

interface Ending {
  readonly ms: number;
  readonly failure: string | null;
  readonly hung: boolean;
}

/** Topics, schemas and snapshots, scored and executed once, so that every command has something to show. */
export async function prepareDesk(servers: ChaosServers, folder: string, clock: Clock): Promise<Commands> {
  const log = KafkaLog.open({ brokers: servers.brokers.split(','), clock, logger: SILENT_LOGGER });
  const registry = new ConfluentRegistry({ url: servers.registryUrl });
  const where = ['--data', join(folder, 'data'), '--brokers', servers.brokers, '--registry', servers.registryUrl];
  const run = ['run', 'scoring', 'execution', 'clm', ...where, '--http-port', '0', '--log-level', 'warn'];
  try {
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    const writer = new TopicWriter('snapshots', await RecordCodec.open(registry));
    const now = clock.now();
    const snapshots = Array.from({ length: SNAPSHOTS }, (_, index) => ({
      ...aSnapshot({ symbol: `S${index}USDT`, r: PARTIAL_R }),
      observed_at: now,
    }));
    await log.append(
      snapshots.map((snapshot) => writer.encode(TOPICS.positionSnapshot, snapshot, snapshot.observed_at)),
    );
    const first = startProgram(run);
    try {
      const deadline = clock.now() + HANGS_MS;
      while ((await intentsOn(log)) < SNAPSHOTS) {
        if (clock.now() >= deadline || first.process.exitCode !== null)
          throw new Error(`the snapshots are not scored: ${first.stderr().slice(-LAST_WORDS)}`);
        await clock.sleep(POLL_MS);
      }
    } finally {
      first.process.kill('SIGTERM');
      await first.ended;
    }
    const position = snapshots[0]?.position_id ?? '';
    return {
      run,
      status: ['status', '--json', ...where],
      explain: ['explain', position, '--json', ...where],
      tail: ['tail', TOPICS.harvestIntent.name, '--json', ...where],
      replay: ['replay', '--policy', 'legacy', '--json', ...where],
    };
  } finally {
    await log.close();
  }
}

async function intentsOn(log: KafkaLog): Promise<number> {
  return (await log.offsets(TOPICS.harvestIntent.name)).reduce((sum, { end }) => sum + end, 0);
}

/** The commands in turn, `atOnce` at the same time, until each was started often enough. */
export async function startCommands(commands: Commands, options: StartsOptions) {
  const { starts, atOnce, clock, say } = options;
  const waiting = Array.from({ length: starts }, () => Object.entries(commands)).flat();
  const endings = new Map(Object.keys(commands).map((name): [string, Ending[]] => [name, []]));
  let done = 0;
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, args] = next;
      const ending = await start(name, args, clock);
      endings.get(name)?.push(ending);
      done += 1;
      if (ending.failure !== null) say(ending.failure);
      if (done % (10 * endings.size) === 0) say(`${done} of ${starts * endings.size} started`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const figures = Array.from(endings, ([command, all]): StartFigures => {
    const times = all.map(({ ms }) => ms).toSorted((one, other) => one - other);
    return {
      command,
      starts: all.length,
      failed: all.filter(({ failure }) => failure !== null).length,
      hung: all.filter(({ hung }) => hung).length,
      medianMs: times[Math.floor(times.length / 2)] ?? 0,
      longestMs: times.at(-1) ?? 0,
    };
  });
  return { figures, failures: [...endings.values()].flat().flatMap(({ failure }) => failure ?? []) };
}

/** Runs a command to its end; `run` is ended by SIGTERM once it is ready. */
async function start(name: string, args: readonly string[], clock: Clock): Promise<Ending> {
  const program = startProgram(args);
  const begun = clock.now();
  const deadline = begun + HANGS_MS;
  let hung = false;
  if (name === 'run') {
    const hasEnded = (): boolean => program.process.exitCode !== null || program.process.signalCode !== null;
    while (!hasEnded() && !(await isReady({ program })) && clock.now() < deadline) await clock.sleep(POLL_MS);
    program.process.kill('SIGTERM');
  }
  const ended = new AbortController();
  const code = await Promise.race([
    program.ended,
    clock.sleep(Math.max(1, deadline - clock.now()), ended.signal).then(() => 'hung' as const),
  ]);
  ended.abort();
  if (code === 'hung') {
    hung = true;
    program.process.kill('SIGKILL');
    await program.ended;
  }
  return { ms: clock.now() - begun, hung, failure: code === 0 ? null : failureOf(name, program, code) };
}

function failureOf(name: string, program: RunningProgram, code: number | string | null): string {
  return `${name} ended with ${code}: …${program.stderr().slice(-LAST_WORDS)}`;
}
