import { formatCoordinates } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Topic, TopicName } from '../../schemas/topics.ts';
import type { DecodedRecord, Processor } from './processor.ts';
import { type OnPoison, type ReadableTopics, TopicCursor } from './topic-cursor.ts';

/** How late a decision of a person may take effect. Asking for the ends so often costs a busy processor nothing. Unit: milliseconds. */
const REFRESH_MS = 1000;

interface BroadcastInputsOptions extends ReadableTopics {
  readonly processor: Processor;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Keeps a processor up to date with its broadcast inputs. Invariants:
 * RUN-1  Each record is given once, in the order of its partition, and never while `process` is in the middle of a part.
 * RUN-2  A record that does not decode is logged and changes nothing.
 * RUN-3  Partitions that are worked at the same time share one read: a second caller waits for it.
 */
export class BroadcastInputs {
  readonly #clock: Clock;
  readonly #cursors: readonly TopicCursor<TopicName>[];
  #reading: Promise<void> | null = null;
  #readAt = -Infinity;

  constructor({ processor, log, codec, clock, logger }: BroadcastInputsOptions) {
    const onPoison: OnPoison = ({ topic, partition, offset }, { code, message }) => {
      logger.warn(
        { processor: processor.name, topic, partition, offset, code },
        `passed over: ${formatCoordinates({ topic, partition, offset })}: ${message}`,
      );
    };
    const cursorOf = ({ name }: Topic): TopicCursor<TopicName> => {
      const give = (record: DecodedRecord['record'], at: DecodedRecord['at']): void =>
        processor.onBroadcast?.({ topic: name, record, at } as DecodedRecord);
      return new TopicCursor({ log, codec }, name, give, { onPoison });
    };
    this.#clock = clock;
    this.#cursors = (processor.broadcasts ?? []).map(cursorOf);
  }

  /** Reads on if the last read is a second old. */
  async refresh(): Promise<void> {
    if (this.#cursors.length === 0 || this.#clock.now() - this.#readAt < REFRESH_MS) return;
    await this.catchUp();
  }

  /** Reads to the ends that stand now. */
  async catchUp(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #read(): Promise<void> {
    for (const cursor of this.#cursors) await cursor.readOn();
    this.#readAt = this.#clock.now();
  }
}
