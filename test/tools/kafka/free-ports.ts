import { isFree } from '../../../tools/kafka/port-check.ts';
import type { BrokerPorts } from '../../../tools/kafka/server.ts';

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
