import { Kafka, logLevel } from 'kafkajs';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import type { Clock } from '../../../ports/clock.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import type { TestCluster } from '../../tools/kafka/test-cluster.ts';
import { KafkajsWriter } from './writers.ts';

/** How a node goes down: by SIGTERM, when it hands over its leaderships first, or by kill -9. */
export type How = 'stop' | 'kill';

/** The client that appends. `kafkajs` is kafkajs's own idempotent producer, whose faults this run shows. */
export type ClientName = 'harvestline' | 'kafkajs';

/** The topic of a run, which has no records of another run. */
const topicOf = (how: How): string => `appended-${how}`;

const PARTITIONS = 6;

/** The number of records of an append, each of another key, so that every partition has some of them. */
const KEYS = 24;

/** The time between two appends, short enough that some are in flight whenever a leader moves. Unit: milliseconds. */
const PAUSE_MS = 4;

/** How often the replicas are checked. Unit: milliseconds. */
const LOOK_MS = 200;

interface AppendRunOptions {
  readonly cluster: TestCluster;
  /** The number of rounds. Each restarts every node once, one after the other. */
  readonly rounds: number;
  readonly how: How;
  /** The least number of records, however soon the rounds are over. */
  readonly records: number;
  readonly client: ClientName;
  readonly clock: Clock;
  readonly say: (line: string) => void;
  readonly logger?: Logger;
}

export interface AppendRun {
  readonly restarts: number;
  /** Records whose append has resolved. */
  readonly acknowledged: number;
  /** Acknowledged records that are not on the log. */
  readonly missing: number;
  /** Records that are on the log more than once. */
  readonly doubled: number;
  /** Keys whose records are not in the order in which they were appended, repeats aside. */
  readonly disordered: number;
}

/** Appends while the brokers of the cluster are restarted one after the other, and compares the log with what was acknowledged. */
export async function runAppends(options: AppendRunOptions): Promise<AppendRun> {
  const { cluster, rounds, how, records, client, clock, say, logger = SILENT_LOGGER } = options;
  const topic = topicOf(how);
  const log = KafkaLog.open({ brokers: cluster.brokers, clock, logger });
  const writer = client === 'kafkajs' ? new KafkajsWriter(cluster.brokers) : log;
  try {
    await log.createTopics([
      { name: topic, key: 'as received', partitions: PARTITIONS, cleanup: 'delete', retentionMs: null },
    ]);
    const rolled = new AbortController();
    let appends = 0;
    const isDone = (): boolean => rolled.signal.aborted && appends * KEYS >= records;
    const writing = (async () => {
      for (; !isDone(); appends++) {
        await writer.append(
          Array.from({ length: KEYS }, (_, key) => ({
            topic,
            key: Buffer.from(`key${key}`),
            value: Buffer.from(String(appends)),
            timestamp: clock.now(),
          })),
        );
        await clock.sleep(PAUSE_MS);
      }
    })();
    const rolling = (async () => {
      for (let round = 1; round <= rounds; round++) {
        for (let node = 0; node < cluster.size; node++) {
          await restartNode(cluster, node, how, topic, clock);
          say(`round ${round}, node ${node + 1}: ${appends * KEYS} records acknowledged`);
        }
      }
    })();
    try {
      await Promise.race([rolling, writing]);
    } finally {
      rolled.abort();
    }
    await writing;
    const restarts = rounds * cluster.size;
    return { restarts, acknowledged: appends * KEYS, ...(await compare(log, topic, appends)) };
  } finally {
    if (writer !== log) await writer.close();
    await log.close();
  }
}

/** Restarts a node. Resolves once it has caught up and leads its partitions of `topic` again. */
export async function restartNode(
  cluster: TestCluster,
  node: number,
  how: How,
  topic: string,
  clock: Clock,
): Promise<void> {
  if (how === 'stop') await cluster.stopNode(node);
  else await cluster.killNode(node);
  await cluster.startNode(node);
  await untilInOrder(cluster, topic, clock);
}

/** True where all replicas are in sync and the preferred one of each partition leads. */
async function untilInOrder({ brokers, size }: TestCluster, topic: string, clock: Clock): Promise<void> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 20 } }).admin();
  await admin.connect();
  try {
    for (;;) {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const partitions = topics.flatMap((one) => one.partitions);
      if (partitions.every(({ isr, leader, replicas }) => isr.length === size && leader === replicas[0])) return;
      await clock.sleep(LOOK_MS);
    }
  } finally {
    await admin.disconnect();
  }
}

async function compare(
  log: KafkaLog,
  topic: string,
  appends: number,
): Promise<Omit<AppendRun, 'restarts' | 'acknowledged'>> {
  const found = new Map<string, number[]>();
  for await (const { records } of log.read(topic)) {
    for (const { key, value } of records) {
      const name = String(key);
      const numbers = found.get(name) ?? [];
      numbers.push(Number(String(value)));
      found.set(name, numbers);
    }
  }
  let [missing, doubled, disordered] = [0, 0, 0];
  for (let key = 0; key < KEYS; key++) {
    const numbers = found.get(`key${key}`) ?? [];
    const once = [...new Set(numbers)];
    doubled += numbers.length - once.length;
    missing += appends - once.filter((number) => number < appends).length;
    if (once.some((number, index) => index > 0 && number < (once[index - 1] ?? 0))) disordered += 1;
  }
  return { missing, doubled, disordered };
}
