/**
 * An idempotent producer: writes record batches to the leaders of their partitions and returns the outcome for each partition.
 *
 * kafkajs's own `send` can resolve without having written a partition, after its leader has moved to a broker that had answered before
 * (kafkajs#1303). So this producer sends its own requests over kafkajs's connections and matches the answers by partition.
 *
 * KFK-31  A partition is `acknowledged` only where the leader's answer names it, with an offset and without an error. A partition that the
 *         answer leaves out is `unanswered`, like a request without an answer.
 * KFK-32  A partition's sequence number advances only by acknowledged records. An unanswered batch has to be repeated unchanged, so that the
 *         broker recognises it: other records under the same number would be taken for duplicates, and lost.
 * KFK-33  A partition has one batch in flight at a time, so its batches cannot overtake each other. The caller waits for each `send`.
 */
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { OutgoingRecord } from '../../ports/event-log.ts';
import { noteDenial } from './broker-errors.ts';
import { LEADER_NOT_AVAILABLE, leaderOf, partitionsOf } from './cluster-metadata.ts';
import type { Codec } from './codecs.ts';
import { type Broker, type Cluster, Encoder, type ResponseReader, errorOfCode } from './kafkajs-internals.ts';
import { encodeBatch } from './record-batch.ts';

/** The outcome of one partition's batch. `sequence-lost`: the broker no longer knows the sequence numbers of this producer. */
export type Outcome =
  | { readonly kind: 'acknowledged'; readonly baseOffset: number }
  | { readonly kind: 'unanswered'; readonly error: unknown }
  | { readonly kind: 'refused'; readonly error: unknown }
  | { readonly kind: 'sequence-lost'; readonly error: unknown };

/** Records by partition, in order. */
export type ByPartition = ReadonlyMap<number, readonly OutgoingRecord[]>;

const PRODUCE_KEY = 0;

/** Of Kafka 2.1 and later: batches of format 2, with any codec. */
const PRODUCE_VERSION = 7;

/** Room for what kafkajs writes in front of a request: its length, 8 bytes, and the client's id. Unit: bytes. */
const FRONT_BYTES = 512;

/** All in-sync replicas acknowledge. */
const ACKS_ALL = -1;

/** How long a leader waits for its replicas before it answers with an error. The Java client's default. Unit: milliseconds. */
const REPLICATION_TIMEOUT_MS = 30_000;

/** Sequence numbers have 31 bits and wrap around. */
const SEQUENCES = 2 ** 31;

const SEQUENCE_LOST: ReadonlySet<unknown> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
]);

/** The broker has the batch already; only its answer was lost. */
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
  /** By topic and partition: the sequence number of the next record. */
  readonly #sequences = new Map<string, number>();

  private constructor(cluster: Cluster, codec: Codec, producerId: number, producerEpoch: number) {
    this.#cluster = cluster;
    this.#codec = codec;
    this.#producerId = producerId;
    this.#producerEpoch = producerEpoch;
  }

  /** Connects the cluster and asks for a producer id. Where it throws kafkajs's error, the cluster is disconnected. */
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

  /** The number of partitions of a topic by the latest metadata, which are refreshed where `fresh`. Throws kafkajs's error. */
  async partitionsOf(topic: string, fresh = false): Promise<number> {
    if (fresh) await this.#cluster.refreshMetadata();
    return (await partitionsOf(this.#cluster, topic)).length;
  }

  /** Makes one attempt and returns an outcome for every partition (KFK-31). Does not throw for an answer or its absence. */
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
    // Nothing depends on a clean disconnect.
    await this.#cluster.disconnect().catch(() => {});
  }

  /** Sends the batches of one leader. Returns the answers by partition, or the error where there is none. */
  async #ask(leader: number, topic: string, batches: ByPartition): Promise<ReadonlyMap<number, Answer> | Error> {
    try {
      const broker = await this.#cluster.findBroker({ nodeId: String(leader) });
      const encoded = Array.from(batches, ([partition, records]): [number, Buffer] => [
        partition,
        encodeBatch(records, {
          producerId: this.#producerId,
          producerEpoch: this.#producerEpoch,
          firstSequence: this.#sequences.get(keyOf(topic, partition)) ?? 0,
          codec: this.#codec,
        }),
      ]);
      return await produce(broker, topic, encoded);
    } catch (thrown) {
      if (isConnectionClosed(thrown)) this.#cluster.removeBroker(thrown);
      return thrown instanceof Error ? thrown : new Error(String(thrown));
    }
  }

  /** The outcome of one partition; advances its sequence number where acknowledged (KFK-31, KFK-32). */
  #outcomeOf(topic: string, partition: number, count: number, answers: ReadonlyMap<number, Answer> | Error): Outcome {
    if (answers instanceof Error) return { kind: 'unanswered', error: answers };
    const answer = answers.get(partition);
    if (answer === undefined) {
      return { kind: 'unanswered', error: retriable(`the answer of the leader leaves out ${topic}[${partition}]`) };
    }
    const error = answer.errorCode === 0 ? null : errorOfCode(answer.errorCode);
    noteDenial(error, 'Produce', answer);
    if (error === null || error.type === DUPLICATE) {
      const key = keyOf(topic, partition);
      this.#sequences.set(key, ((this.#sequences.get(key) ?? 0) + count) % SEQUENCES);
      return { kind: 'acknowledged', baseOffset: answer.baseOffset };
    }
    if (SEQUENCE_LOST.has(error.type)) return { kind: 'sequence-lost', error: retriable(error.message, error) };
    return { kind: error.retriable ? 'unanswered' : 'refused', error };
  }
}

/** A retriable error, since the batch is sent again, whatever Kafka calls it. */
function retriable(message: string, cause?: Error): HarvestlineError {
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
  return broker.connectionPool.send({ request, response: { decode: decodeAnswers, parse: parseAnswers } });
}

type Answers = { readonly answers: ReadonlyMap<number, Answer>; readonly clientSideThrottleTime: number };

/** An answer about one topic: for each partition its number, error, base offset, append time and start offset; then the throttle time. */
const decodeAnswers: ResponseReader<Answers>['decode'] = (bytes) => {
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

const parseAnswers: ResponseReader<Answers, Answers['answers']>['parse'] = ({ answers }) => Promise.resolve(answers);

function isConnectionClosed(thrown: unknown): thrown is Error & { readonly host: string; readonly port: number } {
  return thrown instanceof Error && thrown.name === 'KafkaJSConnectionClosedError' && 'host' in thrown;
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
