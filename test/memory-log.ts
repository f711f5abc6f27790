import type {
  Batch,
  EventLog,
  HeldBack,
  LogRecord,
  OutgoingRecord,
  PartitionOffsets,
  ReadRange,
} from '../ports/event-log.ts';
import type { RecordByTopic } from '../schemas/generated/records.ts';
import { RecordCodec } from '../schemas/record-codec.ts';
import { TopicWriter } from '../schemas/topic-writer.ts';
import { type Topic, allTopicSpecs } from '../schemas/topics.ts';
import { MemoryRegistry } from './schemas/memory-registry.ts';

/** Small, so that a few records already cross batches. Unit: records. */
const BATCH_RECORDS = 3;

/** An event log in memory, for readers: batches are small, `read` ends as L6 says, subscribing is left to the real ones. */
export class MemoryLog implements EventLog {
  readonly #partitions = new Map<string, LogRecord[][]>();
  /** The newest timestamp. */
  newest = -Infinity;
  readonly #committed = new Map<string, ReadonlyMap<number, number>>();

  append(records: readonly OutgoingRecord[]): Promise<void> {
    for (const record of records) {
      const partitions = this.#of(record.topic);
      const partition =
        record.partition ?? Buffer.from(record.key ?? []).reduce((sum, byte) => sum + byte, 0) % partitions.length;
      const stored = partitions[partition] ?? [];
      const { topic, timestamp, key, value, headers = [] } = record;
      this.newest = Math.max(this.newest, timestamp);
      stored.push({ topic, partition, offset: stored.length, timestamp, key, value, headers });
    }
    return Promise.resolve();
  }

  async *read(topic: string, range: ReadRange = {}): AsyncIterable<Batch> {
    for (const { partition, begin, end } of await this.offsets(topic)) {
      if (range.partitions?.includes(partition) === false) continue;
      for (let next = Math.max(begin, range.from?.get(partition) ?? begin); next < end; next += BATCH_RECORDS) {
        const nextOffset = Math.min(next + BATCH_RECORDS, end);
        const records = this.#of(topic)[partition]?.slice(next, nextOffset) ?? [];
        yield { topic, partition, records, nextOffset };
      }
    }
  }

  offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return Promise.resolve(this.#of(topic).map((records, partition) => ({ partition, begin: 0, end: records.length })));
  }

  offsetsAt(topic: string, timestamp: number): Promise<ReadonlyMap<number, number>> {
    const firstAt = (records: readonly LogRecord[]): number => {
      const offset = records.findIndex((record) => record.timestamp >= timestamp);
      return offset === -1 ? records.length : offset;
    };
    return Promise.resolve(new Map(this.#of(topic).map((records, partition) => [partition, firstAt(records)])));
  }

  committed(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    return Promise.resolve(this.#committed.get(`${group} ${topic}`) ?? new Map<number, number>());
  }

  heldBack(): Promise<readonly HeldBack[]> {
    return Promise.resolve([]);
  }

  commit(group: string, topic: string, offsets: ReadonlyMap<number, number>): void {
    this.#committed.set(`${group} ${topic}`, offsets);
  }

  count(topic: string): number {
    return this.#of(topic).reduce((sum, records) => sum + records.length, 0);
  }

  subscribe(): never {
    throw new Error('the memory log has no consumers');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #of(topic: string): LogRecord[][] {
    let partitions = this.#partitions.get(topic);
    if (partitions === undefined) {
      const spec = allTopicSpecs().find(({ name }) => name === topic);
      if (spec === undefined) throw new Error(`no topic ${topic}`);
      partitions = Array.from({ length: spec.partitions }, () => []);
      this.#partitions.set(topic, partitions);
    }
    return partitions;
  }
}

/** What commands and processors read from, in memory, and a way to fill it. */
export interface MemoryWorld {
  readonly log: MemoryLog;
  readonly codec: RecordCodec;
  counts(topic: string): number;
  /** As of an embedded log; a test may set it. */
  liveNow(): number | null;
  close(): Promise<void>;
  /** Appends the record as its owner would. */
  write<T extends Topic>(
    topic: T,
    record: RecordByTopic[T['name']],
    timestamp: number,
    partition?: number,
  ): Promise<void>;
}

export async function memoryWorld(): Promise<MemoryWorld> {
  const log = new MemoryLog();
  const codec = await RecordCodec.open(await MemoryRegistry.withOwnSchemas());
  return {
    log,
    codec,
    counts: (topic) => log.count(topic),
    liveNow: () => null,
    close: () => log.close(),
    write: (topic, record, timestamp, partition) => {
      const encoded = new TopicWriter(topic.writer, codec).encode(topic, record, timestamp);
      return log.append([partition === undefined ? encoded : { ...encoded, partition }]);
    },
  };
}
