import { rmSync } from 'node:fs';
import type { Clock } from '../../../ports/clock.ts';
import { isFree, type BrokerPorts } from '../../../tools/kafka/broker-place.ts';
import type { Jars } from '../../../tools/kafka/java-tools.ts';
import { kill } from '../../../tools/kafka/processes.ts';
import { SERVERS } from '../../../tools/kafka/start-servers.ts';

/** What a test file needs to start brokers. */
export interface KafkaTools {
  /** The run's own temporary folder: every broker lives in a folder of it. */
  readonly folder: string;
  readonly java: string;
  readonly jars: Jars;
}

/** The reason why there is no broker. */
export interface Skipped {
  readonly skipped: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    kafka: KafkaTools | Skipped;
  }
}

/**
 * Below the ports that systems give to outgoing connections (32768 and up on Linux, 49152 on macOS). A client that tries
 * again and again to reach a killed broker on a port of that range would in the end connect to itself, and keep the
 * broker from coming back.
 */
const FIRST = 20_000;
const END = 32_000;

/** Processes with pids next to each other start looking this far apart. Unit: ports. */
const STRIDE = 16;

/** The next port that this process tries. */
let candidate = FIRST + ((process.pid * STRIDE) % (END - FIRST));

/** Three ports on which nothing listens, different at each call. */
export async function freePorts(): Promise<BrokerPorts> {
  return { kafka: await freePort(), controller: await freePort(), registry: await freePort() };
}

async function freePort(): Promise<number> {
  for (let tries = FIRST; tries < END; tries++) {
    const port = candidate;
    candidate = candidate + 1 < END ? candidate + 1 : FIRST;
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${FIRST} to ${END - 1}`);
}

/** Kills both servers of a broker's folder with -9 and removes it. */
export async function discard(folder: string, clock: Clock): Promise<void> {
  await Promise.all(SERVERS.map(({ name }) => kill(folder, name, clock)));
  rmSync(folder, { recursive: true, force: true });
}
