/** The programs that `bench -- kafka` compares, each started as a process of its own and measured alike. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SystemClock } from '../connectors/system/system-clock.ts';

/** Scores position.snapshot into harvest.intent under a consumer group, until SIGTERM. */
export interface Contestant {
  readonly name: string;
  readonly group: string;
  /** What Node is called with. */
  readonly command: readonly string[];
}

/** What a process used from its start to its exit. */
export interface Usage {
  /** User and system, of every thread. Unit: microseconds. */
  readonly cpuMicros: number;
  readonly maxRssKilobytes: number;
}

/** A contestant that runs. */
export interface Running {
  /** Rejects where it ends by itself. */
  readonly failure: Promise<never>;
  /** Throws where it has ended by itself, with the end of what it said. */
  check(): void;
  /** Lets it commit and leave its group. */
  stop(): Promise<Usage>;
}

/** Longer than any drain of either. Unit: milliseconds. */
const STOP_MS = 40_000;

/** What is shown of a process that failed. Unit: characters. */
const SHOWN = 4000;

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

const clock = new SystemClock();

/** The whole program as a user starts it: every check, dead letters, watches, metrics. */
export function harvestline(): Contestant {
  const program = join(FOLDER, '../bin/harvestline.mjs');
  return { name: 'harvestline', group: 'scoring', command: [program, 'run', 'scoring', '--log-level', 'warn'] };
}

export function bareKafkajs(intentSchemaId: number): Contestant {
  const group = 'bench-bare-kafkajs';
  const command = [join(FOLDER, 'bare-kafkajs.ts'), group, String(intentSchemaId)];
  return { name: 'bare kafkajs', group, command };
}

/** Starts the contestant on the Kafka of the environment, in a data folder of its own. */
export function startProcess({ name, command }: Contestant): Running {
  const folder = mkdtempSync(join(tmpdir(), 'harvestline-bench-'));
  const usageFile = join(folder, 'usage.json');
  const { BENCH_NODE_OPTIONS: options = '' } = process.env;
  const preload = ['--import', join(FOLDER, 'usage-report.ts')];
  const child = spawn(process.execPath, [...options.split(' ').filter(Boolean), ...preload, ...command], {
    env: { ...process.env, BENCH_USAGE_FILE: usageFile, HARVESTLINE_DATA: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = `${said}${text.toString()}`.slice(-SHOWN)));
  const exited = once(child, 'exit');
  const check = (): void => {
    if (hasEnded(child)) throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}: ${said}`);
  };
  let stopping = false;
  const failure = exited.then(() => {
    if (!stopping) check();
    return new Promise<never>(() => {});
  });
  // Whoever waits for something else looks with `check`.
  failure.catch(() => {});
  return {
    failure,
    check,
    stop: async () => {
      try {
        check();
        stopping = true;
        child.kill('SIGTERM');
        await Promise.race([exited, clock.sleep(STOP_MS)]);
        if (!hasEnded(child)) {
          child.kill('SIGKILL');
          throw new Error(`${name} did not stop within ${STOP_MS / 1000} s: ${said}`);
        }
        return JSON.parse(readFileSync(usageFile, 'utf8')) as Usage;
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
