import type { Message } from 'kafkajs';
import type { OutgoingRecord } from '../../ports/event-log.ts';
import { toMessage } from './log-records.ts';

/**
 * The size of one send. A send makes one record batch per partition, and a broker refuses a batch above 1 MB (its default
 * max.message.bytes), so this is safe even where all records have one key. Unit: bytes.
 */
const CHUNK_BYTES = 512 * 1024;

/** kafkajs copies a partition's list for every record it adds, so long lists cost quadratic time. Unit: records. */
const CHUNK_RECORDS = 1000;

/** An upper bound of what Kafka adds to a record: lengths, offset and timestamp deltas. Unit: bytes. */
const RECORD_OVERHEAD_BYTES = 40;

/** One send: records of one topic. */
export interface Chunk {
  readonly topic: string;
  readonly messages: Message[];
  /** Those that the records name; murmur2 chooses for the others. */
  readonly partitions: Set<number>;
}

/**
 * Several appends as one, so that those that wait share a round trip. Topics come in the order of their first appearance in
 * every append that takes part (L1); an append that would need another order is not taken.
 */
export class AppendGroup {
  readonly #byTopic = new Map<string, OutgoingRecord[]>();

  /** False, and nothing is taken, where these records need their topics in another order. */
  tryAdd(records: readonly OutgoingRecord[]): boolean {
    const byTopic = Map.groupBy(records, ({ topic }) => topic);
    if (!this.#inOrder([...byTopic.keys()])) return false;
    for (const [topic, more] of byTopic) {
      const before = this.#byTopic.get(topic);
      if (before === undefined) this.#byTopic.set(topic, more);
      else for (const record of more) before.push(record);
    }
    return true;
  }

  /** In the order in which they must be sent, one after the other. */
  *chunks(): Iterable<Chunk> {
    for (const [topic, records] of this.#byTopic) {
      let chunk = emptyChunk(topic);
      let bytes = 0;
      for (const record of records) {
        const size = sizeOf(record);
        const count = chunk.messages.length;
        if (count > 0 && (bytes + size > CHUNK_BYTES || count >= CHUNK_RECORDS)) {
          yield chunk;
          chunk = emptyChunk(topic);
          bytes = 0;
        }
        chunk.messages.push(toMessage(record));
        if (record.partition !== undefined) chunk.partitions.add(record.partition);
        bytes += size;
      }
      if (chunk.messages.length > 0) yield chunk;
    }
  }

  /** Topics not there yet will stand at the end, so none that is there may follow them. */
  #inOrder(topics: readonly string[]): boolean {
    const order = [...this.#byTopic.keys()];
    let last = -1;
    for (const topic of topics) {
      const found = order.indexOf(topic);
      const place = found === -1 ? order.push(topic) - 1 : found;
      if (place < last) return false;
      last = place;
    }
    return true;
  }
}

function emptyChunk(topic: string): Chunk {
  return { topic, messages: [], partitions: new Set() };
}

function sizeOf({ key, value, headers = [] }: OutgoingRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  // A character takes at most 3 bytes in UTF-8 where it takes one unit in a string.
  for (const [name, content] of headers) bytes += RECORD_OVERHEAD_BYTES + 3 * name.length + (content?.length ?? 0);
  return bytes;
}
