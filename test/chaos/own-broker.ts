import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JARS_CACHE, provideJars } from '../../tools/kafka/jars.ts';
import { findJava } from '../../tools/kafka/java-tools.ts';
import { KAFKA_SERVER } from '../../tools/kafka/kafka-server.ts';
import { kill, sendSignal } from '../../tools/kafka/processes.ts';
import { REGISTRY_SERVER } from '../../tools/kafka/registry-server.ts';
import { type BrokerPlace, type Server, addressesOf } from '../../tools/kafka/server.ts';
import { SERVERS, startServers } from '../../tools/kafka/start-servers.ts';
import type { Clock } from '../../ports/clock.ts';
import { discard } from '../tools/kafka/discard-broker.ts';
import { freePorts } from '../tools/kafka/free-ports.ts';

/** A Kafka and a registry of the run's own, on free ports and in a temporary folder, which `discard` removes. */
export interface ChaosServers {
  /** `host:port`, several with commas. */
  readonly brokers: string;
  readonly registryUrl: string;
  /** kill -9, then a start on the same data; resolves when it answers again. */
  restartBroker(): Promise<void>;
  /** kill -9, nothing for `outageMs`, then a start; resolves when it answers again. */
  interruptRegistry(outageMs: number): Promise<void>;
  discard(): Promise<void>;
}

/** With one broker. */
export interface OwnBroker extends ChaosServers {
  /** SIGSTOP and SIGCONT: while it is stopped connections stay, and nothing answers. */
  pauseBroker(): void;
  resumeBroker(): void;
}

/** Throws TOOL_MISSING without Java, SERVER_FAILED when one of the two does not start. */
export async function startOwnBroker(clock: Clock, say: (line: string) => void): Promise<OwnBroker> {
  const java = findJava();
  const jars = provideJars(JARS_CACHE, say);
  const place: BrokerPlace = { folder: mkdtempSync(join(tmpdir(), 'harvestline-chaos-')), ports: await freePorts() };
  const start = (servers: readonly Server[]): Promise<void> => startServers(servers, place, { java, jars, clock, say });
  try {
    await start(SERVERS);
  } catch (thrown) {
    await discard(place.folder, clock);
    throw thrown;
  }
  return {
    ...addressesOf(place),
    restartBroker: async () => {
      await kill(place.folder, 'kafka', clock);
      await start([KAFKA_SERVER]);
    },
    pauseBroker: () => void sendSignal(place.folder, 'kafka', 'SIGSTOP'),
    resumeBroker: () => void sendSignal(place.folder, 'kafka', 'SIGCONT'),
    interruptRegistry: async (outageMs) => {
      await kill(place.folder, 'registry', clock);
      await clock.sleep(outageMs);
      await start([REGISTRY_SERVER]);
    },
    discard: () => discard(place.folder, clock),
  };
}
