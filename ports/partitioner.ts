/**
 * The partition of a key as Kafka's Java client computes it, so that a topic has the same layout on both logs. A record without a
 * key goes to partition 0: Kafka would spread such records, but here the same input must land in the same place on every run.
 */
export function partitionOf(key: Uint8Array | null, partitions: number): number {
  return key === null ? 0 : partitionOfKey(key, partitions);
}

/** The multiplier, the shift and the seed of Kafka's hash of keys: Austin Appleby's MurmurHash2, as the Java client's Utils.murmur2. */
const MULTIPLIER = 0x5bd1e995;
const SHIFT = 24;
const SEED = 0x9747b28c;

/** The Java client's default partitioner, so that a key written by either lies in the same partition. `partitions` is above 0. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

function murmur2(key: Uint8Array): number {
  const { length } = key;
  let hash = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let word = byteAt(key, at) | (byteAt(key, at + 1) << 8) | (byteAt(key, at + 2) << 16) | (byteAt(key, at + 3) << 24);
    word = Math.imul(word, MULTIPLIER);
    word = Math.imul(word ^ (word >>> SHIFT), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  if (at < length) {
    for (let index = length - 1; index >= at; index--) hash ^= byteAt(key, index) << (8 * (index - at));
    hash = Math.imul(hash, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
