import { deskLog, deskRegistry } from '../../connectors/desk-log.ts';
import { ConfluentRegistry } from '../../connectors/kafka/confluent-registry.ts';
import type { Connections } from '../../connectors/kafka/kafka-connection.ts';
import { KafkaLog } from '../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { type Logger, SILENT_LOGGER } from '../../ports/logger.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { allTopicSpecs } from '../../schemas/topics.ts';
import { openReadOnly } from './embedded-world.ts';
import type { ReadOnlyWorld } from '../../pipelines/runtime/read-only-world.ts';
import { type WorldOptions, chosenKafka } from '../options/world-options.ts';

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
