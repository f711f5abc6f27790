import type { LogRecord } from '../../ports/event-log.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { EncodedRecord } from '../../schemas/topic-writer.ts';
import type { Topic, TopicName, Writer } from '../../schemas/topics.ts';

/** One decoded, checked record of a topic, with where it lies. A discriminated union over `topic`. */
export type DecodedRecord = {
  readonly [N in TopicName]: { readonly topic: N; readonly record: RecordByTopic[N]; readonly at: LogRecord };
}[TopicName];

/** Makes records durable before the batch ends: for a write-ahead entry. Resolves when the log has acknowledged. */
export type Write = (records: readonly EncodedRecord[]) => Promise<void>;

/**
 * Reads every record of a topic, or of some of its partitions, from the oldest kept to the end that stands now; poison is
 * passed over. For restoring state.
 */
export type Replay = <N extends TopicName>(
  topic: N,
  partitions?: readonly number[],
) => AsyncIterable<{ readonly record: RecordByTopic[N]; readonly at: LogRecord }>;

/** True for a record of an input that this member is given, and that its group has committed and not set aside. */
export type IsProcessed = (at: LogRecord, topic: TopicName) => boolean;

/** Asks the log what was processed before this assignment. */
export type AskProcessed = () => Promise<IsProcessed>;

/** Where nothing was. */
export const NOTHING_PROCESSED: AskProcessed = () => Promise.resolve(() => false);

/**
 * A stream processor. `name` is its identity as a writer, and its consumer group unless the accounts that it works have one.
 * The runtime decodes, dead-letters poison, retries transient errors of `process` with a bounded back-off, appends what it
 * returns and only then commits; so `process` may be called again with records it has seen (at least once).
 */
export interface Processor {
  readonly name: Writer;
  readonly inputs: readonly Topic[];
  /** Topics it only watches: their records come undecoded to `observe`, so that no second reader dead-letters them again. */
  readonly observes?: readonly Topic[];
  /**
   * Topics that every member follows whole, whatever partitions its group gives it: small ones, such as decisions of people.
   * They are read to their end before the first batch, and again when they have grown.
   */
  readonly follows?: readonly Topic[];
  /** For one whose records take long each: a drain and a rebalance wait for the batch in hand. The log's own bound when left out. */
  readonly maxBatchRecords?: number;
  /**
   * True where what comes of a record does not depend on the others of its batch: the batch then comes in small parts, so
   * that few decoded records live at a time.
   */
  readonly independentRecords?: true;
  /** Rebuilds in-memory state from the log before the first batch, and again after any reassignment. */
  restore?(replay: Replay, processed?: AskProcessed): Promise<void>;
  /**
   * Completes what an earlier run left unfinished, in those partitions, of which all inputs are this member's: after every restore, before
   * the first batch. Called again when it throws a transient error.
   */
  recover?(partitions: readonly number[], write: Write): Promise<void>;
  /** One record of a topic in `follows`: each once, in the order of its partition. */
  followed?(record: DecodedRecord): void;
  /** Raw records of one partition of a topic in `observes`. Returns what they cause. */
  observe?(records: readonly LogRecord[], topic: TopicName): Promise<readonly EncodedRecord[]>;
  /**
   * The records of one batch of one partition, in order. Returns what they cause. A log may have several partitions worked
   * at the same time: a processor whose `process` cannot bear that is wrapped in `perPartition` (per-partition.ts).
   */
  process(records: readonly DecodedRecord[], write: Write): Promise<readonly EncodedRecord[]>;
}

/** A part that is no consumer: it works until `signal` aborts, or until it has nothing more to do. */
export interface Source {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}
