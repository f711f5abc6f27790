import { partitionOfKey } from './murmur2.ts';

/**
 * The partition of a key as Kafka's Java client computes it, so that a topic has the same layout on both logs. A record without a
 * key goes to partition 0: Kafka would spread such records, but here the same input must land in the same place on every run.
 */
export function partitionOf(key: Uint8Array | null, partitions: number): number {
  return key === null ? 0 : partitionOfKey(key, partitions);
}
