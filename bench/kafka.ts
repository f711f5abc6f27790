/**
 * `npm run bench -- kafka [--records N]`: `run scoring` beside bare kafkajs doing the same work on the same broker in the same run, each
 * as a process of its own, from its start to its last commit. Every intent of both must be the same, byte for byte and in order.
 * Needs KAFKA_BROKERS and SCHEMA_REGISTRY_URL of a broker that nothing else uses: it deletes the records of the topics it fills.
 */
import { createHash } from 'node:crypto';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { openKafka } from '../cli/log-session/log-session.ts';
import { kafkaConnection } from '../connectors/kafka/kafka-connection.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { evaluate } from '../pipelines/scoring/evaluate.ts';
import type { Policy } from '../pipelines/scoring/policy.ts';
import type { EventLog } from '../ports/event-log.ts';
import { SILENT_LOGGER } from '../ports/logger.ts';
import type { PositionSnapshot } from '../schemas/generated/records.ts';
import { schemaText, TOPICS, allTopicSpecs, subjectOf } from '../schemas/topics.ts';
import { RecordCodec } from '../schemas/record-codec.ts';
import { registerSchemas } from '../schemas/registry.ts';
import { TopicWriter } from '../schemas/topic-writer.ts';
import { type Contestant, bareKafkajs, harvestline, startProcess } from './kafka-contestants.ts';
import { type Figure, type Rate, spread } from './measure.ts';
import { defaultPolicy, simulatedSnapshots } from './workloads.ts';

/** Rounds of each contestant, in turn, and one before them that does not count: a fresh broker compiles its code in it, on the same cores. */
const ROUNDS = 3;
const WARM_UP_ROUNDS = 1;

/** As a desk's many symbols are: enough keys to fill every partition. */
const SYMBOLS = 200;

/** Points of R history in a snapshot: about 300 bytes, as the desk's are in the field. */
const HISTORY_POINTS = 5;

const APPEND_RECORDS = 5000;
const POLL_MS = 20;

/** How long a group that was left may take to be deleted. Unit: milliseconds. */
const DELETE_MS = 10_000;

/** The steady load that latency is measured under, and for how long; the first part warms up. */
const LATENCY_PER_SECOND = 500;
const LATENCY_TICK_MS = 10;
const LATENCY_MS = 20_000;
const LATENCY_WARM_UP_MS = 5000;

const MEGABYTE = 1024;

const clock = new SystemClock();

/** What the parts of the bench share. */
interface BenchSession {
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly policy: Policy;
  readonly brokers: readonly string[];
}

interface Run {
  readonly recordsPerSecond: number;
  /** Unit: microseconds of CPU a record. */
  readonly cpuMicros: number;
  readonly maxRssMegabytes: number;
  /** Of every intent, in the order of its partition. */
  readonly outputs: string;
}

export async function benchKafka(records: number, add: (figure: Figure) => void): Promise<void> {
  const connections = kafkaConnection(process.env);
  const { brokers } = connections.kafka;
  const { log, registry } = openKafka(connections, SILENT_LOGGER);
  try {
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    const codec = await RecordCodec.open(registry);
    const world: BenchSession = { log, codec, policy: defaultPolicy(), brokers };
    const intent = await registry.idOf(subjectOf(TOPICS.harvestIntent), schemaText(TOPICS.harvestIntent));
    if (intent === null) throw new Error('the registry lost the schema of harvest.intent');
    const contestants = [harvestline(), bareKafkajs(intent)] as const;
    for (const share of [0.1, 1]) {
      await refill(world, records, share);
      const runs = contestants.map((): Run[] => []);
      for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
        for (const [place, contestant] of contestants.entries()) {
          runs[place]?.push(await timed(world, contestant, records));
        }
        requireEqual(runs, round);
      }
      const counted = runs.map((all) => all.slice(WARM_UP_ROUNDS));
      compare(`scoring, ${share * 100} % intents`, counted, add);
    }
    add({ name: 'replay, decoded', unit: 'records/s', value: await replay(log, codec, records) });
    for (const contestant of contestants) {
      await purge(brokers);
      await latency(world, contestant, add);
    }
  } finally {
    await log.close();
  }
}

/** Fills position.snapshot with `records` snapshots, of which `share` deserve an intent. */
export async function refill(
  { log, codec, policy, brokers }: BenchSession,
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
  await withAdmin(brokers, async (admin) => {
    for (const { name: topic } of [TOPICS.positionSnapshot, TOPICS.harvestIntent]) {
      // kafkajs deletes only what this admin has asked about before.
      const partitions = (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({
        partition,
        offset: high,
      }));
      await admin.deleteTopicRecords({ topic, partitions });
    }
  });
}

async function withAdmin(brokers: readonly string[], work: (admin: Admin) => Promise<void>): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** From the start of the process to its last commit. */
export async function timed({ log, brokers }: BenchSession, contestant: Contestant, records: number): Promise<Run> {
  const { group } = contestant;
  const topic = TOPICS.positionSnapshot.name;
  const begins = new Map((await log.offsets(topic)).map(({ partition, begin }) => [partition, begin]));
  const outputsFrom = new Map(
    (await log.offsets(TOPICS.harvestIntent.name)).map(({ partition, end }) => [partition, end]),
  );
  await forget(brokers, group);
  const started = performance.now();
  const running = startProcess(contestant);
  for (let done = 0; done < records;) {
    await clock.sleep(POLL_MS);
    running.check();
    done = 0;
    for (const [partition, offset] of await log.committed(group, topic)) done += offset - (begins.get(partition) ?? 0);
  }
  const took = performance.now() - started;
  const { cpuMicros, maxRssKilobytes } = await running.stop();
  return {
    recordsPerSecond: (records * 1000) / took,
    cpuMicros: cpuMicros / records,
    maxRssMegabytes: maxRssKilobytes / MEGABYTE,
    outputs: await digestOf(log, outputsFrom),
  };
}

/** The group starts anew. */
async function forget(brokers: readonly string[], group: string): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    const { groups } = await admin.listGroups();
    if (!groups.some(({ groupId }) => groupId === group)) return;
    for (const until = performance.now() + DELETE_MS; ;) {
      try {
        await admin.deleteGroups([group]);
        return;
      } catch (thrown) {
        if (performance.now() > until) throw thrown;
        await clock.sleep(POLL_MS);
      }
    }
  });
}

/** Of all intents from there on: their values, in the order of their partitions, and how many they are. */
async function digestOf(log: EventLog, from: ReadonlyMap<number, number>): Promise<string> {
  const hash = createHash('sha256');
  let records = 0;
  for await (const batch of log.read(TOPICS.harvestIntent.name, { from })) {
    for (const { partition, value } of batch.records) hash.update(`${partition}:`).update(value ?? '');
    records += batch.records.length;
  }
  return `${records} intents, sha256 ${hash.digest('hex')}`;
}

function requireEqual([ours = [], bare = []]: readonly (readonly Run[])[], round: number): void {
  const [one, other] = [ours[round]?.outputs, bare[round]?.outputs];
  if (one !== other) throw new Error(`the intents differ: harvestline wrote ${one}, bare kafkajs ${other}`);
}

function compare(
  what: string,
  [ours = [], bare = []]: readonly (readonly Run[])[],
  add: (figure: Figure) => void,
): void {
  const figures = [
    ['rate', 'snapshots/s', (run: Run) => run.recordsPerSecond],
    ['CPU', 's a million', (run: Run) => run.cpuMicros],
    ['largest memory', 'MB', (run: Run) => run.maxRssMegabytes],
  ] as const;
  for (const [name, unit, of] of figures) {
    add({ name: `${what}: ${name}, harvestline`, unit, value: spread(ours.map(of)) });
    add({ name: `${what}: ${name}, bare kafkajs`, unit, value: spread(bare.map(of)) });
    // Round by round: what slows the machine down slows both.
    const ratios = ours.map((run, round) => of(run) / of(bare[round] ?? run));
    add({ name: `${what}: ${name}`, unit: 'times bare', value: spread(ratios) });
  }
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
  { log, codec, policy, brokers }: BenchSession,
  contestant: Contestant,
  add: (figure: Figure) => void,
): Promise<void> {
  const { deserving } = sorted(policy);
  const writer = new TopicWriter('snapshots', codec);
  const topic = TOPICS.harvestIntent.name;
  const latencies: number[] = [];
  /** When a snapshot was appended, by what its intent takes over from it: `observed_at` alone tells no parts of a millisecond. */
  const sentAt = new Map<string, number>();
  const placeOf = ({ symbol, observed_at }: Pick<PositionSnapshot, 'symbol' | 'observed_at'>): string =>
    `${symbol} ${observed_at}`;
  await forget(brokers, contestant.group);
  const running = startProcess(contestant);
  const first = Promise.withResolvers<void>();
  let warmAt = Infinity;
  const watching = await log.subscribe(
    { group: `bench-latency-${performance.timeOrigin}-${performance.now()}`, topics: [topic], from: 'beginning' },
    async ({ records }) => {
      const now = performance.now();
      await codec.prepare(topic, records);
      for (const at of records) {
        const place = placeOf(codec.decode(topic, at));
        const since = sentAt.get(place);
        sentAt.delete(place);
        if (since !== undefined && now > warmAt) latencies.push(now - since);
      }
      first.resolve();
      return [];
    },
  );
  let sent = 0;
  const send = (due: number): Promise<void> => {
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
      sentAt.set(placeOf(shifted), performance.now());
    }
    return log.append(batch);
  };
  await send(1);
  await Promise.race([first.promise, running.failure]);
  const started = performance.now();
  warmAt = started + LATENCY_WARM_UP_MS;
  while (performance.now() - started < LATENCY_MS) {
    void send(Math.floor(((performance.now() - started) * LATENCY_PER_SECOND) / 1000));
    await clock.sleep(LATENCY_TICK_MS);
  }
  await running.stop();
  await watching.stop();
  const ordered = latencies.toSorted((one, other) => one - other);
  const at = (share: number): Rate => spread([ordered[Math.floor(share * (ordered.length - 1))] ?? Number.NaN]);
  add({ name: `latency at ${LATENCY_PER_SECOND}/s, p50: ${contestant.name}`, unit: 'ms', value: at(0.5) });
  add({ name: `latency at ${LATENCY_PER_SECOND}/s, p99: ${contestant.name}`, unit: 'ms', value: at(0.99) });
}
