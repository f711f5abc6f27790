import type { Broker, Cluster, Encoder } from '../../../connectors/kafka/kafkajs-internals.ts';
import { readBatches } from '../../../connectors/kafka/read-batches.ts';
import type { LogRecord } from '../../../ports/event-log.ts';

/** A fault of one Produce request. */
export type Fault =
  | { readonly kind: 'none' }
  /** The connection breaks before the broker has read it, or after it has written everything. */
  | { readonly kind: 'request-lost' | 'answer-lost' }
  /** The answer leaves out one of its partitions, whose batch may or may not be written. */
  | { readonly kind: 'left-out'; readonly written: boolean }
  /** A leader moves before the request reaches its broker, or there is none (NO_LEADER) until the next election. */
  | { readonly kind: 'leader-moves'; readonly partition: number; readonly to: number }
  /** The broker has forgotten all producers. */
  | { readonly kind: 'producers-forgotten' }
  /** The broker has just started and does not know the topic yet. */
  | { readonly kind: 'topic-unknown' };

export const NO_LEADER = -1;

const OK = 0;
const UNKNOWN_TOPIC_OR_PARTITION = 3;
const NOT_LEADER = 6;
const MESSAGE_TOO_LARGE = 10;
const OUT_OF_ORDER_SEQUENCE = 45;

/** The largest batch that the brokers accept. Unit: bytes. */
export const LARGEST_BATCH = 1000;

/** The positions of the producer's fields in a batch. Unit: bytes. */
const PRODUCER_ID = 43;
const FIRST_SEQUENCE = 53;

type Batch = readonly [partition: number, bytes: Buffer];

/** Brokers in memory behind kafkajs's `Cluster`. They lead the partitions of one topic and accept the batches of idempotent producers as Kafka does. */
export class FakeCluster {
  readonly topic: string;
  /** By partition: the broker that leads it. */
  readonly leaders: number[];
  readonly logs: LogRecord[][];
  /** Every Produce request: its broker and its partitions. */
  readonly requests: { readonly broker: number; readonly partitions: readonly number[] }[] = [];
  /** The number of requests that arrived while another of the same partition was in flight. */
  overtaking = 0;
  readonly #faults: Fault[];
  /** The partitions of requests in flight. */
  readonly #underWay = new Set<number>();
  /** By partition and producer: the next sequence number. */
  readonly #sequences = new Map<string, number>();
  /** The leaders as of the client's latest metadata. */
  #seen: readonly number[] = [];
  #producers = 0;

  /** The first requests have these faults. */
  constructor(topic: string, leaders: readonly number[], faults: readonly Fault[] = []) {
    this.topic = topic;
    this.leaders = [...leaders];
    this.logs = leaders.map(() => []);
    this.#faults = [...faults];
  }

  /** The part of kafkajs's cluster that the idempotent producer uses. */
  asCluster(): Cluster {
    const refresh = (): Promise<void> => {
      this.#seen = [...this.leaders];
      // The next refresh finds a leader.
      this.leaders.forEach((leader, partition) => {
        if (leader === NO_LEADER) this.leaders[partition] = 1;
      });
      return Promise.resolve();
    };
    const partitions = () => this.#seen.map((leader, partitionId) => ({ partitionId, leader }));
    const topicMetadata = () => ({ topic: this.topic, topicErrorCode: 0, partitionMetadata: partitions() });
    const cluster = {
      connect: () => Promise.resolve(),
      disconnect: () => Promise.resolve(),
      addTargetTopic: () => Promise.resolve(),
      refreshMetadata: refresh,
      refreshMetadataIfNecessary: () => Promise.resolve(),
      removeBroker: () => undefined,
      findTopicPartitionMetadata: partitions,
      brokerPool: {
        get metadata() {
          return { topicMetadata: [topicMetadata()] };
        },
      },
      findControllerBroker: () => Promise.resolve(this.#broker(0)),
      findBroker: ({ nodeId }: { readonly nodeId: string }) => Promise.resolve(this.#broker(Number(nodeId))),
    };
    return cluster as unknown as Cluster;
  }

  #broker(node: number): Broker {
    const broker: Pick<Broker, 'initProducerId' | 'connectionPool'> = {
      initProducerId: () => Promise.resolve({ producerId: String(this.#producers++), producerEpoch: 0 }),
      connectionPool: {
        send: async ({ request, response }) => {
          const encoded = (await request.encode()) as Encoder & { readonly buffer: Buffer };
          const batches = batchesOf(encoded.buffer);
          const partitions = batches.map(([partition]) => partition);
          if (partitions.some((partition) => this.#underWay.has(partition))) this.overtaking += 1;
          for (const partition of partitions) this.#underWay.add(partition);
          try {
            const answer = this.#take(node, batches);
            return await response.parse(await response.decode(answer));
          } finally {
            for (const partition of partitions) this.#underWay.delete(partition);
          }
        },
      },
    };
    return broker as Broker;
  }

  #take(node: number, batches: readonly Batch[]): Buffer {
    const fault = this.#faults.shift() ?? { kind: 'none' };
    this.requests.push({ broker: node, partitions: batches.map(([partition]) => partition) });
    if (fault.kind === 'request-lost') throw connectionClosed();
    if (fault.kind === 'producers-forgotten') this.#sequences.clear();
    if (fault.kind === 'leader-moves') this.leaders[fault.partition] = fault.to;
    const [first] = batches;
    const answered = batches.filter((batch) => fault.kind !== 'left-out' || batch !== first);
    if (fault.kind === 'left-out' && fault.written && first !== undefined) this.#write(node, first);
    const answers = answered.map((batch): readonly [number, number] => [
      batch[0],
      fault.kind === 'topic-unknown' ? UNKNOWN_TOPIC_OR_PARTITION : this.#write(node, batch),
    ]);
    if (fault.kind === 'answer-lost') throw connectionClosed();
    return answerOf(this.topic, answers);
  }

  /** Writes a batch and returns Kafka's error code. */
  #write(node: number, [partition, bytes]: Batch): number {
    if (this.leaders[partition] !== node) return NOT_LEADER;
    const log = this.logs[partition];
    if (log === undefined) return UNKNOWN_TOPIC_OR_PARTITION;
    if (bytes.length > LARGEST_BATCH) return MESSAGE_TOO_LARGE;
    const place = `${partition} ${bytes.readBigInt64BE(PRODUCER_ID)}`;
    const next = this.#sequences.get(place) ?? 0;
    const sequence = bytes.readInt32BE(FIRST_SEQUENCE);
    if (sequence > next) return OUT_OF_ORDER_SEQUENCE;
    if (sequence < next) return OK;
    const records = readBatches(this.topic, partition, bytes).batches.flatMap((batch) => batch.records());
    log.push(...records);
    this.#sequences.set(place, next + records.length);
    return OK;
  }
}

/** The batches of a Produce request for one topic, with their partitions. */
function batchesOf(request: Buffer): Batch[] {
  // No transaction, acks, the time-out, one topic.
  let at = 2 + 2 + 4 + 4;
  at += 2 + request.readInt16BE(at);
  const batches: Batch[] = [];
  const count = request.readInt32BE(at);
  at += 4;
  for (let left = count; left > 0; left--) {
    const length = request.readInt32BE(at + 4);
    batches.push([request.readInt32BE(at), request.subarray(at + 8, at + 8 + length)]);
    at += 8 + length;
  }
  return batches;
}

function answerOf(topic: string, answers: readonly (readonly [partition: number, code: number])[]): Buffer {
  const name = Buffer.from(topic);
  const head = Buffer.alloc(4 + 2 + name.length + 4);
  head.writeInt32BE(1, 0);
  head.writeInt16BE(name.length, 4);
  name.copy(head, 6);
  head.writeInt32BE(answers.length, 6 + name.length);
  const each = answers.map(([partition, code]) => {
    const answer = Buffer.alloc(30);
    answer.writeInt32BE(partition, 0);
    answer.writeInt16BE(code, 4);
    return answer;
  });
  return Buffer.concat([head, ...each, Buffer.alloc(4)]);
}

function connectionClosed(): Error {
  return Object.assign(new Error('Closed connection'), {
    name: 'KafkaJSConnectionClosedError',
    host: '127.0.0.1',
    port: 9092,
  });
}
