import avsc from 'avsc';
import { type Consumer, Kafka, Partitioners, type Producer, logLevel } from 'kafkajs';
import type { EventLog } from '../ports/event-log.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { wireProcessor } from '../pipelines/runtime.ts';
import { evaluate } from '../pipelines/scoring/evaluate.ts';
import type { Policy } from '../pipelines/scoring/policy.ts';
import { intentOf, scoringProcessor } from '../pipelines/scoring/scoring-processor.ts';
import { SILENT_LOGGER } from '../ports/logger.ts';
import type { PositionSnapshot } from '../schemas/generated/records.ts';
import { loadSchema } from '../schemas/load-schema.ts';
import type { RecordCodec } from '../schemas/record-codec.ts';
import { TopicWriter } from '../schemas/topic-writer.ts';
import { TOPICS } from '../schemas/topics.ts';

const HEADER_BYTES = 5;
const COMMIT_MS = 200;
const MAX_WAIT_MS = 100;

/** kafkajs makes one record batch a partition of a send, and the broker takes a megabyte: about this many intents. */
const SEND_MESSAGES = 700;

/** Scores position.snapshot into harvest.intent under a consumer group, until it is stopped. */
export interface Contestant {
  readonly name: string;
  /** `onBatch` is called as each batch arrives. */
  start(group: string, onBatch: () => void): Promise<{ stop(): Promise<void> }>;
}

/** The program's own scoring processor on its own log. */
export function harvestline(log: EventLog, codec: RecordCodec, policy: Policy): Contestant {
  return {
    name: 'harvestline',
    async start(group, onBatch) {
      const processor = scoringProcessor({ writer: new TopicWriter('scoring', codec), policy });
      const { options, handler } = wireProcessor({
        processor,
        log,
        codec,
        clock: new SystemClock(),
        logger: SILENT_LOGGER,
      });
      return log.subscribe({ ...options, group }, (batch, append) => {
        onBatch();
        return handler(batch, append);
      });
    },
  };
}

/**
 * What an engineer in a hurry writes with kafkajs and avsc alone: decode, score, encode, one send a batch, commit by the
 * clock. Tuned as our own connector is; without any check, dead letter, back-off or restart.
 */
export function bareKafkajs(
  brokers: readonly string[],
  schemaIds: { readonly intent: number },
  policy: Policy,
): Contestant {
  const snapshots = avsc.Type.forSchema(loadSchema(TOPICS.positionSnapshot) as avsc.Schema);
  const intents = avsc.Type.forSchema(loadSchema(TOPICS.harvestIntent) as avsc.Schema);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(schemaIds.intent, 1);
  return {
    name: 'bare kafkajs',
    async start(group, onBatch) {
      const kafka = new Kafka({ brokers: [...brokers], clientId: 'bare', logLevel: logLevel.NOTHING });
      const producer = kafka.producer({ idempotent: true, createPartitioner: Partitioners.DefaultPartitioner });
      const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: MAX_WAIT_MS });
      await Promise.all([producer.connect(), consumer.connect()]);
      const commits = commitByClock(consumer);
      await consumer.subscribe({ topics: [TOPICS.positionSnapshot.name], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: TOPICS.positionSnapshot.partitions,
        eachBatch: async (payload) => {
          const { batch } = payload;
          onBatch();
          const messages = [];
          for (const { key, value, offset } of batch.messages) {
            if (value === null) continue;
            const snapshot = snapshots.fromBuffer(value.subarray(HEADER_BYTES)) as PositionSnapshot;
            const at = {
              topic: batch.topic,
              partition: batch.partition,
              offset: Number(offset),
              timestamp: 0,
              key: null,
              value: null,
              headers: [],
            };
            const intent = intentOf(snapshot, evaluate(snapshot, policy), at);
            if (intent !== null) messages.push({ key, value: Buffer.concat([header, intents.toBuffer(intent)]) });
          }
          for (let start = 0; start < messages.length; start += SEND_MESSAGES) {
            const some = messages.slice(start, start + SEND_MESSAGES);
            await producer.send({ topic: TOPICS.harvestIntent.name, acks: -1, messages: some });
          }
          payload.resolveOffset(batch.lastOffset());
          commits.note(batch.topic, batch.partition, Number(batch.lastOffset()) + 1);
        },
      });
      return { stop: () => stopBare(consumer, producer, commits) };
    },
  };
}

interface Commits {
  note(topic: string, partition: number, offset: number): void;
  stop(): Promise<void>;
}

function commitByClock(consumer: Consumer): Commits {
  let pending = new Map<number, { topic: string; partition: number; offset: string }>();
  const commit = async (): Promise<void> => {
    const due = [...pending.values()];
    pending = new Map();
    if (due.length > 0) await consumer.commitOffsets(due);
  };
  const timer = setInterval(() => void commit(), COMMIT_MS);
  return {
    note: (topic, partition, offset) => pending.set(partition, { topic, partition, offset: String(offset) }),
    stop: async () => {
      clearInterval(timer);
      await commit();
    },
  };
}

async function stopBare(consumer: Consumer, producer: Producer, commits: Commits): Promise<void> {
  await commits.stop();
  await consumer.disconnect();
  await producer.disconnect();
}
