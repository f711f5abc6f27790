import type { EachBatchPayload } from 'kafkajs';
import type { Batch, LogRecord } from '../../ports/event-log.ts';
import { toLogRecord } from './log-records.ts';

/** A part of what was fetched from one partition, small enough for a handler. */
export interface Slice {
  readonly batch: Batch;
  /** What may be committed once it is done: behind the last record may be control records, which nobody waits for. */
  readonly commitOffset: number;
}

/** Cuts what was fetched into slices of at most `size` records. */
export function* slicesOf(fetched: EachBatchPayload['batch'], size: number): Iterable<Slice> {
  const { topic, partition, messages } = fetched;
  let records: LogRecord[] = [];
  let left = messages.length;
  for (const message of messages) {
    records.push(toLogRecord(topic, partition, message));
    left -= 1;
    const isLast = left === 0;
    if (records.length < size && !isLast) continue;
    const nextOffset = Number(message.offset) + 1;
    yield {
      batch: { topic, partition, records, nextOffset },
      commitOffset: isLast ? Number(fetched.lastOffset()) + 1 : nextOffset,
    };
    records = [];
  }
}
