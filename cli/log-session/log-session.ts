import { deskLog, deskRegistry, EmbeddedDeskLog } from '../../connectors/desk-log.ts';
import { ConfluentRegistry } from '../../connectors/kafka/confluent-registry.ts';
import type { Connections } from '../../connectors/kafka/kafka-connection.ts';
import { KafkaLog } from '../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { type Logger, SILENT_LOGGER } from '../../ports/logger.ts';
import type { EventLog, TopicAdmin } from '../../ports/event-log.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { allTopicSpecs, TOPICS } from '../../schemas/topics.ts';
import type { ReadOnlyWorld, ReadableTopics } from '../../pipelines/runtime/topic-cursor.ts';
import { type WorldOptions, chosenKafka } from '../options/log-options.ts';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import type { SchemaRegistry } from '../../schemas/registry.ts';
import { join } from 'node:path';
import type { ConfidenceCalibration } from '../../schemas/generated/records.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';

/** Kafka and its registry, by the names of the desk. Connects at the first use. */
export function openKafka({ kafka, registry }: Connections, logger: Logger, names = new DeskNames()) {
  const log = deskLog(KafkaLog.open({ ...kafka, clock: new SystemClock(), logger }), names);
  return { log, registry: deskRegistry(new ConfluentRegistry(registry), names) };
}

/**
 * Opens the log that the options choose, for viewing. Throws LOG_UNREADABLE where the data folder holds none; BROKER_AWAY,
 * REGISTRY_AWAY or SCHEMA_NOT_REGISTERED on Kafka.
 */
export async function openReadOnlyWorld(options: WorldOptions): Promise<ReadOnlyWorld> {
  const connections = chosenKafka(options);
  const names = new DeskNames(options.desk);
  if (connections === null) return openReadOnly(options.data, names);
  const { log, registry } = openKafka(connections, SILENT_LOGGER, names);
  try {
    const clock = new SystemClock();
    const codec = await RecordCodec.open(registry, { now: () => clock.now() });
    const counts = await countRecords(log);
    return {
      log,
      codec,
      admin: log,
      counts: (topic) => counts.get(topic) ?? 0,
      countsOffsets: true,
      liveNow: () => clock.now(),
      close: () => log.close(),
    };
  } catch (thrown) {
    await log.close();
    throw thrown;
  }
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

/** Opens the embedded log of a data folder for reading. Throws LOG_UNREADABLE where there is none. */
export async function openReadOnly(dataDir: string, names = new DeskNames()): Promise<ReadOnlyWorld> {
  const log = new EmbeddedDeskLog(EmbeddedLog.openReadOnly(dataDir, new SystemClock()), names);
  const codec = await RecordCodec.open(log.registry);
  return { log, codec, admin: log, counts: (topic) => log.count(topic), liveNow: () => null, close: () => log.close() };
}

/** What commands need that look after a log: create topics, register schemas, put dead letters back. */
export interface AdminWorld {
  readonly log: EventLog & TopicAdmin;
  readonly registry: SchemaRegistry;
  readonly close: () => Promise<void>;
}

/** `read` for commands that only look: they neither create a data folder nor write to one. */
export type Access = 'read' | 'write';

/** Opens the log that the options choose. Topics and schemas need not be there yet. Throws LOG_UNREADABLE for `read` where the data folder holds no log. */
export function openAdminWorld(options: WorldOptions, access: Access): AdminWorld {
  const connections = chosenKafka(options);
  const names = new DeskNames(options.desk);
  if (connections !== null) {
    const { log, registry } = openKafka(connections, SILENT_LOGGER, names);
    return { log, registry, close: () => log.close() };
  }
  const clock = new SystemClock();
  const opened =
    access === 'read' ? EmbeddedLog.openReadOnly(options.data, clock) : EmbeddedLog.open(options.data, clock);
  const log = new EmbeddedDeskLog(opened, names);
  return { log, registry: log.registry, close: () => log.close() };
}

/** Opens the log that the options choose for as long as `work` takes. */
export async function withLog<T>(
  options: WorldOptions,
  access: Access,
  work: (world: ReadableTopics) => Promise<T>,
): Promise<T> {
  const { log, registry, close } = openAdminWorld(options, access);
  try {
    return await work({ log, codec: await RecordCodec.open(registry) });
  } finally {
    await close();
  }
}

/** Makes a proposal or a decision durable: one record, so that it is there whole or not at all (event-log.ts PORT-1). */
export async function appendDecision({ log, codec }: ReadableTopics, record: ConfidenceCalibration): Promise<void> {
  const writer = new TopicWriter('calibration', codec);
  await log.append([writer.encode(TOPICS.confidenceCalibration, record, record.decided_at)]);
}

/** Where reports and exported rows live unless said otherwise. */
export function calibrationsFolder({ data }: Pick<WorldOptions, 'data'>): string {
  return join(data, 'calibrations');
}
