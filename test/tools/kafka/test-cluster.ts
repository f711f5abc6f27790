/**
 * A Kafka of several brokers, for what happens only where partitions have leaders on different ones. Each node is broker and controller,
 * on ports and in a folder of its own below the cluster's; no registry.
 */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../ports/clock.ts';
import { type BrokerPlace, addressesOf } from '../../../tools/kafka/broker-place.ts';
import { kill, terminate } from '../../../tools/kafka/processes.ts';
import { KAFKA_SERVER } from '../../../tools/kafka/servers.ts';
import { startServers } from '../../../tools/kafka/start-servers.ts';
import { discard, freePorts, type KafkaTools } from './test-servers.ts';

/** Starts in half of the processor time. */
const JVM_OPTIONS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'] as const;

/** A broker hands its leaderships over before it ends. Unit: milliseconds. */
const GRACE_MS = 20_000;

export interface TestCluster {
  readonly brokers: string[];
  readonly size: number;
  /** SIGTERM: leaders move away first. Resolves when it has ended. */
  stopNode(index: number): Promise<void>;
  /** kill -9. */
  killNode(index: number): Promise<void>;
  /** Resolves when it answers. */
  startNode(index: number): Promise<void>;
  discard(): Promise<void>;
}

/** Throws SERVER_FAILED. `parent` holds the cluster's folder. */
export async function startTestCluster(
  size: number,
  parent: string,
  tools: KafkaTools & { readonly clock: Clock },
): Promise<TestCluster> {
  const folder = mkdtempSync(join(parent, 'cluster-'));
  const ports = await Promise.all(Array.from({ length: size }, () => freePorts()));
  const voters = ports.map(({ controller }, index) => ({ node: index + 1, controller }));
  const places = ports.map((own, index): BrokerPlace => {
    const place = { folder: join(folder, `node-${index + 1}`), ports: own };
    mkdirSync(place.folder, { recursive: true });
    return { ...place, cluster: { node: index + 1, folder, voters } };
  });
  const { clock } = tools;
  const at = (index: number): BrokerPlace => {
    const place = places[index];
    if (place === undefined) throw new RangeError(`the cluster has no node ${index}`);
    return place;
  };
  const start = (place: BrokerPlace): Promise<void> =>
    startServers([KAFKA_SERVER], place, { ...tools, jvmOptions: JVM_OPTIONS, say: () => undefined });
  const end = async (): Promise<void> => {
    await Promise.all(places.map((place) => discard(place.folder, clock)));
  };
  try {
    // Together: none is ready before a majority is there.
    await Promise.all(places.map(start));
  } catch (thrown) {
    await end();
    throw thrown;
  }
  return {
    brokers: places.map((place) => addressesOf(place).brokers),
    size,
    stopNode: async (index) => {
      await terminate(at(index).folder, 'kafka', GRACE_MS, clock);
    },
    killNode: (index) => kill(at(index).folder, 'kafka', clock),
    startNode: (index) => start(at(index)),
    discard: end,
  };
}
