import type { OutgoingRecord } from '../../ports/event-log.ts';

/**
 * The size of one send. A send makes one record batch per partition, and a broker refuses a batch above 1 MB (its default
 * max.message.bytes), so this is safe even where all records have one key. Unit: bytes.
 */
const CHUNK_BYTES = 512 * 1024;

/** kafkajs copies a partition's list for every record it adds, so long lists cost quadratic time. Unit: records. */
const CHUNK_RECORDS = 1000;

/** An upper bound of what Kafka adds to a record: lengths, offset and timestamp deltas. Unit: bytes. */
const RECORD_OVERHEAD_BYTES = 40;

/** A record, and the append that it belongs to: its number in the group. */
export interface Entry {
  readonly record: OutgoingRecord;
  readonly append: number;
}

/**
 * One send: records of one topic. Records that name a substitute (`ifRefused`) share it only with others of their partition: what is
 * sent to one partition is refused or written as a whole, so that no part of it is ever written twice.
 */
export interface Chunk {
  readonly topic: string;
  readonly entries: readonly Entry[];
}

/**
 * Several appends as one, so that those that wait share a round trip. Topics come in the order of their first appearance in
 * every append that takes part (L1); an append that would need another order is not taken.
 */
export class AppendGroup {
  readonly #byTopic = new Map<string, Entry[]>();
  #appends = 0;

  /** False, and nothing is taken, where these records need their topics in another order. */
  tryAdd(records: readonly OutgoingRecord[]): boolean {
    const byTopic = Map.groupBy(records, ({ topic }) => topic);
    if (!this.#inOrder([...byTopic.keys()])) return false;
    const append = this.#appends++;
    for (const [topic, more] of byTopic) {
      const entries = this.#byTopic.get(topic) ?? [];
      this.#byTopic.set(topic, entries);
      for (const record of more) entries.push({ record, append });
    }
    return true;
  }

  /** In the order in which they must be sent, one after the other. */
  *chunks(): Iterable<Chunk> {
    for (const [topic, all] of this.#byTopic) {
      let entries: Entry[] = [];
      let bytes = 0;
      for (const entry of all) {
        const size = sizeOf(entry.record);
        const [first] = entries;
        const full = bytes + size > CHUNK_BYTES || entries.length >= CHUNK_RECORDS;
        if (first !== undefined && (full || laneOf(first.record) !== laneOf(entry.record))) {
          yield { topic, entries };
          entries = [];
          bytes = 0;
        }
        entries.push(entry);
        bytes += size;
      }
      if (entries.length > 0) yield { topic, entries };
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

/** Only records of one lane share a send. */
function laneOf({ ifRefused, partition }: OutgoingRecord): number | 'any' | 'by key' {
  return ifRefused === undefined ? 'any' : (partition ?? 'by key');
}

/** An upper bound of what it takes on the wire. Unit: bytes. */
export function sizeOf({ key, value, headers = [] }: OutgoingRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  // A character takes at most 3 bytes in UTF-8 where it takes one unit in a string.
  for (const [name, content] of headers) bytes += RECORD_OVERHEAD_BYTES + 3 * name.length + (content?.length ?? 0);
  return bytes;
}
