import { Partitioners } from 'kafkajs';
import { bufferOf } from '../../schemas/buffer-of.ts';

/**
 * The partition of a key as Kafka's Java client computes it: murmur2 of the key, modulo the partitions. kafkajs's own
 * implementation, so that a topic has the same layout on both logs. A record without a key goes to partition 0: Kafka
 * would spread such records, but here the same input must land in the same place on every run.
 */
export function partitionOf(key: Uint8Array | null, partitions: number): number {
  if (key === null) return 0;
  return choosePartition({
    topic: '',
    partitionMetadata: metadataFor(partitions),
    message: { key: bufferOf(key), value: null },
  });
}

const choosePartition = Partitioners.DefaultPartitioner();

type Metadata = Parameters<typeof choosePartition>[0]['partitionMetadata'];

const metadataByCount = new Map<number, Metadata>();

function metadataFor(partitions: number): Metadata {
  let metadata = metadataByCount.get(partitions);
  if (metadata === undefined) {
    metadata = Array.from({ length: partitions }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 0,
      replicas: [],
      isr: [],
    }));
    metadataByCount.set(partitions, metadata);
  }
  return metadata;
}
