import { mkdirSync } from 'node:fs';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Jars } from './java-tools.ts';
import { KAFKA_SERVER, REGISTRY_SERVER } from './servers.ts';
import { lastLogLines, launch, logFile, runningPid, terminate } from './processes.ts';
import { type BrokerPlace, LOOPBACK, type Server } from './broker-place.ts';

/** The registry first: it takes a second longer. */
export const SERVERS = [REGISTRY_SERVER, KAFKA_SERVER] as const;

/** Both are up in 5 seconds on two cores; a slow machine that recovers a large log may need a minute. Unit: milliseconds. */
const READY_DEADLINE_MS = 120_000;

/** How often readiness is asked for. Unit: milliseconds. */
const POLL_MS = 100;

/** In order: Kafka writes out its log and leaves the quorum. After that it is killed, which loses nothing. Unit: milliseconds. */
const GRACE_MS = 20_000;

/** Enough to hold an exception's first lines. Unit: lines. */
const LOG_LINES = 15;

export interface StartTools {
  readonly java: string;
  readonly jars: Jars;
  readonly clock: Clock;
  readonly say: (line: string) => void;
  /** More options for both JVMs. */
  readonly jvmOptions?: readonly string[];
  /** Ends the wait for readiness. */
  readonly signal?: AbortSignal;
}

/**
 * Starts those servers of the place, all at once, and waits until each is ready. Throws SERVER_FAILED, with the last
 * lines of its log, for one that ends or is not ready in time; what was started is stopped again. Aborted, it returns.
 */
export async function startServers(servers: readonly Server[], place: BrokerPlace, tools: StartTools): Promise<void> {
  const { clock, java, jars, say, jvmOptions = [] } = tools;
  const { folder, ports } = place;
  mkdirSync(folder, { recursive: true });
  const begun = clock.now();
  try {
    for (const server of servers) {
      say(`${server.name.padEnd(8)}  starting on ${LOOPBACK}:${server.port(ports)}`);
      server.prepare(place, jars, java);
      launch(folder, server.name, java, [...jvmOptions, ...server.command(place, jars)]);
    }
    await Promise.all(
      servers.map(async (server) => {
        await untilReady(server, place, tools);
        if (tools.signal?.aborted === true) return;
        say(`${server.name.padEnd(8)}  ready after ${((clock.now() - begun) / 1000).toFixed(1)} s`);
      }),
    );
  } catch (error) {
    await stopServers(servers, folder, clock, say);
    throw error;
  }
}

async function untilReady(server: Server, place: BrokerPlace, { clock, signal }: StartTools): Promise<void> {
  const deadline = clock.now() + READY_DEADLINE_MS;
  for (;;) {
    if (signal?.aborted === true) return;
    if (runningPid(place.folder, server.name) === null) throw failure(server, place, 'ended while starting');
    if (await server.isReady(place)) return;
    if (clock.now() >= deadline) throw failure(server, place, `is not ready after ${READY_DEADLINE_MS / 1000} s`);
    await clock.sleep(POLL_MS, signal);
  }
}

/** The error for a server that does not run as it should, with what it said last. */
export function failure({ name }: Server, { folder }: BrokerPlace, what: string): HarvestlineError {
  const lines = lastLogLines(folder, name, LOG_LINES).map((line) => `  ${line}`);
  return new HarvestlineError(
    'SERVER_FAILED',
    `${name} ${what}. The end of ${logFile(folder, name)}:\n${lines.join('\n')}`,
  );
}

/** Stops those that run: in order, then by force. Nobody that is not of this folder is touched. */
export async function stopServers(
  servers: readonly Server[],
  folder: string,
  clock: Clock,
  say: (line: string) => void,
): Promise<void> {
  await Promise.all(
    servers.map(async ({ name }) => {
      const how = await terminate(folder, name, GRACE_MS, clock);
      say(`${name.padEnd(8)}  ${how}`);
    }),
  );
}
