/** How appends become requests: several appends share one (AppendGroup), and the records of a topic are cut to sizes that brokers accept (chunksOf). */
import type { OutgoingRecord } from '../../ports/event-log.ts';
import { recordSize } from './record-batch.ts';

/**
 * The size of one partition's records in a request. The batch has to fit max.message.bytes, 1 MB by default. A single larger record is
 * sent alone. Unit: bytes.
 */
const PARTITION_BYTES = 512 * 1024;

/** The size of the records in a request, which is repeated where a leader does not answer. Unit: bytes. */
const REQUEST_BYTES = 4 * 1024 * 1024;

/** A record to write, and the append that it belongs to. */
export interface Entry<O> {
  readonly record: OutgoingRecord;
  readonly owner: O;
}

/** What one request writes: entries by partition, in order. */
export type Chunk<O> = Map<number, readonly Entry<O>[]>;

/**
 * Several appends that are written together, so that waiting ones share a round trip. Topics are written in an order in which they first
 * appear in each of the appends (PORT-1). An append that needs another order is not taken.
 */
export class AppendGroup<O> {
  readonly #byTopic = new Map<string, Entry<O>[]>();

  /** Adds an append. False, and nothing is added, where its records need another order of topics. */
  tryAdd(owner: O, records: readonly OutgoingRecord[]): boolean {
    if (!this.#inOrder(new Set(records.map(({ topic }) => topic)))) return false;
    for (const record of records) {
      const before = this.#byTopic.get(record.topic);
      if (before === undefined) this.#byTopic.set(record.topic, [{ record, owner }]);
      else before.push({ record, owner });
    }
    return true;
  }

  /** The entries by topic, in the order in which the topics have to be written. */
  topics(): Iterable<readonly [topic: string, entries: readonly Entry<O>[]]> {
    return this.#byTopic;
  }

  /** New topics come last, so no known topic may follow them. */
  #inOrder(topics: Iterable<string>): boolean {
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

/**
 * Cuts the entries of one topic into requests. Each request takes the next entries of every partition, so that leaders write in parallel
 * and partitions of equal size need no more requests than one of them alone.
 */
export function* chunksOf<O>(
  entries: readonly Entry<O>[],
  partitionOf: (record: OutgoingRecord) => number,
): Iterable<Chunk<O>> {
  const left = new Map<number, { readonly all: Entry<O>[]; next: number }>();
  for (const entry of entries) {
    const partition = partitionOf(entry.record);
    const own = left.get(partition);
    if (own === undefined) left.set(partition, { all: [entry], next: 0 });
    else own.all.push(entry);
  }
  while (left.size > 0) {
    const chunk: Chunk<O> = new Map();
    let bytes = 0;
    for (const [partition, own] of left) {
      const start = own.next;
      let ownBytes = 0;
      for (; own.next < own.all.length; own.next++) {
        const entry = own.all[own.next];
        const size = entry === undefined ? 0 : recordSize(entry.record);
        if (ownBytes > 0 && ownBytes + size > PARTITION_BYTES) break;
        if (bytes > 0 && bytes + size > REQUEST_BYTES) break;
        ownBytes += size;
        bytes += size;
      }
      if (own.next > start) chunk.set(partition, own.all.slice(start, own.next));
      if (own.next === own.all.length) left.delete(partition);
    }
    yield chunk;
  }
}
