/**
 * The broker of a simulated world: topics, what is written to them, and the consumer groups. Processes reach it through `SimulatedLog`; the
 * world itself reads, writes and breaks things here directly.
 *
 * SIM-22  A write that a producer sends again is stored once, however late an earlier attempt arrives.
 * SIM-23  A fetch without records waits for them without an event: idle members cost nothing.
 */
import type { GroupPosition } from '../../../connectors/kafka/assignment.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import {
  type Batch,
  type Headers,
  type LogRecord,
  type OutgoingRecord,
  type TopicDrift,
  driftOf,
} from '../../../ports/event-log.ts';
import { partitionOf } from '../../../ports/partitioner.ts';
import type { Random } from '../../../ports/random.ts';
import { type TopicSpec, sourceTopicOf } from '../../../schemas/topics.ts';
import type { FaultBoard } from '../faults.ts';
import type { Host } from '../host.ts';
import type { Kernel, Scheduled } from '../kernel.ts';
import { Group, type MemberSide, SESSION_TIMEOUT_MS } from './group.ts';
import { away } from './log-requests.ts';
import { StoredPartition } from './stored-partition.ts';

/** Called with each stored record and the name of the process that wrote it; null for the world. */
export type AppendListener = (record: LogRecord, writer: string | null) => void;

/** Called with the name of a topic that is about to be deleted, and made again. */
export type RecreationListener = (topic: string) => void;

/** A record with its place. */
export type Placed = OutgoingRecord & { readonly partition: number };

/** The number of a write of one producer, from 1 on. */
export interface Sequence {
  readonly producer: string;
  readonly number: number;
}

/** How long a fetch's answer travels once a record came, at the least and at the most. Unit: milliseconds. */
const ANSWER_MS = [1, 6] as const;

const NO_HEADERS: Headers = [];

interface Topic {
  readonly spec: TopicSpec;
  readonly partitions: StoredPartition[];
}

/** A fetch of a member, and how the member takes it back. */
export interface Fetch {
  /** Null where it was taken back. Throws OffsetOutOfRange. */
  readonly batch: Batch | null | Promise<Batch | null>;
  cancel(): void;
}

export class SimulatedBroker {
  readonly kernel: Kernel;
  readonly faults: FaultBoard;
  readonly random: Random;
  readonly #topics = new Map<string, Topic>();
  readonly #groups = new Map<string, Group>();
  /** By producer: the number of its latest write. */
  readonly #sequences = new Map<string, number>();
  readonly #listeners: AppendListener[] = [];
  readonly #recreationListeners: RecreationListener[] = [];
  /** By name of a process: how many logs it has opened. */
  readonly #clients = new Map<string, number>();
  /** By name of the process that stands still: when its sessions end. */
  readonly #silent = new Map<string, Scheduled>();

  constructor(kernel: Kernel, faults: FaultBoard) {
    this.kernel = kernel;
    this.faults = faults;
    this.random = new SeededRandom(kernel.seed);
  }

  // What the world does and sees.

  /** Writes at once, as a producer of the world. */
  append(records: readonly OutgoingRecord[]): void {
    this.write(
      records.map((record) => this.place(record)),
      null,
    );
  }

  onAppend(listener: AppendListener): void {
    this.#listeners.push(listener);
  }

  onRecreation(listener: RecreationListener): void {
    this.#recreationListeners.push(listener);
  }

  /** The records that are kept, by partition. Not a copy. */
  records(topic: string): readonly (readonly LogRecord[])[] {
    return this.partitions(topic).map(({ records }) => records);
  }

  committedOf(group: string, topic: string): ReadonlyMap<number, number> {
    return this.#groups.get(group)?.committed(topic) ?? new Map();
  }

  /** Retention: removes what is older. Returns how many records. */
  trim(topic: string, before: EpochMillis): number {
    return this.partitions(topic).reduce((count, partition) => count + partition.trim(before), 0);
  }

  /** Compaction: keeps the last record of each key. Returns how many records it removed. */
  compact(topic: string): number {
    return this.partitions(topic).reduce((count, partition) => count + partition.compact(), 0);
  }

  /** Deletes a topic and makes it again, with the offsets that groups have committed of it. */
  recreate(topic: string): void {
    const { spec, partitions } = this.#topic(topic);
    for (const listener of this.#recreationListeners) listener(topic);
    this.#topics.set(topic, { spec, partitions: emptyPartitions(topic, 0, partitions.length) });
    for (const group of this.#groups.values()) group.forget(topic);
    for (const partition of partitions) partition.wake();
  }

  /** The group removes all of its members at once (SIM-21). The first that comes back owns everything for a moment. */
  rebalance(group: string): void {
    this.#groups.get(group)?.expel(null, 'expelled');
  }

  /** The group goes on from offsets that many records before those that it has committed. */
  rewind(group: string, records: number): void {
    const found = this.group(group);
    for (const topic of this.#topics.keys()) {
      for (const { partition, begin } of this.partitions(topic).map(({ offsets }) => offsets)) {
        const offset = found.committed(topic).get(partition);
        if (offset === undefined) continue;
        found.set({ topic, partition, offset: Math.min(offset, Math.max(begin, offset - records)) });
      }
    }
    this.rebalance(group);
  }

  /** Takes a process as dead that still works (SIM-21): its members drop out of their groups, and come back. */
  fence(hostName: string): void {
    this.#expel(hostName, 'dropped');
  }

  /** A process has died: its groups notice that a session timeout later. */
  gone(host: Host): void {
    this.afterSession(host, () => this.#expel(host.name, 'expelled'));
  }

  /** A process stands still from now on. Its groups notice that a session timeout later, where it still does. */
  silent(host: Host): void {
    this.#silent.get(host.name)?.cancel();
    const over = this.afterSession(host, () => {
      this.#silent.delete(host.name);
      if (host.isStanding) this.#expel(host.name, 'expelled');
    });
    this.#silent.set(host.name, over);
  }

  createTopics(specs: readonly TopicSpec[]): readonly TopicDrift[] {
    return specs.map((spec) => this.#createTopic(spec));
  }

  compareTopics(specs: readonly TopicSpec[]): readonly TopicDrift[] {
    return specs.map((spec) => this.#compareTopic(spec));
  }

  // What processes ask.

  /** Throws TOPIC_MISSING. */
  partitions(topic: string): readonly StoredPartition[] {
    return this.#topic(topic).partitions;
  }

  /** The record or its substitute in its partition. Throws TOPIC_MISSING or PARTITION_MISSING. */
  place(record: OutgoingRecord): Placed {
    const { topic, key, ifRefused } = record;
    const count = this.partitions(topic).length;
    const partition = record.partition ?? partitionOf(key, count);
    if (partition < count) return { ...record, partition };
    const at = { topic, partition };
    const refusal = new HarvestlineError('PARTITION_MISSING', `${topic} has no partition ${partition}`, { at });
    const substitute = ifRefused?.(refusal) ?? null;
    if (substitute === null) throw refusal;
    return this.place({ topic, ...substitute });
  }

  /** SIM-22. All of the records, or none. */
  write(records: readonly Placed[], writer: string | null, sequence?: Sequence): void {
    if (sequence !== undefined && (this.#sequences.get(sequence.producer) ?? 0) >= sequence.number) return;
    const places = records.map((record) => {
      const partition = this.partitions(record.topic)[record.partition];
      if (partition === undefined) throw new HarvestlineError('PARTITION_MISSING', `no partition ${record.partition}`);
      return partition;
    });
    if (sequence !== undefined) this.#sequences.set(sequence.producer, sequence.number);
    for (const [index, { timestamp, key, value, headers = NO_HEADERS }] of records.entries()) {
      const stored = places[index]?.append({ timestamp, key, value, headers });
      if (stored !== undefined) for (const listener of this.#listeners) listener(stored, writer);
    }
    for (const partition of new Set(places)) partition.wake();
  }

  /** What of the group's offsets and the topic's matters for where it starts. Throws TOPIC_MISSING. */
  positionOf(group: string, topic: string): GroupPosition {
    const partitions = this.partitions(topic).map(({ offsets }) => offsets);
    const committed = this.committedOf(group, topic);
    const beyond = partitions.filter(({ partition, end }) => (committed.get(partition) ?? 0) > end);
    return { topic, committed, partitions, beyond: new Set(beyond.map(({ partition }) => partition)) };
  }

  /** Runs once a group has waited in vain for a member's heartbeats. */
  afterSession(host: Host, run: () => void): Scheduled {
    return this.kernel.after(SESSION_TIMEOUT_MS, host.name, run);
  }

  /** Unique in the world: a process may open several logs. */
  clientName({ name }: Host): string {
    const count = (this.#clients.get(name) ?? 0) + 1;
    this.#clients.set(name, count);
    return `${name}/${count}`;
  }

  group(name: string): Group {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new Group(name, this.kernel, (topic) => this.partitions(topic).length);
      this.#groups.set(name, group);
    }
    return group;
  }

  /** Answered at once where there are records, otherwise one event after the next append (SIM-23). */
  fetch({ id, random }: MemberSide, topic: string, number: number, offset: number, limit: number): Fetch {
    const find = (): Batch | null => this.partitions(topic)[number]?.fetch(offset, limit) ?? null;
    const batch = find();
    if (batch !== null) return { batch, cancel: () => {} };
    const { promise, resolve, reject } = Promise.withResolvers<Batch | null>();
    let stopWaiting = (): void => {};
    const wait = (): void => {
      const partition = this.partitions(topic)[number];
      partition?.wait(wake);
      stopWaiting = () => partition?.stopWaiting(wake);
    };
    const answer = (): void => {
      // The connection broke with the broker.
      if (this.faults.strikes('broker_away', 'log') !== null) return reject(away('fetch: the connection broke'));
      try {
        const found = find();
        if (found === null) wait();
        else resolve(found);
      } catch (thrown) {
        reject(thrown);
      }
    };
    const wake = (): void => {
      const answering = this.kernel.after(random.integer(...ANSWER_MS), id, answer);
      stopWaiting = () => answering.cancel();
    };
    wait();
    const cancel = (): void => {
      stopWaiting();
      resolve(null);
    };
    return { batch: promise, cancel };
  }

  #expel(hostName: string, notice: 'expelled' | 'dropped'): void {
    for (const group of this.#groups.values()) group.expel(hostName, notice);
  }

  #topic(name: string): Topic {
    const topic = this.#topics.get(name);
    if (topic !== undefined) return topic;
    throw new HarvestlineError('TOPIC_MISSING', `topic ${name} does not exist on the broker`, { at: { topic: name } });
  }

  #createTopic(spec: TopicSpec): TopicDrift {
    const { name } = spec;
    const atLeast = this.#topics.get(sourceTopicOf(name) ?? '')?.partitions.length ?? 0;
    const topic = this.#topics.get(name);
    if (topic === undefined) {
      const count = Math.max(spec.partitions, atLeast);
      this.#topics.set(name, { spec, partitions: emptyPartitions(name, 0, count) });
      return { topic: name, state: 'created' };
    }
    const were = topic.partitions.length;
    if (were >= atLeast) return this.#compareTopic(spec);
    topic.partitions.push(...emptyPartitions(name, were, atLeast));
    return { topic: name, state: 'grown', detail: `partitions were ${were}` };
  }

  #compareTopic({ name, partitions, cleanup, retentionMs }: TopicSpec): TopicDrift {
    const topic = this.#topics.get(name);
    if (topic === undefined) return { topic: name, state: 'missing' };
    const source = this.#topics.get(sourceTopicOf(name) ?? '')?.partitions.length;
    const count = topic.partitions.length;
    const differs = [
      { setting: 'partitions', is: String(count), wanted: String(count === source ? count : partitions) },
      { setting: 'cleanup.policy', is: topic.spec.cleanup, wanted: cleanup },
      { setting: 'retention.ms', is: String(topic.spec.retentionMs ?? -1), wanted: String(retentionMs ?? -1) },
    ].filter(({ is, wanted }) => is !== wanted);
    return driftOf(name, differs);
  }
}

/** The partitions from `first` on. */
function emptyPartitions(topic: string, first: number, count: number): StoredPartition[] {
  return Array.from({ length: count - first }, (_, index) => new StoredPartition(topic, first + index));
}
