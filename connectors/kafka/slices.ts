import type { EachBatchPayload } from 'kafkajs';
import type { Batch, LogRecord } from '../../ports/event-log.ts';

/** A part of what was fetched from one partition, small enough for a handler. */
export interface Slice {
  readonly batch: Batch;
  /** What may be committed once it is done: behind the last record may be control records, which nobody waits for. */
  readonly commitOffset: number;
}

/** Cuts what was fetched into slices of at most `size` records. */
export function* slicesOf(fetched: EachBatchPayload['batch'], size: number): Iterable<Slice> {
  const { topic, partition } = fetched;
  // kafkajs hands on what our own decoder gave it (fetch-response.ts).
  const messages = fetched.messages as unknown as readonly LogRecord[];
  for (let start = 0; start < messages.length; start += size) {
    const records = messages.length <= size ? messages : messages.slice(start, start + size);
    const nextOffset = (records.at(-1)?.offset ?? 0) + 1;
    const isLast = start + size >= messages.length;
    yield {
      batch: { topic, partition, records, nextOffset },
      commitOffset: isLast ? Number(fetched.lastOffset()) + 1 : nextOffset,
    };
  }
}
