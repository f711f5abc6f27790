import type { HarvestlineError } from '../errors/harvestline-error.ts';
import type { TopicSpec } from '../schemas/topics.ts';
import type { EpochMillis } from './clock.ts';

/** Kafka allows a header name more than once, so headers are a list. A header's value may be null. */
export type Headers = readonly (readonly [name: string, value: Uint8Array | null])[];

/** Raw bytes on their way to a topic. `partition` is derived from the key (murmur2, as the Java client does) when left out. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: EpochMillis;
  readonly headers?: Headers;
  readonly partition?: number;
  /**
   * Asked where the log refuses this very record (RECORD_TOO_LARGE, TIMESTAMP_REFUSED or PARTITION_MISSING): what is written in its
   * place, or null, and then the append fails. For what has to be written in one form or another. It must not throw.
   */
  readonly ifRefused?: (refusal: HarvestlineError) => Substitute | null;
}

/** A record in the place of another, in the same topic. */
export type Substitute = Omit<OutgoingRecord, 'topic'>;

/** Raw bytes as they lie in a topic. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: EpochMillis;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Headers;
}

/** Consecutive records of one partition, oldest first, never empty. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly LogRecord[];
  /** The offset after the last record: what a group commits once the batch is done. */
  readonly nextOffset: number;
}

export interface PartitionOffsets {
  readonly partition: number;
  /** The oldest offset still kept. */
  readonly begin: number;
  /** The offset that the next record will get. */
  readonly end: number;
}

/** Offsets of a partition behind a transaction that has not ended: written, and given to no reader yet. `offsets` ends before them. */
export interface HeldBack {
  readonly partition: number;
  /** The oldest of them, and the offset after the newest. */
  readonly from: number;
  readonly to: number;
  /** The timestamp of the oldest, by its producer's clock; null where that is not known. */
  readonly since: EpochMillis | null;
}

/** Writes durably while a batch is being processed: resolves when the log has acknowledged. Of nothing it only confirms (PORT-11). */
export type Append = (records: readonly OutgoingRecord[]) => Promise<void>;

/**
 * Turns a batch into the records it causes. The log appends them, and commits `nextOffset` only once they are
 * acknowledged. What must be durable earlier (a write-ahead entry) is written with `append`.
 * A handler that throws ends its subscription: nothing of the batch is committed.
 *
 * `refusal`: one of the records that it returned for this batch was refused with this poison error, and those before it may be on the
 * log. It is called a second time, to find out which one and to do without it; another refusal ends the subscription.
 */
export type BatchHandler = (
  batch: Batch,
  append: Append,
  refusal?: HarvestlineError,
) => Promise<readonly OutgoingRecord[]>;

/** Partitions by topic. */
export type Assigned = Readonly<Record<string, readonly number[]>>;

/** A partition in which a group cannot go on from what it has committed. */
export interface MovedStart {
  readonly topic: string;
  readonly partition: number;
  /**
   * `overtaken`: retention has removed records that the group never read, those from `from` to before `to`.
   * `made_anew`: the topic was deleted and made again, so `from` counts records that are gone with it; null where the log forgot it, too.
   */
  readonly why: 'overtaken' | 'made_anew';
  readonly from: number | null;
  /** Where it goes on: the oldest record kept. */
  readonly to: number;
}

export interface SubscribeOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** Where a group starts that has committed nothing of a topic yet. Partitions that are added later are read from their beginning. */
  readonly from: 'beginning' | 'latest';
  readonly maxBatchRecords?: number;
  /**
   * Called whenever this member was given partitions, before their first batch: state is restored here, and what an earlier owner
   * left without an end is finished. `append` refuses once the partitions are somebody else's.
   */
  readonly onAssigned?: (assigned: Assigned, append: Append) => Promise<void>;
  /**
   * Called before `onAssigned` where a group cannot go on from what it has committed. It goes on only once this has resolved, so what is
   * written here is written whatever happens; after a crash in between it is called again.
   */
  readonly onMoved?: (moved: readonly MovedStart[], append: Append) => Promise<void>;
  /** Called when this member has dropped out of its group and tries to come back; `onAssigned` follows once it has. */
  readonly onDropped?: () => void;
}

export interface ReadRange {
  /** First offset by partition; the oldest kept where a partition is left out. */
  readonly from?: ReadonlyMap<number, number>;
  /** Only these partitions; all when left out. */
  readonly partitions?: readonly number[];
}

export interface Subscription {
  /** Finishes the batch in hand, commits it, leaves the group. */
  stop(): Promise<void>;
  /** Resolves after `stop`; rejects when the handler or the log failed, and then nothing more is consumed. */
  readonly done: Promise<void>;
}

/**
 * An ordered, partitioned, durable log with consumer groups. Invariants, kept by every implementation and asserted by
 * one contract suite (test/event-log.contract.ts):
 *
 * PORT-1  An append is durable when it resolves. A crash in the middle leaves a prefix of its topics, in the order given;
 *         a record is there whole or not at all.
 * PORT-2  Records with equal keys go to one partition of a topic and keep their order; the partition is murmur2's.
 * PORT-3  A group's offset moves only after every output of the batch is acknowledged, so a crash repeats, never skips.
 * PORT-4  A record is delivered to one member of a group at a time.
 * PORT-5  Key, value and headers come back byte for byte; null and empty stay different.
 * PORT-6  `read` ends at the end offsets that stood when it was called, however much is appended meanwhile.
 * PORT-7  A record that is refused for its size, timestamp or partition fails only its own append. Where it names a substitute
 *         (`ifRefused`), that is written once in its place, and nothing fails.
 * PORT-11  What a handler, `onAssigned` and `onMoved` append begins to be written only where the group has confirmed lately, or is asked and
 *         confirms, that the partitions are this member's: nobody else can own them for some seconds from then on. Where the group went on
 *         without the member it rejects with MEMBERSHIP_LOST. An append of nothing writes nothing and so just confirms; it rejects with
 *         BROKER_AWAY where the group does not answer within seconds.
 */
export interface EventLog {
  append(records: readonly OutgoingRecord[]): Promise<void>;
  subscribe(options: SubscribeOptions, handler: BatchHandler): Promise<Subscription>;
  /** The records from `from` to the end fixed at the call (PORT-6), one partition after the other. */
  read(topic: string, range?: ReadRange): AsyncIterable<Batch>;
  offsets(topic: string): Promise<readonly PartitionOffsets[]>;
  /** For each partition the first offset whose record is at or after `timestamp`; the end where there is none. */
  offsetsAt(topic: string, timestamp: EpochMillis): Promise<ReadonlyMap<number, number>>;
  /** What `group` has committed for `topic`, by partition; no entry where nothing was. */
  committed(group: string, topic: string): Promise<ReadonlyMap<number, number>>;
  /** The partitions in which something waits for the end of a transaction; none where a log knows no transactions. */
  heldBack(topic: string): Promise<readonly HeldBack[]>;
  close(): Promise<void>;
}

/** A setting of a topic that is not as its specification says, in the log's own name for it. */
export interface SettingDrift {
  readonly setting: string;
  readonly is: string;
  readonly wanted: string;
  /** Who wants that; the topic table where left out. */
  readonly says?: string;
}

/** How one topic of a log stands to its specification, or what `createTopics` did about it. */
export interface TopicDrift {
  readonly topic: string;
  readonly state: 'missing' | 'created' | 'unchanged' | 'drifted' | 'grown';
  /** What differs, in words. */
  readonly detail?: string;
  readonly differs?: readonly SettingDrift[];
}

/** The drift of a topic that exists. */
export function driftOf(topic: string, differs: readonly SettingDrift[]): TopicDrift {
  if (differs.length === 0) return { topic, state: 'unchanged' };
  const detail = differs
    .map(({ setting, is, wanted, says = 'the table says' }) => `${setting} is ${is}, ${says} ${wanted}`)
    .join('; ');
  return { topic, state: 'drifted', detail, differs };
}

/** The administration side of a log, apart from the data path. */
export interface TopicAdmin {
  /**
   * Creates what is missing and reports what differs. Of what exists it changes one thing: a dead-letter topic gets as many partitions
   * as its source has (`grown`).
   */
  createTopics(topics: readonly TopicSpec[]): Promise<readonly TopicDrift[]>;
  /** What `createTopics` would find, with `missing` for what it would create. Changes nothing. */
  compareTopics(topics: readonly TopicSpec[]): Promise<readonly TopicDrift[]>;
}
