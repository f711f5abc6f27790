/**
 * An idempotent producer: writes record batches to the leaders of their partitions, and tells of each partition what became of it.
 *
 * kafkajs's own `send` resolves although it left a partition out, where a leader has moved to a broker that had answered before
 * (kafkajs#1303). So requests and answers are matched here, by partition, over kafkajs's connections.
 *
 * KFK-31  `acknowledged` only where the leader's answer names the partition, with an offset and no error. What the answer leaves out is
 *     `unanswered`, like a request without an answer.
 * KFK-32  A partition's sequence number moves on by what was acknowledged, and by nothing else. Whoever sends an unanswered batch again
 *     sends it unchanged: the broker then recognises it. Other records under a used number would be taken for those before, and lost.
 * KFK-33  One request at a time is under way: a partition's batches cannot overtake each other.
 */
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { OutgoingRecord } from '../../ports/event-log.ts';
import { LEADER_NOT_AVAILABLE, leaderOf, partitionsOf } from './cluster-metadata.ts';
import type { Codec } from './codecs.ts';
import { noteDenial } from './broker-errors.ts';
import { type Broker, type Cluster, Encoder, type ResponseReader, errorOfCode } from './kafkajs-internals.ts';
import { encodeBatch } from './record-batch.ts';

/** What became of one partition's batch. `sequence-lost`: the broker does not follow the numbers of this producer any more. */
export type Outcome =
  | { readonly kind: 'acknowledged'; readonly baseOffset: number }
  | { readonly kind: 'unanswered'; readonly error: unknown }
  | { readonly kind: 'refused'; readonly error: unknown }
  | { readonly kind: 'sequence-lost'; readonly error: unknown };

/** Records by partition, each in order. */
export type ByPartition = ReadonlyMap<number, readonly OutgoingRecord[]>;

const PRODUCE_KEY = 0;

/** Kafka 2.1 and later: batches of format 2, every codec. */
const PRODUCE_VERSION = 7;

/** What kafkajs puts in front of a request: its length, 8 bytes, and the client's id. Unit: bytes. */
const FRONT_BYTES = 512;

/** All replicas in sync have it. */
const ACKS_ALL = -1;

/** How long a leader may wait for its replicas before it answers that they are too slow; the Java client's default. Unit: milliseconds. */
const REPLICATION_TIMEOUT_MS = 30_000;

/** Sequence numbers are 31 bits, and begin again. */
const SEQUENCES = 2 ** 31;

const SEQUENCE_LOST: ReadonlySet<unknown> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
]);

/** The broker has the batch already: the answer to it was lost. */
const DUPLICATE = 'DUPLICATE_SEQUENCE_NUMBER';

interface Answer {
  readonly errorCode: number;
  readonly baseOffset: number;
}

export class IdempotentProducer {
  readonly #cluster: Cluster;
  readonly #codec: Codec;
  readonly #producerId: number;
  readonly #producerEpoch: number;
  /** By topic and partition: the number of the next record. */
  readonly #sequences = new Map<string, number>();

  private constructor(cluster: Cluster, codec: Codec, producerId: number, producerEpoch: number) {
    this.#cluster = cluster;
    this.#codec = codec;
    this.#producerId = producerId;
    this.#producerEpoch = producerEpoch;
  }

  /** Asks for a producer id. Throws what kafkajs throws; the cluster is disconnected then. */
  static async open(cluster: Cluster, codec: Codec): Promise<IdempotentProducer> {
    try {
      await cluster.connect();
      await cluster.refreshMetadata();
      const broker = await cluster.findControllerBroker();
      const { producerId, producerEpoch } = await broker.initProducerId({
        transactionalId: null,
        transactionTimeout: REPLICATION_TIMEOUT_MS,
      });
      return new IdempotentProducer(cluster, codec, Number(producerId), producerEpoch);
    } catch (thrown) {
      await cluster.disconnect().catch(() => {});
      throw thrown;
    }
  }

  /** How many partitions the topic has, as far as is known; asked anew where `fresh`. Throws what kafkajs throws. */
  async partitionsOf(topic: string, fresh = false): Promise<number> {
    if (fresh) await this.#cluster.refreshMetadata();
    return (await partitionsOf(this.#cluster, topic)).length;
  }

  /** One attempt; an outcome for every partition (KFK-31). Never throws for what a broker said or did not say. */
  async send(topic: string, batches: ByPartition): Promise<ReadonlyMap<number, Outcome>> {
    const outcomes = new Map<number, Outcome>();
    const byLeader = new Map<number, Map<number, readonly OutgoingRecord[]>>();
    for (const [partition, records] of batches) {
      const leader = leaderOf(this.#cluster, topic, partition);
      if (leader === null) {
        outcomes.set(partition, { kind: 'unanswered', error: errorOfCode(LEADER_NOT_AVAILABLE) });
        continue;
      }
      const own = byLeader.get(leader);
      if (own === undefined) byLeader.set(leader, new Map([[partition, records]]));
      else own.set(partition, records);
    }
    await Promise.all(
      Array.from(byLeader, async ([leader, own]) => {
        const answers = await this.#ask(leader, topic, own);
        for (const [partition, records] of own) {
          outcomes.set(partition, this.#outcomeOf(topic, partition, records.length, answers));
        }
      }),
    );
    return outcomes;
  }

  async close(): Promise<void> {
    // Nothing depends on a clean good-bye.
    await this.#cluster.disconnect().catch(() => {});
  }

  /** The answers by partition, or why there is none. */
  async #ask(leader: number, topic: string, batches: ByPartition): Promise<ReadonlyMap<number, Answer> | Error> {
    try {
      const broker = await this.#cluster.findBroker({ nodeId: String(leader) });
      const encoded = Array.from(batches, ([partition, records]): [number, Buffer] => [
        partition,
        encodeBatch(records, {
          producerId: this.#producerId,
          producerEpoch: this.#producerEpoch,
          firstSequence: this.#sequences.get(placeOf(topic, partition)) ?? 0,
          codec: this.#codec,
        }),
      ]);
      return await produce(broker, topic, encoded);
    } catch (thrown) {
      if (isConnectionClosed(thrown)) this.#cluster.removeBroker(thrown);
      return thrown instanceof Error ? thrown : new Error(String(thrown));
    }
  }

  /** KFK-31, KFK-32. */
  #outcomeOf(topic: string, partition: number, count: number, answers: ReadonlyMap<number, Answer> | Error): Outcome {
    if (answers instanceof Error) return { kind: 'unanswered', error: answers };
    const answer = answers.get(partition);
    if (answer === undefined) {
      return { kind: 'unanswered', error: notYet(`the answer of the leader leaves out ${topic}[${partition}]`) };
    }
    const error = answer.errorCode === 0 ? null : errorOfCode(answer.errorCode);
    noteDenial(error, 'Produce', answer);
    if (error === null || error.type === DUPLICATE) {
      const place = placeOf(topic, partition);
      this.#sequences.set(place, ((this.#sequences.get(place) ?? 0) + count) % SEQUENCES);
      return { kind: 'acknowledged', baseOffset: answer.baseOffset };
    }
    if (SEQUENCE_LOST.has(error.type)) return { kind: 'sequence-lost', error: notYet(error.message, error) };
    return { kind: error.retriable ? 'unanswered' : 'refused', error };
  }
}

/** It is sent again, so it is no definite no, whatever Kafka calls it. */
function notYet(message: string, cause?: Error): HarvestlineError {
  return new HarvestlineError('BROKER_AWAY', message, cause === undefined ? {} : { cause });
}

async function produce(
  broker: Broker,
  topic: string,
  batches: readonly (readonly [partition: number, batch: Buffer])[],
): Promise<ReadonlyMap<number, Answer>> {
  const request = {
    apiKey: PRODUCE_KEY,
    apiVersion: PRODUCE_VERSION,
    apiName: 'Produce',
    encode: () => {
      const size = batches.reduce((sum, [, batch]) => sum + batch.length + 8, 3 * topic.length + 32);
      const memory = Buffer.allocUnsafe(FRONT_BYTES + size);
      const encoder = new Encoder(1);
      encoder.front = memory.subarray(0, FRONT_BYTES);
      encoder.buf = memory.subarray(FRONT_BYTES);
      encoder.writeString(null).writeInt16(ACKS_ALL).writeInt32(REPLICATION_TIMEOUT_MS);
      encoder.writeInt32(1).writeString(topic).writeInt32(batches.length);
      for (const [partition, batch] of batches) {
        encoder.writeInt32(partition).writeInt32(batch.length).writeBufferInternal(batch);
      }
      return Promise.resolve(encoder);
    },
  };
  return broker.connectionPool.send({ request, response: { decode: readAnswers, parse: takeAnswers } });
}

type Answers = { readonly answers: ReadonlyMap<number, Answer>; readonly clientSideThrottleTime: number };

/** Of the one topic that was asked about: partition, error, base offset, append time, start offset, each time; then the throttling. */
const readAnswers: ResponseReader<Answers>['decode'] = (bytes) => {
  const answers = new Map<number, Answer>();
  let at = 4;
  if (bytes.readInt32BE(0) > 0) {
    at += 2 + bytes.readInt16BE(at);
    const count = bytes.readInt32BE(at);
    at += 4;
    for (let left = count; left > 0; left--) {
      const baseOffset = Number(bytes.readBigInt64BE(at + 6));
      answers.set(bytes.readInt32BE(at), { errorCode: bytes.readInt16BE(at + 4), baseOffset });
      at += 30;
    }
  }
  return Promise.resolve({ answers, clientSideThrottleTime: bytes.readInt32BE(at) });
};

const takeAnswers: ResponseReader<Answers, Answers['answers']>['parse'] = ({ answers }) => Promise.resolve(answers);

function isConnectionClosed(thrown: unknown): thrown is Error & { readonly host: string; readonly port: number } {
  return thrown instanceof Error && thrown.name === 'KafkaJSConnectionClosedError' && 'host' in thrown;
}

function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
