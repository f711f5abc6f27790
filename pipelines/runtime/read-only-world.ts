import type { EpochMillis } from '../../ports/clock.ts';
import type { EventLog, TopicAdmin } from '../../ports/event-log.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';

/** What a viewer needs of a log. */
export interface ReadOnlyWorld {
  readonly log: EventLog;
  readonly codec: RecordCodec;
  /** Tells how the topics are set up, where that can be asked. */
  readonly admin?: Pick<TopicAdmin, 'compareTopics'>;
  /** Records retained in a topic. */
  counts(topic: string): number;
  /** `counts` is of offsets: some of them may hold no record. */
  readonly countsOffsets?: true;
  /**
   * This machine's clock, where the log is written live: on Kafka. Null for the embedded log, whose time is that of the market that `dev`
   * made up or replayed.
   */
  liveNow(): EpochMillis | null;
  close(): Promise<void>;
}
