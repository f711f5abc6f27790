/**
 * What an engineer in a hurry writes with kafkajs and avsc alone, as a process: decode, score, encode, one send a batch, commit by
 * the clock, until SIGTERM. Tuned as our own connector is; without any check, dead letter, back-off or restart.
 *
 * `node bench/bare-kafkajs.ts GROUP INTENT_SCHEMA_ID`, with KAFKA_BROKERS in the environment.
 */
import avsc from 'avsc';
import { type Consumer, Kafka, Partitioners, logLevel } from 'kafkajs';
import { evaluate } from '../pipelines/scoring/evaluate.ts';
import { defaultPolicy } from '../pipelines/scoring/policy.ts';
import { intentOf } from '../pipelines/scoring/scoring-processor.ts';
import type { PositionSnapshot } from '../schemas/generated/records.ts';
import { loadSchema, TOPICS } from '../schemas/topics.ts';

const HEADER_BYTES = 5;
const COMMIT_MS = 200;
const MAX_WAIT_MS = 100;

/** kafkajs makes one record batch a partition of a send, and the broker takes a megabyte: about this many intents. */
const SEND_MESSAGES = 700;

const [group = '', intentSchemaId = ''] = process.argv.slice(2);
const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',');
const policy = defaultPolicy();
const snapshots = avsc.Type.forSchema(loadSchema(TOPICS.positionSnapshot) as avsc.Schema);
const intents = avsc.Type.forSchema(loadSchema(TOPICS.harvestIntent) as avsc.Schema);
const header = Buffer.alloc(HEADER_BYTES);
header.writeUInt32BE(Number(intentSchemaId), 1);

const kafka = new Kafka({ brokers, clientId: 'bare', logLevel: logLevel.NOTHING });
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

process.once('SIGTERM', () => {
  void (async () => {
    await commits.stop();
    await consumer.disconnect();
    await producer.disconnect();
    process.exit();
  })();
});

interface Commits {
  note(topic: string, partition: number, offset: number): void;
  stop(): Promise<void>;
}

function commitByClock(member: Consumer): Commits {
  let pending = new Map<number, { topic: string; partition: number; offset: string }>();
  const commit = async (): Promise<void> => {
    const due = [...pending.values()];
    pending = new Map();
    if (due.length > 0) await member.commitOffsets(due);
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
