import type { LogRecord } from '../../ports/event-log.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { EncodedRecord } from '../../schemas/topic-writer.ts';
import type { Topic, TopicName, Writer } from '../../schemas/topics.ts';

/** One decoded, checked record of a topic, with its place on the log. A discriminated union over `topic`. */
export type DecodedRecord = {
  readonly [N in TopicName]: { readonly topic: N; readonly record: RecordByTopic[N]; readonly at: LogRecord };
}[TopicName];

/** Appends records before the batch ends, as a write-ahead entry must be. Resolves when the log has acknowledged them. */
export type Write = (records: readonly EncodedRecord[]) => Promise<void>;

/**
 * Reads every record of a topic, or of some of its partitions, from the oldest kept to the current end, to restore state. Records that do
 * not decode are skipped.
 */
export type Replay = <N extends TopicName>(
  topic: N,
  partitions?: readonly number[],
) => AsyncIterable<{ readonly record: RecordByTopic[N]; readonly at: LogRecord }>;

/** True for a record in an assigned partition of an input that the group has committed and has not dead-lettered. */
export type IsProcessed = (at: LogRecord, topic: TopicName) => boolean;

/** Asks the log which records were processed before this assignment. */
export type AskProcessed = () => Promise<IsProcessed>;

/** For a group that has processed nothing yet. */
export const NOTHING_PROCESSED: AskProcessed = () => Promise.resolve(() => false);

/**
 * A stream processor. `name` is its identity as a writer, and its consumer group unless the accounts that it works have a group of their
 * own. The runtime decodes, dead-letters poison, retries transient errors of `process` with a bounded back-off, appends what it returns,
 * and commits only then: `process` may be called again with records that it has seen (at least once).
 */
export interface Processor {
  readonly name: Writer;
  readonly inputs: readonly Topic[];
  /** Topics whose records go to `observe` undecoded: another processor decodes them, and dead-letters those that it cannot. */
  readonly observes?: readonly Topic[];
  /**
   * Topics of which every member reads all partitions, whatever its group assigns to it: small ones, such as decisions of people. They
   * are read to their end before the first batch, and again when they have grown.
   */
  readonly broadcasts?: readonly Topic[];
  /** Bound of a batch, for a processor that takes long for each record: a drain and a rebalance wait for the batch in hand. The log's own where left out. */
  readonly maxBatchRecords?: number;
  /**
   * True where the outputs of a record do not depend on the others of its batch. The batch then comes in small parts, so that few decoded
   * records are alive at a time.
   */
  readonly splittable?: true;
  /** Rebuilds in-memory state from the log before the first batch, and again after any reassignment. */
  restore?(replay: Replay, processed?: AskProcessed): Promise<void>;
  /**
   * Completes what an earlier run left unfinished in these partitions: after every restore, before the first batch. This member has all
   * inputs of them. Called again when it throws a transient error.
   */
  recover?(partitions: readonly number[], write: Write): Promise<void>;
  /** One record of a topic in `broadcasts`: each once, in the order of its partition. */
  onBroadcast?(record: DecodedRecord): void;
  /** Raw records of one partition of a topic in `observes`. Returns the outputs that they cause. */
  observe?(records: readonly LogRecord[], topic: TopicName): Promise<readonly EncodedRecord[]>;
  /**
   * The records of one batch of one partition, in order. Returns the outputs that they cause. Several partitions may be processed at the
   * same time: a processor that is not safe for that is wrapped in `perPartition` (per-partition.ts).
   */
  process(records: readonly DecodedRecord[], write: Write): Promise<readonly EncodedRecord[]>;
}

/** A part of a process that is no consumer. It runs until `signal` aborts, or until it has nothing more to do. */
export interface Source {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}
