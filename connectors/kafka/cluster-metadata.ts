/**
 * Which partitions a topic has and which broker leads each of them, as one broker answers.
 *
 * KFK-15  What is wrong with one partition or one topic says nothing about the others: while a leader is being chosen, and after a topic was
 *     deleted, the rest is as known as ever. kafkajs throws the whole answer away then and goes on with what it knew before.
 * KFK-16  An answer is about every topic that was asked about, or there is an error: metadata that were fetched for other topics
 *     meanwhile look like an empty topic otherwise (kafkajs#461).
 */
import { noteDenial } from './broker-errors.ts';
import { type Cluster, Encoder, MetadataResponseV6, type ResponseReader, errorOfCode } from './kafkajs-internals.ts';

const METADATA_KEY = 3;

/** Kafka's number for a partition whose leader is being chosen. */
const NO_LEADER = -1;

/** Its error where metadata lack what should be there, which another look may mend. */
export const LEADER_NOT_AVAILABLE = 5;

/** KFK-15, for every broker that the cluster asks. */
export function takeWholeMetadata(cluster: Cluster): Cluster {
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
            // Topics are created on purpose only.
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

/** In ascending order. Throws Kafka's error of the topic: UNKNOWN_TOPIC_OR_PARTITION where it does not exist. */
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

/** The leader's number; null while there is none, as far as is known. */
export function leaderOf(cluster: Cluster, topic: string, partition: number): number | null {
  const found = cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition);
  return found === undefined || found.leader === NO_LEADER ? null : found.leader;
}
