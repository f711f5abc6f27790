import { type Command, Option } from 'commander';
import { deskLog, deskRegistry } from '../connectors/desk-log.ts';
import { ConfluentRegistry } from '../connectors/kafka/confluent-registry.ts';
import { type Connections, kafkaConnection } from '../connectors/kafka/kafka-connection.ts';
import { KafkaLog } from '../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { HarvestlineError } from '../errors/harvestline-error.ts';
import { type Logger, SILENT_LOGGER } from '../ports/logger.ts';
import type { EventLog } from '../ports/event-log.ts';
import { DeskNames } from '../schemas/desk-names.ts';
import { RecordCodec } from '../schemas/record-codec.ts';
import { allTopicSpecs } from '../schemas/topics.ts';
import { type ReadOnlyWorld, dataDirOption, deskOption, openReadOnly } from './embedded-world.ts';

/** What `worldOptions` adds to a command. */
export interface WorldOptions {
  readonly data: string;
  readonly brokers?: string;
  readonly registry?: string;
  readonly desk?: string;
}

/** The options that choose a log: the embedded one in --data, unless Kafka is named. */
export function worldOptions(command: Command): Command {
  return command
    .addOption(deskOption())
    .addOption(dataDirOption())
    .addOption(new Option('--brokers <list>', 'Kafka instead of the embedded log: host:port[,…]; or KAFKA_BROKERS'))
    .addOption(new Option('--registry <url>', 'schema registry of that Kafka; or SCHEMA_REGISTRY_URL'));
}

/** The Kafka that options and environment name; null for the embedded log. Throws USAGE with every wrong setting. */
export function chosenKafka(
  { brokers, registry }: WorldOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Connections | null {
  const settings = {
    ...env,
    KAFKA_BROKERS: brokers ?? env['KAFKA_BROKERS'],
    SCHEMA_REGISTRY_URL: registry ?? env['SCHEMA_REGISTRY_URL'],
  };
  const named = settings.KAFKA_BROKERS !== undefined && settings.KAFKA_BROKERS !== '';
  if (named) return kafkaConnection(settings);
  if (registry === undefined) return null;
  throw new HarvestlineError('USAGE', '--registry goes with Kafka: it needs --brokers or KAFKA_BROKERS too');
}

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
