import type { OutgoingRecord } from '../../ports/event-log.ts';
import { recordSize } from './record-batch.ts';

/**
 * The records of one partition in one request. Its batch must fit the broker's limit for one, max.message.bytes, which is 1 MB by
 * default; a single record may take all of it. Unit: bytes.
 */
const PARTITION_BYTES = 512 * 1024;

/** The records of one request: what is repeated where a leader does not answer. Unit: bytes. */
const REQUEST_BYTES = 4 * 1024 * 1024;

/** A record on its way, and the append that it belongs to. */
export interface Entry<O> {
  readonly record: OutgoingRecord;
  readonly owner: O;
}

/** Entries by partition, each in order: what one request writes. */
export type Chunk<O> = Map<number, readonly Entry<O>[]>;

/**
 * Several appends as one, so that those that wait share a round trip. Topics come in the order of their first appearance in
 * every append that takes part (L1); an append that would need another order is not taken.
 */
export class AppendGroup<O> {
  readonly #byTopic = new Map<string, Entry<O>[]>();

  /** False, and nothing is taken, where these records need their topics in another order. */
  tryAdd(owner: O, records: readonly OutgoingRecord[]): boolean {
    if (!this.#inOrder(new Set(records.map(({ topic }) => topic)))) return false;
    for (const record of records) {
      const before = this.#byTopic.get(record.topic);
      if (before === undefined) this.#byTopic.set(record.topic, [{ record, owner }]);
      else before.push({ record, owner });
    }
    return true;
  }

  /** The entries by topic, in the order in which the topics must be written, one after the other. */
  topics(): Iterable<readonly [topic: string, entries: readonly Entry<O>[]]> {
    return this.#byTopic;
  }

  /** Topics not there yet will stand at the end, so none that is there may follow them. */
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
 * Cuts the entries of one topic into requests. Each takes the next ones of every partition, so that leaders and disks work side by side,
 * and partitions of equal size need no more requests than one of them does alone.
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
