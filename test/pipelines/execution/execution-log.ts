import type { DecodedRecord, Replay, Write } from '../../../pipelines/runtime/processor.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import type {
  ExecutionReport,
  HarvestIntent,
  PositionReconciled,
  RecordByTopic,
  TradeClosed,
} from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import type { EncodedRecord } from '../../../schemas/topic-writer.ts';
import { type TopicName, TOPICS } from '../../../schemas/topics.ts';
import { MemoryRegistry } from '../../fixtures/memory-registry.ts';

type IntentDelivery = Extract<DecodedRecord, { topic: typeof TOPICS.harvestIntent.name }>;

/** What execution reads and writes, in one sequence, through the real codec. */
export class ExecutionLog {
  readonly codec: RecordCodec;
  readonly entries: { readonly topic: TopicName; readonly at: LogRecord }[] = [];

  private constructor(codec: RecordCodec) {
    this.codec = codec;
  }

  static async open(): Promise<ExecutionLog> {
    return new ExecutionLog(await RecordCodec.open(await MemoryRegistry.withOwnSchemas()));
  }

  readonly append: Write = async (records) => {
    for (const record of records) this.#add(record, 0);
  };

  /** The intent as the runtime would deliver it; it lies in the log from then on. */
  addIntent(intent: HarvestIntent, partition = 0): IntentDelivery {
    const topic = TOPICS.harvestIntent.name;
    const value = this.codec.encode(topic, intent);
    const key = Buffer.from(`${intent.account}:${intent.symbol}`);
    const at = this.#add({ topic, key, value, timestamp: intent.observed_at }, partition);
    return { topic, record: intent, at };
  }

  /** What the snapshot source reconciled, as the runtime would deliver it. */
  addReconciled(reconciled: PositionReconciled, partition = 0): DecodedRecord {
    const topic = TOPICS.positionReconciled.name;
    const value = this.codec.encode(topic, reconciled);
    const key = Buffer.from(`${reconciled.account}:${reconciled.symbol}`);
    const at = this.#add({ topic, key, value, timestamp: reconciled.reconciled_at }, partition);
    return { topic, record: reconciled, at };
  }

  readonly replay: Replay = async function* (this: ExecutionLog, topic: TopicName) {
    for (const { at } of this.entries.filter((entry) => entry.topic === topic)) {
      yield { record: this.codec.decode(topic, at), at };
    }
  }.bind(this) as Replay;

  all<N extends TopicName>(topic: N): RecordByTopic[N][] {
    return this.entries.filter((entry) => entry.topic === topic).map(({ at }) => this.codec.decode(topic, at));
  }

  get reports(): ExecutionReport[] {
    return this.all(TOPICS.executionReport.name);
  }

  get trades(): TradeClosed[] {
    return this.all(TOPICS.tradeClosed.name);
  }

  #add(record: EncodedRecord, partition: number): LogRecord {
    const at: LogRecord = { ...record, partition, offset: this.entries.length, headers: [] };
    this.entries.push({ topic: record.topic, at });
    return at;
  }
}
