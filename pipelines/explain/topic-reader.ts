import type { LogRecord } from '../../ports/event-log.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import { type TopicName, TOPICS } from '../../schemas/topics.ts';
import { type ReadOnlyWorld, visitTopic } from '../runtime/topic-cursor.ts';

export type ReadWorld = Pick<ReadOnlyWorld, 'log' | 'codec' | 'counts'>;

/** Told once of the records to read, then of those read, and of the end. */
export interface ReadObserver {
  readonly onTotal: (records: number) => void;
  readonly onRecords: (records: number) => void;
  readonly onDone: () => void;
}

/** Streams whole topics, tells how far it is, and counts what did not decode. */
export class TopicReader {
  readonly #world: ReadWorld;
  readonly #observer: ReadObserver | undefined;
  readonly #undecodable = new Map<string, number>();

  constructor(world: ReadWorld, observer?: ReadObserver) {
    this.#world = world;
    this.#observer = observer;
    const read = [
      TOPICS.harvestIntent,
      TOPICS.positionSnapshot,
      TOPICS.executionReport,
      TOPICS.tradeClosed,
      TOPICS.clmOutcome,
    ];
    observer?.onTotal(read.reduce((sum, { name }) => sum + world.counts(name), 0));
  }

  async visit<N extends TopicName>(topic: N, visit: (record: RecordByTopic[N], at: LogRecord) => void): Promise<void> {
    const onBatch = this.#observer?.onRecords;
    const undecodable = await visitTopic(this.#world, topic, {}, visit, onBatch);
    if (undecodable > 0) this.#undecodable.set(topic, undecodable);
  }

  /** By topic; topics without any are left out. */
  undecodable(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#undecodable);
  }
}
