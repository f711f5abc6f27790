/**
 * A desk's own part of a log and a registry that several desks share. Callers use the names of the topic table, and requests to the broker
 * use the desk's names (schemas/desk-names.ts).
 *
 * LOG-1  Every argument and Batch.topic have the table's names: processors do not know of desks.
 * LOG-2  LogRecord.topic and TopicDrift.topic are the broker's names, so that coordinates in records, dead letters and messages hold for
 *        every reader of that broker.
 */
import type { EpochMillis } from '../ports/clock.ts';
import type {
  Append,
  Assigned,
  Batch,
  BatchHandler,
  EventLog,
  HeldBack,
  OutgoingRecord,
  PartitionOffsets,
  ReadRange,
  SubscribeOptions,
  Subscription,
  TopicAdmin,
  TopicDrift,
} from '../ports/event-log.ts';
import type { DeskNames } from '../schemas/desk-names.ts';
import type { SchemaRegistry, SubjectVersion } from '../schemas/registry.ts';
import { type TopicSpec, allTopicSpecs } from '../schemas/topics.ts';
import type { SchemaId } from '../schemas/wire-format.ts';
import type { EmbeddedConsumer } from './embedded/embedded-consumer.ts';
import type { EmbeddedLog } from './embedded/embedded-log.ts';

type Log = EventLog & TopicAdmin;

class DeskLog<L extends Log = Log> implements EventLog, TopicAdmin {
  /** The log that the desks share. */
  readonly shared: L;
  protected readonly names: DeskNames;

  constructor(log: L, names: DeskNames) {
    this.shared = log;
    this.names = names;
  }

  append(records: readonly OutgoingRecord[]): Promise<void> {
    return this.shared.append(this.#outgoing(records));
  }

  subscribe(options: SubscribeOptions, handler: BatchHandler): Promise<Subscription> {
    return this.shared.subscribe(this.subscription(options), this.handler(handler));
  }

  async *read(topic: string, range?: ReadRange): AsyncIterable<Batch> {
    for await (const batch of this.shared.read(this.names.topic(topic), range)) yield this.#incoming(batch);
  }

  offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return this.shared.offsets(this.names.topic(topic));
  }

  offsetsAt(topic: string, timestamp: EpochMillis): Promise<ReadonlyMap<number, number>> {
    return this.shared.offsetsAt(this.names.topic(topic), timestamp);
  }

  committed(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    return this.shared.committed(this.names.group(group), this.names.topic(topic));
  }

  heldBack(topic: string): Promise<readonly HeldBack[]> {
    return this.shared.heldBack(this.names.topic(topic));
  }

  createTopics(topics: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
    return this.shared.createTopics(this.#specs(topics));
  }

  compareTopics(topics: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
    return this.shared.compareTopics(this.#specs(topics));
  }

  close(): Promise<void> {
    return this.shared.close();
  }

  protected subscription(options: SubscribeOptions): SubscribeOptions {
    const { onAssigned, onMoved } = options;
    return {
      ...options,
      group: this.names.group(options.group),
      topics: options.topics.map((topic) => this.names.topic(topic)),
      ...(onAssigned === undefined
        ? {}
        : { onAssigned: (assigned, append) => onAssigned(this.#assigned(assigned), this.#append(append)) }),
      ...(onMoved === undefined
        ? {}
        : {
            onMoved: (moved, append) =>
              onMoved(
                moved.map((one) => ({ ...one, topic: this.names.inTable(one.topic) })),
                this.#append(append),
              ),
          }),
    };
  }

  protected handler(handler: BatchHandler): BatchHandler {
    return async (batch, append, refusal) =>
      this.#outgoing(await handler(this.#incoming(batch), this.#append(append), refusal));
  }

  #append(append: Append): Append {
    return (records) => append(this.#outgoing(records));
  }

  #outgoing(records: readonly OutgoingRecord[]): readonly OutgoingRecord[] {
    return records.map((record) => ({ ...record, topic: this.names.topic(record.topic) }));
  }

  /** The batch by the table's name; its records keep the broker's (LOG-2). */
  #incoming(batch: Batch): Batch {
    return { ...batch, topic: this.names.inTable(batch.topic) };
  }

  #assigned(assigned: Assigned): Assigned {
    return Object.fromEntries(
      Object.entries(assigned).map(([topic, partitions]) => [this.names.inTable(topic), partitions]),
    );
  }

  #specs(topics: readonly TopicSpec[]): readonly TopicSpec[] {
    return topics.map((spec) => ({ ...spec, name: this.names.topic(spec.name) }));
  }
}

/** With what the embedded log offers besides the port, by the table's names. */
export class EmbeddedDeskLog extends DeskLog<EmbeddedLog> {
  get registry(): SchemaRegistry {
    return deskRegistry(this.shared.registry, this.names);
  }

  consumer(options: SubscribeOptions, handler: BatchHandler): EmbeddedConsumer {
    return this.shared.consumer(this.subscription(options), this.handler(handler));
  }

  count(topic: string): number {
    return this.shared.count(this.names.topic(topic));
  }

  /** `applyRetention` of the embedded log to all topics of this desk. */
  applyRetention(now: EpochMillis, accounts: Iterable<string>): void {
    const topics = allTopicSpecs().map(({ name }) => this.names.topic(name));
    this.shared.applyRetention(now, { topics, accounts });
  }

  lastTimestamp(topic: string): EpochMillis | null {
    return this.shared.lastTimestamp(this.names.topic(topic));
  }
}

/** The desk's log; the log itself for a desk without a name. */
export function deskLog<L extends Log>(log: L, names: DeskNames): L | DeskLog<L> {
  return names.desk === null ? log : new DeskLog(log, names);
}

/** The desk's registry; the registry itself for a desk without a name. */
export function deskRegistry(registry: SchemaRegistry, names: DeskNames): SchemaRegistry {
  return names.desk === null ? registry : new DeskRegistry(registry, names);
}

/** Subjects by the desk's names. Ids are the registry's, whoever registered first. */
class DeskRegistry implements SchemaRegistry {
  readonly #registry: SchemaRegistry;
  readonly #names: DeskNames;

  constructor(registry: SchemaRegistry, names: DeskNames) {
    this.#registry = registry;
    this.#names = names;
  }

  nameOf(subject: string): string {
    return this.#names.subject(subject);
  }

  idOf(subject: string, schema: string): Promise<number | null> {
    return this.#registry.idOf(this.#names.subject(subject), schema);
  }

  schemaOf(id: SchemaId): Promise<string | null> {
    return this.#registry.schemaOf(id);
  }

  versions(subject: string): Promise<readonly SubjectVersion[]> {
    return this.#registry.versions(this.#names.subject(subject));
  }

  register(subject: string, schema: string): Promise<number> {
    return this.#registry.register(this.#names.subject(subject), schema);
  }
}
