import type { EachBatchPayload } from 'kafkajs';
import type { Batch, LogRecord } from '../../ports/event-log.ts';
import type { FetchedRecords } from './fetch-response.ts';

/** A part of what was fetched from one partition, small enough for a handler. */
export interface Slice {
  readonly batch: Batch;
  /** What may be committed once it is done: behind the last record may be control records, which nobody waits for. */
  readonly commitOffset: number;
  /** The last of what was fetched, and the log was known to hold more of the partition. */
  readonly isFollowed: boolean;
}

/** Cuts what was fetched into slices of at most `size` records, each decoded when it is asked for. Throws BATCH_UNREADABLE. */
export function* slicesOf(fetched: EachBatchPayload['batch'], size: number): Iterable<Slice> {
  const { topic, partition } = fetched;
  // kafkajs hands on what our own decoder gave it.
  const { batches, length, isFollowed } = fetched.messages as unknown as FetchedRecords;
  const sliceOf = (records: readonly LogRecord[], isLast: boolean): Slice => {
    const nextOffset = (records.at(-1)?.offset ?? 0) + 1;
    return {
      batch: { topic, partition, records, nextOffset },
      commitOffset: isLast ? Number(fetched.lastOffset()) + 1 : nextOffset,
      isFollowed: isLast && isFollowed,
    };
  };
  let left = length;
  let records: LogRecord[] = [];
  for (const batch of batches) {
    const all = batch.records();
    for (let start = 0; start < all.length;) {
      const end = Math.min(all.length, start + size - records.length);
      records.push(...all.slice(start, end));
      left -= end - start;
      start = end;
      if (records.length < size && left > 0) continue;
      yield sliceOf(records, left === 0);
      records = [];
    }
  }
}
