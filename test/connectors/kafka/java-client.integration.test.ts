/** Apache Kafka's own client on a real broker: each side reads what the other writes, with every codec. */
import { spawnSync } from 'node:child_process';
import { openSync, readSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { type Codec, CODECS } from '../../../connectors/kafka/codecs.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { LogRecord, OutgoingRecord } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { sharedTestBroker, started } from '../../tools/kafka/test-broker.ts';
import { clientRecord, lineOf } from './batches/client-records.ts';

const SOURCE = fileURLToPath(new URL('./batches/JavaClient.java', import.meta.url));

/** The positions of the attributes of a batch, whose last three bits are the codec, and of its records. Unit: bytes. */
const ATTRIBUTES_AT = 21;
const RECORDS_AT = 61;

const broker = await sharedTestBroker();

describe.skipIf('skipped' in broker)('the Java client', () => {
  const { brokers, folder } = started(broker);

  async function newTopic(name: string, compression = 'producer'): Promise<string> {
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const configEntries = [
      { name: 'compression.type', value: compression },
      // The records are of a fixed day: with a limit, the broker would delete them within five minutes.
      { name: 'retention.ms', value: '-1' },
    ];
    await admin.createTopics({ topics: [{ topic: name, numPartitions: 1, replicationFactor: 1, configEntries }] });
    await admin.disconnect();
    return name;
  }

  function openLog(compression: Codec = 'none'): KafkaLog {
    const log = KafkaLog.open({ brokers, compression, clock: new SystemClock(), logger: SILENT_LOGGER });
    onTestFinished(() => log.close());
    return log;
  }

  function java(act: 'write' | 'read', topic: string): readonly string[] {
    const kafka = inject('kafka');
    if ('skipped' in kafka) throw new Error(kafka.skipped);
    const args = ['-XX:TieredStopAtLevel=1', '-cp', kafka.jars.kafkaClassPath, SOURCE, act, brokers.join(','), topic];
    const { status, stdout, stderr } = spawnSync(kafka.java, args, { encoding: 'utf8', timeout: 60_000 });
    if (status !== 0) throw new Error(stderr);
    return stdout.trimEnd().split('\n');
  }

  async function linesRead(topic: string): Promise<readonly string[]> {
    const lines: string[] = [];
    for await (const { records } of openLog().read(topic))
      for (const record of records) lines.push(lineOf(record, record.partition, record.offset));
    return lines;
  }

  async function linesConsumed(topic: string, count: number): Promise<readonly string[]> {
    const records: LogRecord[] = [];
    const all = Promise.withResolvers<void>();
    const options = { group: `${topic}-group`, topics: [topic], from: 'beginning' } as const;
    const subscription = await openLog().subscribe(options, (batch) => {
      records.push(...batch.records);
      if (records.length >= count) all.resolve();
      return Promise.resolve([]);
    });
    try {
      await Promise.race([all.promise, subscription.done]);
    } finally {
      await subscription.stop();
    }
    return records.map((record) => lineOf(record, record.partition, record.offset));
  }

  it('writes by every codec and in transactions: read as it sent them, by a reader and by a group', async () => {
    const topic = await newTopic('from-java');
    const sent = java('write', topic);
    expect(sent).toHaveLength(5 * 20 + 2 * 3);
    expect(await linesRead(topic)).toEqual(sent);
    expect(await linesConsumed(topic, sent.length)).toEqual(sent);
  });

  it('reads what is written by every codec', async () => {
    const topic = await newTopic('to-java');
    const sent: OutgoingRecord[] = [];
    for (const codec of CODECS) {
      const records = Array.from({ length: 20 }, (_, index) => clientRecord(topic, codec, index));
      await openLog(codec).append(records);
      sent.push(...records);
    }
    expect(java('read', topic)).toEqual(sent.map((record, offset) => lineOf(record, 0, offset)));
    expect(codecsOn(topic)).toEqual([0, 1, 2, 3, 4]);
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'a topic that imposes %s is written and read',
    async (imposed) => {
      const topic = await newTopic(`imposes-${imposed}`, imposed);
      const records = Array.from({ length: 20 }, (_, index) => clientRecord(topic, 'none', index));
      for (const codec of ['none', 'snappy'] as const) await openLog(codec).append(records);
      const wanted = [...records, ...records].map((record, offset) => lineOf(record, 0, offset));
      expect(await linesRead(topic)).toEqual(wanted);
      expect(codecsOn(topic)).toEqual([imposed, imposed].map((codec) => CODECS.indexOf(codec)));
    },
  );

  it('a batch that the disk damaged is a fault with topic, partition and offset, for a reader and for a group', async () => {
    const topic = await newTopic('damaged');
    const records = Array.from({ length: 20 }, (_, index) => clientRecord(topic, 'lz4', index));
    for (let batch = 0; batch < 2; batch++) await openLog('lz4').append(records);
    const second = batchesOn(topic)[1];
    flipByte(topic, (second?.start ?? 0) + RECORDS_AT + 40);
    const fault = {
      code: 'BATCH_UNREADABLE',
      at: { topic, partition: 0, offset: 20 },
      message: expect.stringContaining(`${topic}[0]@20`),
    };
    await expect(linesRead(topic)).rejects.toMatchObject(fault);
    await expect(linesConsumed(topic, 40)).rejects.toMatchObject(fault);
  });

  function segmentOf(topic: string): string {
    const of = join(folder, 'kafka', `${topic}-0`);
    const [name = ''] = readdirSync(of).filter((file) => file.endsWith('.log'));
    return join(of, name);
  }

  function batchesOn(topic: string): readonly { readonly start: number; readonly codec: number }[] {
    const file = openSync(segmentOf(topic), 'r');
    const header = Buffer.alloc(RECORDS_AT);
    const batches: { start: number; codec: number }[] = [];
    for (let start = 0; readSync(file, header, 0, RECORDS_AT, start) === RECORDS_AT;) {
      batches.push({ start, codec: header.readInt16BE(ATTRIBUTES_AT) & 7 });
      start += 12 + header.readInt32BE(8);
    }
    return batches;
  }

  function codecsOn(topic: string): readonly number[] {
    return batchesOn(topic).map(({ codec }) => codec);
  }

  /** Damages a file of the broker, which sends its content unchecked. */
  function flipByte(topic: string, at: number): void {
    const file = openSync(segmentOf(topic), 'r+');
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, at);
    byte.writeUInt8(byte.readUInt8() ^ 0x10);
    writeSync(file, byte, 0, 1, at);
  }
});
