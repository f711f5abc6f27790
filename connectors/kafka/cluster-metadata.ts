/**
 * Metadata of topics: which partitions there are, and which broker leads each of them.
 *
 * KFK-15  An error of one partition or topic does not affect the others: while a leader is elected, or after a topic was deleted, the rest of the
 *         answer is used. kafkajs would drop the whole answer and continue with older metadata.
 * KFK-16  An answer that lacks a topic is an error. Otherwise metadata that were fetched for other topics in the meantime would look like an
 *         empty topic (kafkajs#461).
 */
import { noteDenial } from './broker-errors.ts';
import { type Cluster, Encoder, MetadataResponseV6, type ResponseReader, errorOfCode } from './kafkajs-internals.ts';

const METADATA_KEY = 3;

/** Kafka's number for the leader of a partition while one is elected. */
const NO_LEADER = -1;

/** Kafka's retriable error for metadata that lack a topic, partition or leader. */
export const LEADER_NOT_AVAILABLE = 5;

/** Makes the cluster use metadata answers that contain errors (KFK-15). */
export function acceptPartialMetadata(cluster: Cluster): Cluster {
  const { brokerPool } = cluster;
  const { createBroker } = brokerPool;
  brokerPool.createBroker = (options) => {
    const broker = createBroker(options);
    broker.metadata = (topics) =>
      broker.connectionPool.send({
        request: {
          apiKey: METADATA_KEY,
          apiVersion: 6,
          apiName: 'Metadata',
          encode: () => {
            const encoder = new Encoder(64).writeInt32(topics.length);
            for (const topic of topics) encoder.writeString(topic);
            // No automatic creation of topics.
            return Promise.resolve(encoder.writeBoolean(false));
          },
        },
        response: WHOLE,
      });
    return broker;
  };
  return cluster;
}

type Metadata = Awaited<ReturnType<typeof MetadataResponseV6.decode>>;

const WHOLE: ResponseReader<Metadata> = {
  decode: (bytes) => MetadataResponseV6.decode(bytes),
  parse: (decoded) => Promise.resolve(decoded),
};

/** The partitions of a topic in ascending order. Throws Kafka's error, UNKNOWN_TOPIC_OR_PARTITION where the topic does not exist. */
export async function partitionsOf(cluster: Cluster, topic: string): Promise<readonly number[]> {
  await cluster.addTargetTopic(topic);
  await cluster.refreshMetadataIfNecessary();
  if (cluster.findTopicPartitionMetadata(topic).length === 0) await cluster.refreshMetadata();
  const found = cluster.brokerPool.metadata?.topicMetadata.find((one) => one.topic === topic);
  if (found !== undefined && found.topicErrorCode !== 0) {
    const error = errorOfCode(found.topicErrorCode);
    noteDenial(error, 'Metadata', found);
    throw error;
  }
  // KFK-16.
  if (found === undefined || found.partitionMetadata.length === 0) throw errorOfCode(LEADER_NOT_AVAILABLE);
  return found.partitionMetadata.map(({ partitionId }) => partitionId).toSorted((one, other) => one - other);
}

/** The broker that leads a partition by the latest metadata; null where there is none. */
export function leaderOf(cluster: Cluster, topic: string, partition: number): number | null {
  const found = cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition);
  return found === undefined || found.leader === NO_LEADER ? null : found.leader;
}
