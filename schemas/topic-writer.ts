import { HarvestlineError } from '../errors/harvestline-error.ts';
import type { EpochMillis, RecordByTopic } from './generated/records.ts';
import type { RecordCodec } from './record-codec.ts';
import type { Topic, TopicName, Writer } from './topics.ts';

/** A record ready for a log: its key and value are bytes, its topic is owned, its content was checked. */
export interface EncodedRecord {
  readonly topic: TopicName;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly timestamp: EpochMillis;
  /** Derived from the key (murmur2) when left out. */
  readonly partition?: number;
  /** As in ports/event-log.ts: what is written in its place where the log refuses this very record. */
  readonly ifRefused?: (refusal: HarvestlineError) => Omit<EncodedRecord, 'topic'> | null;
}

type KeyField =
  'account' | 'symbol' | 'position_id' | 'model_id' | 'process' | 'scope' | 'name' | 'target' | 'letter_id';
type Keyed = { readonly [F in KeyField]?: string | null };

/** Keys repeat: accounts and symbols of a desk are hundreds. Unit: keys. */
const KEYS_KEPT = 4096;

/**
 * Writes the topics of one writer, and refuses all others (TOPIC_NOT_OWNED). Together with the codec this is the one
 * way to write a record to a topic.
 */
export class TopicWriter {
  readonly #writer: Writer;
  readonly #codec: RecordCodec;
  readonly #keys = new Map<string, Uint8Array>();

  constructor(writer: Writer, codec: RecordCodec) {
    this.#writer = writer;
    this.#codec = codec;
  }

  /** Throws RECORD_INVALID with every failing path, or TOPIC_NOT_OWNED. */
  encode<T extends Topic>(topic: T, record: RecordByTopic[T['name']], timestamp: EpochMillis): EncodedRecord {
    if (topic.writer !== this.#writer) {
      throw new HarvestlineError(
        'TOPIC_NOT_OWNED',
        `${this.#writer} may not write ${topic.name}: its writer is ${topic.writer}`,
        {
          at: { topic: topic.name },
        },
      );
    }
    const value = this.#codec.encode<TopicName>(topic.name, record);
    return { topic: topic.name, key: this.#bytesOf(keyOf(topic, record)), value, timestamp };
  }

  #bytesOf(key: string): Uint8Array {
    let bytes = this.#keys.get(key);
    if (bytes === undefined) {
      if (this.#keys.size === KEYS_KEPT) this.#keys.clear();
      this.#keys.set(key, (bytes = Buffer.from(key)));
    }
    return bytes;
  }
}

/** A key names its fields with a colon between them. */
function keyOf(topic: Topic, record: Keyed): string {
  switch (topic.key) {
    case 'account:symbol':
      return `${record.account}:${record.symbol}`;
    case 'scope:name':
      return `${record.scope}:${record.name}`;
    case 'target:scope:name':
      return `${record.target}:${record.scope}:${record.name}`;
    default:
      return String(record[topic.key]);
  }
}
