import type { EventLog } from '../../ports/event-log.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import type { TopicName } from '../../schemas/topics.ts';

/** The records of one topic that came since the last look. For views: it belongs to no consumer group. */
export class NewRecords<N extends TopicName> {
  readonly #log: EventLog;
  readonly #codec: RecordCodec;
  readonly #topic: N;
  readonly #positions = new Map<number, number>();

  constructor(log: EventLog, codec: RecordCodec, topic: N) {
    this.#log = log;
    this.#codec = codec;
    this.#topic = topic;
  }

  async skipToEnd(): Promise<void> {
    for (const { partition, end } of await this.#log.offsets(this.#topic)) this.#positions.set(partition, end);
  }

  async take(): Promise<readonly RecordByTopic[N][]> {
    const records: RecordByTopic[N][] = [];
    for await (const batch of this.#log.read(this.#topic, { from: this.#positions })) {
      await this.#codec.prepare(this.#topic, batch.records);
      for (const at of batch.records) records.push(this.#codec.decode(this.#topic, at));
      this.#positions.set(batch.partition, batch.nextOffset);
    }
    return records;
  }
}
