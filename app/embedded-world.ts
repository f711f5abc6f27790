import { EmbeddedDeskLog } from '../connectors/desk-log.ts';
import { EmbeddedLog } from '../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import type { EpochMillis } from '../ports/clock.ts';
import type { EventLog, TopicAdmin } from '../ports/event-log.ts';
import { DeskNames } from '../schemas/desk-names.ts';
import { RecordCodec } from '../schemas/record-codec.ts';

/** What a viewer needs of a data folder. */
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

/** Opens the embedded log of a data folder for reading. Throws LOG_UNREADABLE where there is none. */
export async function openReadOnly(dataDir: string, names = new DeskNames()): Promise<ReadOnlyWorld> {
  const log = new EmbeddedDeskLog(EmbeddedLog.openReadOnly(dataDir, new SystemClock()), names);
  const codec = await RecordCodec.open(log.registry);
  return { log, codec, admin: log, counts: (topic) => log.count(topic), liveNow: () => null, close: () => log.close() };
}
