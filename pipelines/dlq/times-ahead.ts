import type { ErrorCode } from '../../errors/codes.ts';
import { KnownProducers, type Producer, producerOf } from '../runtime/producers.ts';
import type { EpochMillis } from '../../schemas/generated/records.ts';
import { TIMED_TOPICS } from '../../schemas/time-bound.ts';
import { type ReadableTopics, decodedOrNull } from '../runtime/read-topic.ts';
import { deadLetterFrom } from './dead-letter.ts';
import { openLetters, readDiscarded } from './open-letters.ts';

/** The records of one producer that were set aside for a time that cannot be, and wait as dead letters. */
export interface ProducerAhead extends Producer {
  readonly records: number;
  /** When the latest of them was set aside, as its dead letter has it. */
  readonly last: EpochMillis;
}

const CODE: ErrorCode = 'TIMESTAMP_AHEAD';

/** By producer, the most first. Only letters of that code are decoded. */
export async function timesAheadByProducer({ log, codec }: ReadableTopics): Promise<readonly ProducerAhead[]> {
  const known = new KnownProducers();
  const found = new Map<string, ProducerAhead>();
  const discarded = await readDiscarded(log, () => Promise.resolve(codec));
  for (const topic of TIMED_TOPICS) {
    for await (const open of openLetters(log, topic, discarded)) {
      const letters = open.filter((letter) => deadLetterFrom(letter).code === CODE);
      await codec.prepare(topic, letters);
      for (const letter of letters) {
        const record = decodedOrNull(codec, topic, letter);
        const producer = known.bounded(producerOf(record ?? {}));
        const key = JSON.stringify(producer);
        const { records = 0, last = -Infinity } = found.get(key) ?? {};
        found.set(key, { ...producer, records: records + 1, last: Math.max(last, letter.timestamp) });
      }
    }
  }
  return [...found.values()].toSorted((one, other) => other.records - one.records);
}
