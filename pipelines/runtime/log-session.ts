import type { EpochMillis } from '../../ports/clock.ts';
import type { EventLog, TopicAdmin } from '../../ports/event-log.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import type { SchemaRegistry } from '../../schemas/registry.ts';

/** An open log with the registry of its schemas. Topics and schemas need not be there yet. */
export interface LogSession {
  readonly log: EventLog & TopicAdmin;
  readonly registry: SchemaRegistry;
  /** Loads the schemas. Throws SCHEMA_NOT_REGISTERED, or a transient error while the registry is unavailable. */
  openCodec(): Promise<RecordCodec>;
  readonly close: () => Promise<void>;
}

/** A session for reading: its schemas are loaded, its records counted. */
export interface ReadSession extends LogSession {
  readonly codec: RecordCodec;
  /** Records retained in a topic. */
  counts(topic: string): number;
  /** `counts` is of offsets: some of them may hold no record. */
  readonly countsOffsets?: true;
  /**
   * This machine's clock, where the log is written live: on Kafka. Null for the embedded log, whose time is that of the market that `dev`
   * simulates or replays.
   */
  liveNow(): EpochMillis | null;
}
