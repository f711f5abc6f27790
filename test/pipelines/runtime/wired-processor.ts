import { onTestFinished } from 'vitest';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { Processor } from '../../../pipelines/runtime/processor.ts';
import { wireProcessor } from '../../../pipelines/runtime/wire-processor.ts';
import { CURRENT_POLICY } from '../../fixtures/policies.ts';
import { scoringProcessor } from '../../../pipelines/scoring/scoring-processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { schemaText, TOPICS, allTopicSpecs, deadLetterTopicOf, subjectOf } from '../../../schemas/topics.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

export const SNAPSHOTS = TOPICS.positionSnapshot;
export const DEAD = deadLetterTopicOf(SNAPSHOTS.name);

/** After everything that the records say: no time of theirs lies ahead of it. */
export const AT = 1_900_000_000_000;

/** An embedded log with topics and schemas, for one test. */
export async function preparedLog(): Promise<{ log: EmbeddedLog; codec: RecordCodec; source: TopicWriter }> {
  const log = EmbeddedLog.open(folderForTest(), new SystemClock());
  onTestFinished(() => log.close());
  await log.createTopics(allTopicSpecs());
  for (const topic of Object.values(TOPICS)) await log.registry.register(subjectOf(topic), schemaText(topic));
  const codec = await RecordCodec.open(log.registry);
  return { log, codec, source: new TopicWriter('snapshots', codec) };
}

export function scoring(codec: RecordCodec): Processor {
  return scoringProcessor({ writer: new TopicWriter('scoring', codec), policy: CURRENT_POLICY });
}

/** Runs a processor over everything that is there. */
export async function run(processor: Processor, log: EmbeddedLog, codec: RecordCodec): Promise<void> {
  const { options, handler } = wireProcessor({
    processor,
    log,
    codec,
    clock: new VirtualClock(0),
    logger: SILENT_LOGGER,
  });
  const consumer = log.consumer(options, handler);
  await consumer.join();
  try {
    await consumer.pump();
  } finally {
    await consumer.stop();
  }
}

export async function all(log: EmbeddedLog, topic: string): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  for await (const batch of log.read(topic)) found.push(...batch.records);
  return found;
}

export function headersOf(record: LogRecord): Record<string, string> {
  return Object.fromEntries(record.headers.map(([name, value]) => [name, Buffer.from(value ?? []).toString()]));
}

/** Encodes as a client would that knows the schema but none of our checks. */
export async function laxEncoder(log: EmbeddedLog): Promise<(value: object) => Uint8Array> {
  const { default: avsc } = await import('avsc');
  const text = schemaText(SNAPSHOTS);
  const type = avsc.Type.forSchema(JSON.parse(text) as Parameters<typeof avsc.Type.forSchema>[0]);
  const id = await log.registry.idOf(subjectOf(SNAPSHOTS), text);
  const header = Buffer.alloc(5);
  header.writeInt32BE(id ?? 0, 1);
  return (value) => Buffer.concat([header, type.toBuffer(value)]);
}
