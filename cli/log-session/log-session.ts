/** Opens the log that the options choose: the embedded one of a data folder, or Kafka with its registry. */
import { join } from 'node:path';
import { EmbeddedDeskLog, deskLog, deskRegistry } from '../../connectors/desk-log.ts';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { ConfluentRegistry } from '../../connectors/kafka/confluent-registry.ts';
import type { Connections } from '../../connectors/kafka/kafka-connection.ts';
import { KafkaLog } from '../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { LogSession, ReadSession } from '../../pipelines/runtime/log-session.ts';
import type { ReadableTopics } from '../../pipelines/runtime/topic-cursor.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { type Logger, SILENT_LOGGER } from '../../ports/logger.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import type { ConfidenceCalibration } from '../../schemas/generated/records.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../schemas/topics.ts';
import { type LogOptions, chosenKafka } from '../options/log-options.ts';

/** `read` for commands that only look: they neither create a data folder nor write to one. */
export type Access = 'read' | 'write';

/** Throws LOG_UNREADABLE for `read` where the data folder holds no log. Kafka is connected to at the first use. */
export function openLog(options: LogOptions, access: Access): LogSession {
  const connections = chosenKafka(options);
  const names = new DeskNames(options.desk);
  return connections === null
    ? openEmbedded(options.data, access, names)
    : openKafka(connections, SILENT_LOGGER, names);
}

/** Kafka and its registry, by the names of the desk. Connects at the first use. */
export function openKafka({ kafka, registry }: Connections, logger: Logger, names = new DeskNames()): LogSession {
  const clock = new SystemClock();
  const log = deskLog(KafkaLog.open({ ...kafka, clock, logger }), names);
  return sessionOf(log, deskRegistry(new ConfluentRegistry(registry), names), () => clock.now());
}

/**
 * Opens the log for reading. Throws LOG_UNREADABLE where the data folder holds none; BROKER_AWAY, REGISTRY_AWAY or SCHEMA_NOT_REGISTERED on
 * Kafka.
 */
export async function openForReading(options: LogOptions): Promise<ReadSession> {
  const connections = chosenKafka(options);
  const names = new DeskNames(options.desk);
  if (connections === null) {
    const session = openEmbedded(options.data, 'read', names);
    const codec = await session.openCodec();
    return { ...session, codec, counts: (topic) => session.log.count(topic), liveNow: () => null };
  }
  const session = openKafka(connections, SILENT_LOGGER, names);
  try {
    const clock = new SystemClock();
    const codec = await session.openCodec();
    const counts = await countRecords(session.log);
    const count = (topic: string): number => counts.get(topic) ?? 0;
    return { ...session, codec, counts: count, countsOffsets: true, liveNow: () => clock.now() };
  } catch (thrown) {
    await session.close();
    throw thrown;
  }
}

/** Opens the log, with its schemas, for as long as `work` takes. */
export async function withLog<T>(
  options: LogOptions,
  access: Access,
  work: (session: LogSession & ReadableTopics) => Promise<T>,
): Promise<T> {
  const session = openLog(options, access);
  try {
    return await work({ ...session, codec: await session.openCodec() });
  } finally {
    await session.close();
  }
}

function openEmbedded(
  dataDir: string,
  access: Access,
  names: DeskNames,
): LogSession & { readonly log: EmbeddedDeskLog } {
  const clock = new SystemClock();
  const opened = access === 'read' ? EmbeddedLog.openReadOnly(dataDir, clock) : EmbeddedLog.open(dataDir, clock);
  const log = new EmbeddedDeskLog(opened, names);
  return { ...sessionOf(log, log.registry), log };
}

function sessionOf(log: LogSession['log'], registry: LogSession['registry'], now?: () => number): LogSession {
  const openCodec = (): Promise<RecordCodec> => RecordCodec.open(registry, now === undefined ? {} : { now });
  return { log, registry, openCodec, close: () => log.close() };
}

/** Offsets between the oldest kept and the end: above the number of records where a topic was compacted. */
async function countRecords(log: Pick<EventLog, 'offsets'>): Promise<ReadonlyMap<string, number>> {
  const counts = allTopicSpecs().map(async ({ name }): Promise<[string, number]> => {
    try {
      const offsets = await log.offsets(name);
      return [name, offsets.reduce((sum, { begin, end }) => sum + end - begin, 0)];
    } catch (thrown) {
      // The command says so if it needs that topic.
      if (thrown instanceof HarvestlineError && thrown.code === 'TOPIC_MISSING') return [name, 0];
      throw thrown;
    }
  });
  return new Map(await Promise.all(counts));
}

/** Makes a proposal or a decision durable: one record, so that it is there whole or not at all (event-log.ts L1). */
export async function appendDecision({ log, codec }: ReadableTopics, record: ConfidenceCalibration): Promise<void> {
  const writer = new TopicWriter('calibration', codec);
  await log.append([writer.encode(TOPICS.confidenceCalibration, record, record.decided_at)]);
}

/** Where reports and exported rows live unless said otherwise. */
export function calibrationsFolder({ data }: Pick<LogOptions, 'data'>): string {
  return join(data, 'calibrations');
}
