import type { LogRecord } from '../../ports/event-log.ts';
import { type AbortedTransaction, decodeBatches } from './record-batch.ts';

/** Stands for offsets at the end of what was fetched that hold no record for a reader: kafkajs moves on past a control record. */
interface Marker {
  readonly offset: number;
  readonly isControlRecord: true;
}

/**
 * What was fetched of one partition, in the place of kafkajs's list of messages: records as the log has them, and behind them a marker where
 * the last offsets hold none. kafkajs filters the list by offset and by `isControlRecord`; both rise or stand at the end only, so looking
 * at the ends decides. A plain list, with a `filter` of its own: V8 is slow with one of a class.
 */
export interface FetchedRecords extends ReadonlyArray<LogRecord | Marker> {
  /** The offset to go on from; null where no whole batch was fetched. */
  readonly next: number | null;
}

/** Those that lie from `begin` to before `end`, without the marker. */
export function recordsWithin(fetched: FetchedRecords, begin: number, end: number): readonly LogRecord[] {
  const records: LogRecord[] = [];
  for (const one of fetched) {
    if (one.offset >= begin && one.offset < end && !('isControlRecord' in one)) records.push(one);
  }
  return records;
}

function filterEnds(
  this: readonly (LogRecord | Marker)[],
  keep: (one: LogRecord | Marker) => unknown,
): readonly (LogRecord | Marker)[] {
  const keeps = (index: number): boolean => {
    const one = this[index];
    return one !== undefined && Boolean(keep(one));
  };
  let start = 0;
  while (start < this.length && !keeps(start)) start += 1;
  let end = this.length;
  while (end > start && !keeps(end - 1)) end -= 1;
  return start === 0 && end === this.length ? this : this.slice(start, end);
}

/** One partition of a fetch response, in kafkajs's names. */
export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly lastStartOffset: string;
  readonly preferredReadReplica: number;
  /** Left out of `messages` already. */
  readonly abortedTransactions: readonly [];
  readonly messages: FetchedRecords;
}

export interface FetchResponse {
  readonly throttleTime: number;
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly sessionId: number;
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[];
}

/**
 * A fetch response of version 11 of the protocol (Kafka 2.3 and later), its record batches decoded. Throws BATCH_UNREADABLE.
 * kafkajs's own decoder knows gzip only, checks no CRC, and loses the order of headers.
 */
export function decodeFetchResponse(bytes: Buffer): FetchResponse {
  const cursor = new Fields(bytes);
  const clientSideThrottleTime = cursor.int32();
  const errorCode = cursor.int16();
  const sessionId = cursor.int32();
  const responses = cursor.array(() => {
    const topicName = cursor.string();
    return { topicName, partitions: cursor.array(() => decodePartition(cursor, topicName)) };
  });
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

function decodePartition(cursor: Fields, topic: string): FetchedPartition {
  const partition = cursor.int32();
  const errorCode = cursor.int16();
  const highWatermark = cursor.int64();
  const lastStableOffset = cursor.int64();
  const lastStartOffset = cursor.int64();
  const aborted = cursor.array((): AbortedTransaction => ({
    producerId: Number(cursor.int64()),
    firstOffset: Number(cursor.int64()),
  }));
  const preferredReadReplica = cursor.int32();
  return {
    partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    lastStartOffset,
    preferredReadReplica,
    abortedTransactions: [],
    messages: messagesOf(topic, partition, cursor.bytes(), aborted),
  };
}

function messagesOf(
  topic: string,
  partition: number,
  bytes: Buffer,
  aborted: readonly AbortedTransaction[],
): FetchedRecords {
  const messages: (LogRecord | Marker)[] = [];
  const next = decodeBatches(messages, topic, partition, bytes, aborted);
  if (next !== null && next - 1 > (messages.at(-1)?.offset ?? -1)) {
    messages.push({ offset: next - 1, isControlRecord: true });
  }
  return Object.assign(messages, { next, filter: filterEnds });
}

/** The fields of a response, one after the other, as Kafka's protocol has them. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  /** As decimal text: what kafkajs counts with. */
  int64(): string {
    this.#at += 8;
    return String(this.#bytes.readBigInt64BE(this.#at - 8));
  }

  string(): string {
    const length = this.int16();
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  /** A view; empty for null. */
  bytes(): Buffer {
    const length = Math.max(0, this.int32());
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Empty for null. */
  array<T>(item: () => T): T[] {
    const items: T[] = [];
    for (let left = this.int32(); left > 0; left--) items.push(item());
    return items;
  }
}
