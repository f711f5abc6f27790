/**
 * Prints one line for each harvest.intent and trade.closed, until SIGINT or SIGTERM.
 *
 * At least once: kafkajs commits an offset after `eachMessage` has returned for it. After a crash some lines come twice, with
 * the same ids: drop duplicates by intent_id and trade_id. Types and topic names come from this checkout; a program
 * elsewhere writes the names out and generates types from the registry's schemas.
 */
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel } from 'kafkajs';
import type { HarvestIntent, TradeClosed } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';

const {
  KAFKA_BROKERS = '127.0.0.1:9092',
  SCHEMA_REGISTRY_URL = 'http://127.0.0.1:8081/apis/ccompat/v7',
  CONSUMER_GROUP = 'example-typescript',
} = process.env;

const LINES: Readonly<Record<string, (record: never) => string>> = {
  [TOPICS.harvestIntent.name]: ({ symbol, side, action, fraction, reason, r, intent_id }: HarvestIntent) =>
    `intent ${symbol} ${side} ${action} ${fraction} ${reason} R ${r.toFixed(2)} ${intent_id}`,
  [TOPICS.tradeClosed.name]: (trade: TradeClosed) =>
    `trade  ${trade.symbol} ${trade.side} ${trade.quantity} at ${trade.exit_price} ${trade.pnl_percent.toFixed(2)} % ${trade.exit_reason} ${trade.trade_id}`,
};

const registry = new SchemaRegistry({ host: SCHEMA_REGISTRY_URL });
const kafka = new Kafka({ clientId: CONSUMER_GROUP, brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.WARN });
// kafkajs waits up to 5 s for more bytes unless it is told otherwise. Unit: milliseconds.
const consumer = kafka.consumer({ groupId: CONSUMER_GROUP, maxWaitTimeInMs: 100 });

// After an error that kafkajs cannot retry the consumer stops, and the process would live on without doing anything.
consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
  if (restart) return;
  process.stderr.write(`the consumer stopped: ${error.message}\n`);
  process.exit(1);
});

await consumer.connect();
await consumer.subscribe({ topics: Object.keys(LINES), fromBeginning: true });
const joined = consumer.run({
  eachMessage: async ({ topic, message }) => {
    const line = LINES[topic];
    // The topics hold valid records only, so this is a fault to look at, not one to pass over: kafkajs tries again, and says so.
    if (line === undefined || message.value === null) throw new Error(`${topic}@${message.offset} is no record`);
    process.stdout.write(`${line((await registry.decode(message.value)) as never)}\n`);
  },
});

/** Finishes the message in hand, commits it and leaves the group. */
async function stop(): Promise<void> {
  // kafkajs leaves only a group that it has joined, and a member that does not leave holds the next one up for 30 s.
  await joined;
  await consumer.disconnect();
  process.exit();
}

// `once`: a second signal ends the process as it is.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
await joined;
