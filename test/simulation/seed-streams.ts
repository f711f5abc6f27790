/**
 * Random streams of a seed, each named by a key.
 *
 * `SeededRandom` (connectors/system/seeded-random.ts) loses the lowest bit that two seeds differ in with every fourth character of a key: of 4,000
 * small seeds, a key of forty characters has some two hundred different streams. Here seed and key are hashed first.
 */
import { createHash } from 'node:crypto';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import type { RandomStream } from '../../ports/random.ts';

/** What a double holds exactly. Unit: bytes. */
const HASH_BYTES = 6;

export function streamOf(seed: number, ...key: readonly string[]): RandomStream {
  const hash = createHash('sha256')
    .update(JSON.stringify([seed, ...key]))
    .digest();
  return new SeededRandom(hash.readUIntBE(0, HASH_BYTES)).stream();
}
