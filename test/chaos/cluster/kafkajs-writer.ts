import { Kafka, type Producer, logLevel } from 'kafkajs';
import type { OutgoingRecord } from '../../../ports/event-log.ts';

/**
 * kafkajs's own idempotent producer, acks=all. An append resolves when kafkajs says that all of it is written, which it says although it
 * left some out (kafkajs#1303).
 */
export class KafkajsWriter {
  readonly #kafka: Kafka;
  #producer: Promise<Producer> | null = null;

  constructor(brokers: string[]) {
    this.#kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  }

  /** Until kafkajs says that it is written: it gives up by itself after some tries. */
  async append(records: readonly OutgoingRecord[]): Promise<void> {
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

  async close(): Promise<void> {
    await (await this.#producer)?.disconnect();
  }

  async #open(): Promise<Producer> {
    const producer = this.#kafka.producer({ idempotent: true, allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  }
}
