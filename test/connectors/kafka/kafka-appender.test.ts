import { describe, expect, it } from 'vitest';
import type { ByPartition, IdempotentProducer, Outcome } from '../../../connectors/kafka/idempotent-producer.ts';
import { KafkaAppender } from '../../../connectors/kafka/kafka-appender.ts';
import { errorOfCode } from '../../../connectors/kafka/kafkajs-internals.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { deadLetterOf } from '../../../pipelines/runtime/dead-letter.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { OutgoingRecord } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';

/** Kafka's codes. */
const MESSAGE_TOO_LARGE = 10;
const LEADER_NOT_AVAILABLE = 5;

/** A topic of a broker that takes batches up to a size. */
class FakeProducer {
  partitions: number;
  readonly #mostBytes: number;
  readonly written: { readonly partition: number; readonly value: string; readonly offset: string }[] = [];
  sends = 0;

  constructor(partitions: number, mostBytes: number) {
    this.partitions = partitions;
    this.#mostBytes = mostBytes;
  }

  partitionsOf(): Promise<number> {
    return Promise.resolve(this.partitions);
  }

  send(_: string, batches: ByPartition): Promise<ReadonlyMap<number, Outcome>> {
    this.sends += 1;
    return Promise.resolve(
      new Map(Array.from(batches, ([partition, records]) => [partition, this.#take(partition, records)])),
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #take(partition: number, records: readonly OutgoingRecord[]): Outcome {
    if (partition >= this.partitions) return { kind: 'unanswered', error: errorOfCode(LEADER_NOT_AVAILABLE) };
    const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    if (bytes > this.#mostBytes) return { kind: 'refused', error: errorOfCode(MESSAGE_TOO_LARGE) };
    for (const { value, headers = [] } of records) {
      const offset = headers.find(([name]) => name === '__streams.errors.offset')?.[1];
      this.written.push({ partition, value: String(Buffer.from(value ?? []).subarray(0, 8)), offset: String(offset) });
    }
    return { kind: 'acknowledged', baseOffset: 0 };
  }
}

function appenderOf(producer: FakeProducer) {
  const clock = new VirtualClock(0);
  const open = (): Promise<IdempotentProducer> => Promise.resolve(producer as unknown as IdempotentProducer);
  return { appender: new KafkaAppender(open, clock, SILENT_LOGGER), clock };
}

function letter(partition: number, offset: number, value: string): OutgoingRecord {
  const record = { topic: 't', partition, offset, timestamp: 1, key: null, value: Buffer.from(value), headers: [] };
  return deadLetterOf(record, new HarvestlineError('NOT_WIRE_FORMAT', 'bad'), { at: 2 });
}

describe('KFK-38, PORT-7: the substitute of a refused record is written once', () => {
  it('letters of a partition that the topic does not have go to the first; only the first append waits for it', async () => {
    const producer = new FakeProducer(2, 1_000_000);
    const { appender, clock } = appenderOf(producer);
    await appender.append([letter(7, 0, 'one'), letter(1, 1, 'here'), letter(7, 2, 'two')]);
    expect(producer.written).toEqual([
      { partition: 1, value: 'here', offset: '1' },
      { partition: 0, value: 'one', offset: '0' },
      { partition: 0, value: 'two', offset: '2' },
    ]);
    const waited = clock.now();
    expect(waited).toBeGreaterThan(4000);
    await appender.append([letter(7, 3, 'three')]);
    expect(producer.written).toHaveLength(4);
    expect(clock.now()).toBe(waited);
    // Partitions that were added since are found.
    producer.partitions = 9;
    await appender.append([letter(7, 4, 'four')]);
    expect(producer.written.at(-1)).toEqual({ partition: 7, value: 'four', offset: '4' });
    await appender.close();
  });

  it('a letter that is too large goes without its bytes, and those beside it are there once', async () => {
    const producer = new FakeProducer(2, 1000);
    const { appender } = appenderOf(producer);
    const all = [
      letter(0, 0, 'small'),
      letter(0, 1, 'x'.repeat(20_000)),
      letter(0, 2, 'other'),
      letter(1, 3, 'beside'),
    ];
    await appender.append(all);
    const places = producer.written.map(({ partition, value, offset }) => `${partition} ${offset} ${value}`);
    expect(places.toSorted()).toEqual(['0 0 small', '0 1 ', '0 2 other', '1 3 beside']);
    await appender.close();
  });

  it('a record without a substitute fails its own append alone', async () => {
    const producer = new FakeProducer(1, 1000);
    const { appender } = appenderOf(producer);
    const plain = (value: string, partition = 0): OutgoingRecord => ({
      topic: 't.dlq',
      partition,
      key: null,
      value: Buffer.from(value),
      timestamp: 1,
    });
    const [large, missing, good] = await Promise.allSettled([
      appender.append([plain('x'.repeat(2000))]),
      appender.append([plain('nowhere', 5)]),
      appender.append([letter(0, 0, 'good')]),
    ]);
    expect(large).toMatchObject({ status: 'rejected', reason: { code: 'RECORD_TOO_LARGE' } });
    expect(missing).toMatchObject({ status: 'rejected', reason: { code: 'PARTITION_MISSING' } });
    expect(good.status).toBe('fulfilled');
    expect(producer.written.map(({ value }) => value)).toEqual(['good']);
    await appender.close();
  });
});
