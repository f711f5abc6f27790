import { Kafka, type Producer, logLevel } from 'kafkajs';
import type { OutgoingRecord } from '../../../ports/event-log.ts';

/** One key after the other for each of them, or all keys in one `send`. */
export type Sending = 'a key each' | 'all at once';

/**
 * A foreign client: kafkajs's own idempotent producer, acks=all. An append resolves when kafkajs says that all of it is written.
 *
 * Several partitions in one `send` are what it loses records by (kafkajs#1303); where each key has a `send` of its own, none is lost.
 */
export class KafkajsWriter {
  readonly #kafka: Kafka;
  readonly #sending: Sending;
  #producer: Promise<Producer> | null = null;

  private constructor(kafka: Kafka, sending: Sending) {
    this.#kafka = kafka;
    this.#sending = sending;
  }

  static open(brokers: string[], sending: Sending = 'all at once'): Promise<KafkajsWriter> {
    return Promise.resolve(new KafkajsWriter(new Kafka({ brokers, logLevel: logLevel.NOTHING }), sending));
  }

  async append(records: readonly OutgoingRecord[]): Promise<void> {
    const byKey = Map.groupBy(records, ({ key }) => String(key));
    const sends = this.#sending === 'all at once' ? [records] : [...byKey.values()];
    await Promise.all(sends.map((some) => this.#send(some)));
  }

  async close(): Promise<void> {
    await (await this.#producer)?.disconnect();
  }

  /** Until kafkajs says that it is written: it gives up by itself after some tries. */
  async #send(records: readonly OutgoingRecord[]): Promise<void> {
    const [first] = records;
    if (first === undefined) return;
    const messages = records.map(({ key, value, timestamp }) => ({
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      timestamp: String(timestamp),
    }));
    for (;;) {
      const producer = (this.#producer ??= this.#open());
      try {
        await (await producer).send({ topic: first.topic, acks: -1, messages });
        return;
      } catch {
        // A new producer: the broker may not follow the numbers of this one any more.
        if (this.#producer !== producer) continue;
        this.#producer = null;
        await producer.then((old) => old.disconnect()).catch(() => {});
      }
    }
  }

  async #open(): Promise<Producer> {
    const producer = this.#kafka.producer({ idempotent: true, allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  }
}
