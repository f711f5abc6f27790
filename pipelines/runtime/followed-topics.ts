import { formatCoordinates, isKind } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog, LogRecord } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import type { TopicName } from '../../schemas/topics.ts';
import type { DecodedRecord, Processor } from './processor.ts';

/** A decision of a person is taken up this much later at most, and a look at the ends costs a busy processor nothing. Unit: milliseconds. */
const REFRESH_MS = 1000;

export interface FollowerOptions {
  readonly processor: Processor;
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Keeps a processor up to date with the topics it follows whole. Invariants:
 * FT1  Each record is given once, in the order of its partition, and never while `process` is in the middle of a part.
 * FT2  A record that does not decode is passed over and logged; it changes nothing.
 * FT3  Partitions that are worked at the same time share one look: a second caller waits for it.
 */
export class FollowedTopics {
  readonly #options: FollowerOptions;
  /** Topic -> partition -> the next offset to read. */
  readonly #next = new Map<TopicName, Map<number, number>>();
  #looking: Promise<void> | null = null;
  #lookedAt = -Infinity;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Looks again if the last look is a second old. */
  async refresh(): Promise<void> {
    if (this.#options.processor.follows === undefined) return;
    if (this.#options.clock.now() - this.#lookedAt < REFRESH_MS) return;
    await this.catchUp();
  }

  /** Reads to the end that stands now. */
  async catchUp(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { processor, log, clock } = this.#options;
    for (const { name } of processor.follows ?? []) {
      const next = this.#next.get(name) ?? new Map<number, number>();
      this.#next.set(name, next);
      const grown = (await log.offsets(name)).filter((one) => one.end > (next.get(one.partition) ?? one.begin));
      if (grown.length === 0) continue;
      for await (const { partition, records, nextOffset } of log.read(name, {
        from: next,
        partitions: grown.map((one) => one.partition),
      })) {
        await this.#give(name, records);
        next.set(partition, nextOffset);
      }
    }
    this.#lookedAt = clock.now();
  }

  async #give(topic: TopicName, records: readonly LogRecord[]): Promise<void> {
    const { processor, codec, logger } = this.#options;
    await codec.prepare(topic, records);
    for (const at of records) {
      try {
        processor.followed?.({ topic, record: codec.decode(topic, at), at } as DecodedRecord);
      } catch (thrown) {
        if (!isKind(thrown, 'poison')) throw thrown;
        const { partition, offset } = at;
        logger.warn(
          { processor: processor.name, topic, partition, offset, code: thrown.code },
          `passed over: ${formatCoordinates({ topic, partition, offset })}: ${thrown.message}`,
        );
      }
    }
  }
}
