import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import type { Clock } from '../../ports/clock.ts';
import { TOPICS, type TopicSpec } from '../../schemas/topics.ts';
import { type BrokerPlace, type Server, addressesOf } from '../../tools/kafka/broker-place.ts';
import { JARS_CACHE, provideJars, findJava } from '../../tools/kafka/java-tools.ts';
import { kill, sendSignal } from '../../tools/kafka/processes.ts';
import { KAFKA_SERVER, REGISTRY_SERVER } from '../../tools/kafka/servers.ts';
import { SERVERS, startServers } from '../../tools/kafka/start-servers.ts';
import { type TestCluster, startTestCluster } from '../tools/kafka/test-cluster.ts';
import { discard, freePorts } from '../tools/kafka/test-servers.ts';

/** The run's own Kafka and registry, on free ports and in a temporary folder that `discard` removes. */
export interface ChaosServers {
  /** `host:port`, separated by commas. */
  readonly brokers: string;
  readonly registryUrl: string;
  /** kill -9, then a start on the same data; resolves when it answers again. */
  restartBroker(): Promise<void>;
  /** kill -9, nothing for `outageMs`, then a start; resolves when it answers again. */
  interruptRegistry(outageMs: number): Promise<void>;
  discard(): Promise<void>;
}

/** A single broker. */
export interface OwnBroker extends ChaosServers {
  /** SIGSTOP: connections stay open, and nothing answers before `resumeBroker`. */
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

/** A Kafka of several brokers and a registry of the run's own. */
export interface OwnCluster extends ChaosServers {
  readonly cluster: TestCluster;
}

/** Throws TOOL_MISSING without Java, SERVER_FAILED when one of them does not start. */
export async function startOwnCluster(size: number, clock: Clock, say: (line: string) => void): Promise<OwnCluster> {
  const java = findJava();
  const jars = provideJars(JARS_CACHE, say);
  const folder = mkdtempSync(join(tmpdir(), 'harvestline-chaos-'));
  const place: BrokerPlace = { folder, ports: await freePorts() };
  const startRegistry = (): Promise<void> => startServers([REGISTRY_SERVER], place, { java, jars, clock, say });
  say(`${size} brokers  starting`);
  const cluster = await startTestCluster(size, folder, { folder, java, jars, clock });
  const end = async (): Promise<void> => {
    await cluster.discard();
    await discard(folder, clock);
  };
  try {
    await startRegistry();
    await createShifted(cluster);
  } catch (thrown) {
    await end();
    throw thrown;
  }
  return {
    cluster,
    brokers: cluster.brokers.join(','),
    registryUrl: addressesOf(place).registryUrl,
    restartBroker: async () => {
      await cluster.killNode(0);
      await cluster.startNode(0);
    },
    interruptRegistry: async (outageMs) => {
      await kill(folder, 'registry', clock);
      await clock.sleep(outageMs);
      await startRegistry();
    },
    discard: end,
  };
}

/**
 * Creates the input and the output topic of scoring with different leaders for equal partitions. With the same leader, reading would stop
 * together with writing, which would hide losses.
 */
async function createShifted({ brokers, size }: TestCluster): Promise<void> {
  const nodes = Array.from({ length: size }, (_, node) => node);
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 20 } }).admin();
  await admin.connect();
  try {
    await admin.createTopics({
      waitForLeaders: true,
      topics: [TOPICS.positionSnapshot, TOPICS.harvestIntent].map((spec: TopicSpec, shift) => ({
        topic: spec.name,
        replicaAssignment: Array.from({ length: spec.partitions }, (_, partition) => ({
          partition,
          replicas: nodes.map((copy) => 1 + ((partition + copy + shift) % size)),
        })),
        configEntries: [
          { name: 'cleanup.policy', value: spec.cleanup },
          { name: 'retention.ms', value: String(spec.retentionMs ?? -1) },
        ],
      })),
    });
  } finally {
    await admin.disconnect();
  }
}

/** Rejects when the signal is aborted, so that `finally` blocks run. */
export function rejectAt(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const interrupt = (): void => reject(new Error('interrupted'));
    if (signal.aborted) interrupt();
    else signal.addEventListener('abort', interrupt, { once: true });
  });
}
