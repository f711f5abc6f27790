import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { JARS_CACHE, provideJars } from '../../tools/kafka/jars.ts';
import { findJava } from '../../tools/kafka/java-tools.ts';
import { kill } from '../../tools/kafka/processes.ts';
import { REGISTRY_SERVER } from '../../tools/kafka/registry-server.ts';
import { type BrokerPlace, addressesOf } from '../../tools/kafka/server.ts';
import { startServers } from '../../tools/kafka/start-servers.ts';
import type { Clock } from '../../ports/clock.ts';
import { TOPICS, type TopicSpec } from '../../schemas/topics.ts';
import { discard } from '../tools/kafka/discard-broker.ts';
import { freePorts } from '../tools/kafka/free-ports.ts';
import { type TestCluster, startTestCluster } from '../tools/kafka/test-cluster.ts';
import type { ChaosServers } from './own-broker.ts';

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
 * What scoring reads and what it writes, with equal partitions led by different brokers: where one broker leads both, what is read stops
 * with what is written, and hides what is lost.
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
