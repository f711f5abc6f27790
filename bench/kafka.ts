/**
 * `npm run bench -- kafka [--records N]`: our layer on Kafka beside bare kafkajs doing the same work on the same broker in the
 * same run. Needs KAFKA_BROKERS and SCHEMA_REGISTRY_URL of a broker that nothing else uses: it deletes the records of the
 * topics it fills.
 */
import { Kafka, logLevel } from 'kafkajs';
import { openKafka } from '../app/open-world.ts';
import { kafkaConnection } from '../connectors/kafka/kafka-connection.ts';
import type { EventLog } from '../ports/event-log.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { evaluate } from '../pipelines/scoring/evaluate.ts';
import type { Policy } from '../pipelines/scoring/policy.ts';
import { SILENT_LOGGER } from '../ports/logger.ts';
import type { PositionSnapshot } from '../schemas/generated/records.ts';
import { RecordCodec } from '../schemas/record-codec.ts';
import { registerSchemas } from '../schemas/register-schemas.ts';
import { TopicWriter } from '../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs, subjectOf } from '../schemas/topics.ts';
import { schemaText } from '../schemas/load-schema.ts';
import { type Contestant, bareKafkajs, harvestline } from './kafka-contestants.ts';
import { type Figure, type Rate, spread } from './measure.ts';
import { defaultPolicy, simulatedSnapshots } from './workloads.ts';

/** Rounds of each contestant, in turn. */
const ROUNDS = 3;

/** As a desk's many symbols are: enough keys to fill every partition. */
const SYMBOLS = 200;

/** Points of R history in a snapshot: about 300 bytes, as the desk's are in the field. */
const HISTORY_POINTS = 5;

const APPEND_RECORDS = 5000;
const POLL_MS = 20;

/** The steady load that latency is measured under, and for how long; the first part warms up. */
const LATENCY_PER_SECOND = 500;
const LATENCY_TICK_MS = 10;
const LATENCY_MS = 20_000;
const LATENCY_WARM_UP_MS = 5000;

const clock = new SystemClock();

interface Run {
  readonly recordsPerSecond: number;
  /** Unit: microseconds of CPU a record, of this process. */
  readonly cpuMicros: number;
}

export async function benchKafka(records: number, add: (figure: Figure) => void): Promise<void> {
  const connections = kafkaConnection(process.env);
  const { log, registry } = openKafka(connections, SILENT_LOGGER);
  try {
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    const codec = await RecordCodec.open(registry);
    const policy = defaultPolicy();
    const intent = await registry.idOf(subjectOf(TOPICS.harvestIntent), schemaText(TOPICS.harvestIntent));
    if (intent === null) throw new Error('the registry lost the schema of harvest.intent');
    const contestants = [
      harvestline(log, codec, policy),
      bareKafkajs(connections.kafka.brokers, { intent }, policy),
    ] as const;
    for (const share of [0.1, 1]) {
      await refill(log, codec, policy, connections.kafka.brokers, records, share);
      const runs = new Map<string, Run[]>(contestants.map(({ name }) => [name, []]));
      for (let round = 0; round < ROUNDS; round++) {
        for (const contestant of contestants) runs.get(contestant.name)?.push(await timed(log, contestant, records));
      }
      compare(
        `scoring, ${share * 100} % non-HOLD`,
        contestants.map(({ name }) => runs.get(name) ?? []),
        add,
      );
    }
    add({ name: 'replay, decoded', unit: 'records/s', value: await replay(log, codec, records) });
    for (const contestant of contestants) {
      await purge(connections.kafka.brokers);
      await latency(log, codec, policy, contestant, add);
    }
  } finally {
    await log.close();
  }
}

/** Fills position.snapshot with `records` snapshots, of which `share` deserve an intent. */
async function refill(
  log: EventLog,
  codec: RecordCodec,
  policy: Policy,
  brokers: readonly string[],
  records: number,
  share: number,
): Promise<void> {
  await purge(brokers);
  const { held, deserving } = sorted(policy);
  const writer = new TopicWriter('snapshots', codec);
  const every = Math.round(1 / share);
  for (let start = 0; start < records; start += APPEND_RECORDS) {
    const batch = Array.from({ length: Math.min(APPEND_RECORDS, records - start) }, (_, index) => {
      const number = start + index;
      const from = number % every === 0 ? deserving : held;
      const snapshot = from[number % from.length];
      if (snapshot === undefined) throw new Error('the simulated desk gave no snapshot of that kind');
      return writer.encode(
        TOPICS.positionSnapshot,
        { ...snapshot, symbol: `S${number % SYMBOLS}USDT` },
        // The topic keeps records by their timestamps: the simulated desk's own lie too far back.
        Date.now(),
      );
    });
    await log.append(batch);
  }
}

function sorted(policy: Policy): { held: readonly PositionSnapshot[]; deserving: readonly PositionSnapshot[] } {
  const snapshots = simulatedSnapshots().map((snapshot) => ({
    ...snapshot,
    r_history: snapshot.r_history.slice(-HISTORY_POINTS),
  }));
  const { held = [], deserving = [] } = Object.groupBy(snapshots, (snapshot) =>
    evaluate(snapshot, policy).action === 'HOLD' ? 'held' : 'deserving',
  );
  return { held, deserving };
}

export async function purge(brokers: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  for (const { name: topic } of [TOPICS.positionSnapshot, TOPICS.harvestIntent]) {
    // kafkajs deletes only what this admin has asked about before.
    const partitions = (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({
      partition,
      offset: high,
    }));
    await admin.deleteTopicRecords({ topic, partitions });
  }
  await admin.disconnect();
}

/** From the first record's arrival to the last commit. */
async function timed(log: EventLog, contestant: Contestant, records: number): Promise<Run> {
  const topic = TOPICS.positionSnapshot.name;
  const group = `bench-${contestant.name.replace(' ', '-')}-${performance.timeOrigin}-${performance.now()}`;
  const begins = new Map((await log.offsets(topic)).map(({ partition, begin }) => [partition, begin]));
  let first: number | null = null;
  let cpu = process.cpuUsage();
  const running = await contestant.start(group, () => {
    if (first === null) {
      first = performance.now();
      cpu = process.cpuUsage();
    }
  });
  for (;;) {
    const committed = await log.committed(group, topic);
    let done = 0;
    for (const [partition, offset] of committed) done += offset - (begins.get(partition) ?? 0);
    if (done >= records) break;
    await clock.sleep(POLL_MS);
  }
  const end = performance.now();
  const used = process.cpuUsage(cpu);
  await running.stop();
  return {
    recordsPerSecond: (records * 1000) / (end - (first ?? end)),
    cpuMicros: (used.user + used.system) / records,
  };
}

function compare(
  what: string,
  [ours = [], bare = []]: readonly (readonly Run[])[],
  add: (figure: Figure) => void,
): void {
  add({ name: `${what}: harvestline`, unit: 'snapshots/s', value: spread(ours.map((run) => run.recordsPerSecond)) });
  add({ name: `${what}: bare kafkajs`, unit: 'snapshots/s', value: spread(bare.map((run) => run.recordsPerSecond)) });
  const pairs = (figure: (run: Run) => number): Rate =>
    spread(ours.map((run, index) => figure(run) / figure(bare[index] ?? run)));
  add({ name: `${what}: time`, unit: 'times bare', value: pairs((run) => 1 / run.recordsPerSecond) });
  add({ name: `${what}: CPU a record`, unit: 'times bare', value: pairs((run) => run.cpuMicros) });
}

async function replay(log: EventLog, codec: RecordCodec, records: number): Promise<Rate> {
  const topic = TOPICS.positionSnapshot.name;
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    let read = 0;
    for await (const batch of log.read(topic)) {
      await codec.prepare(topic, batch.records);
      for (const at of batch.records) codec.decode(topic, at);
      read += batch.records.length;
    }
    if (read !== records) throw new Error(`the replay read ${read} of ${records} records`);
    rates.push((records * 1000) / (performance.now() - start));
  }
  return spread(rates);
}

/** From a snapshot's append to its intent's arrival at another consumer, under a steady load. */
async function latency(
  log: EventLog,
  codec: RecordCodec,
  policy: Policy,
  contestant: Contestant,
  add: (figure: Figure) => void,
): Promise<void> {
  const { deserving } = sorted(policy);
  const writer = new TopicWriter('snapshots', codec);
  const group = `bench-latency-${performance.timeOrigin}-${performance.now()}`;
  const topic = TOPICS.harvestIntent.name;
  const latencies: number[] = [];
  const started = performance.now();
  const running = await contestant.start(group, () => {});
  const watching = await log.subscribe(
    { group: `${group}-watch`, topics: [topic], from: 'beginning' },
    async ({ records }) => {
      await codec.prepare(topic, records);
      const warm = performance.now() - started > LATENCY_WARM_UP_MS;
      for (const at of records) if (warm) latencies.push(Date.now() - codec.decode(topic, at).observed_at);
      return [];
    },
  );
  let sent = 0;
  while (performance.now() - started < LATENCY_MS) {
    const due = Math.floor(((performance.now() - started) * LATENCY_PER_SECOND) / 1000);
    const batch = [];
    for (; sent < due; sent++) {
      const snapshot = deserving[sent % deserving.length];
      if (snapshot === undefined) continue;
      const now = Date.now();
      const shifted = {
        ...snapshot,
        symbol: `S${sent % SYMBOLS}USDT`,
        observed_at: now,
        opened_at: now - (snapshot.observed_at - snapshot.opened_at),
      };
      batch.push(writer.encode(TOPICS.positionSnapshot, shifted, now));
    }
    void log.append(batch);
    await clock.sleep(LATENCY_TICK_MS);
  }
  await running.stop();
  await watching.stop();
  const ordered = latencies.toSorted((one, other) => one - other);
  const at = (share: number): Rate => spread([ordered[Math.floor(share * (ordered.length - 1))] ?? Number.NaN]);
  add({ name: `latency at ${LATENCY_PER_SECOND}/s, p50: ${contestant.name}`, unit: 'ms', value: at(0.5) });
  add({ name: `latency at ${LATENCY_PER_SECOND}/s, p99: ${contestant.name}`, unit: 'ms', value: at(0.99) });
}
