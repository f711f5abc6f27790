/** Starts the two servers of a place, waits until they are ready, and stops them. */
import { makeDataFolder } from '../../connectors/system/data-folder.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import { type BrokerPlace, LOOPBACK, type Server } from './broker-place.ts';
import type { Jars } from './java-tools.ts';
import { lastLogLines, launch, logFile, runningPid, terminate } from './processes.ts';
import { KAFKA_SERVER, REGISTRY_SERVER } from './servers.ts';

/** The registry comes first, because it starts a second slower. */
export const SERVERS = [REGISTRY_SERVER, KAFKA_SERVER] as const;

/** Both are ready after 5 seconds on two cores. A slow machine that recovers a large log may need a minute. Unit: milliseconds. */
const READY_DEADLINE_MS = 120_000;

/** How often readiness is checked. Unit: milliseconds. */
const POLL_MS = 100;

/** How long a server may take to end in order, as when Kafka flushes its log. Then it is killed, which loses nothing. Unit: milliseconds. */
const GRACE_MS = 20_000;

/** Enough for the first lines of an exception. Unit: lines. */
const LOG_LINES = 15;

interface StartTools {
  readonly java: string;
  readonly jars: Jars;
  readonly clock: Clock;
  readonly say: (line: string) => void;
  /** Additional options of both JVMs. */
  readonly jvmOptions?: readonly string[];
  /** Ends the wait for readiness. */
  readonly signal?: AbortSignal;
}

/**
 * Starts those servers of the place at once and waits until each is ready. Where one ends or is not ready in time, stops all of them and throws
 * SERVER_FAILED with the last lines of its log. Returns early where the signal is aborted.
 */
export async function startServers(servers: readonly Server[], place: BrokerPlace, tools: StartTools): Promise<void> {
  const { clock, java, jars, say, jvmOptions = [] } = tools;
  const { folder, ports } = place;
  makeDataFolder(folder);
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

/** SERVER_FAILED with the last lines of the server's log. */
export function failure({ name }: Server, { folder }: BrokerPlace, what: string): HarvestlineError {
  const lines = lastLogLines(folder, name, LOG_LINES).map((line) => `  ${line}`);
  return new HarvestlineError(
    'SERVER_FAILED',
    `${name} ${what}. The end of ${logFile(folder, name)}:\n${lines.join('\n')}`,
  );
}

/** Stops those servers of the folder that run: in order, then by force. */
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
