/**
 * `npm run bench -- execution [--records N]`: orders a second of `run execution`, as a process of its own, on the paper venue: a backlog of
 * one CLOSE intent a position. Needs KAFKA_BROKERS and SCHEMA_REGISTRY_URL of a broker that nothing else uses: it deletes the records of
 * the topics it fills.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openKafka } from '../cli/log-session/log-session.ts';
import { kafkaConnection } from '../connectors/kafka/kafka-connection.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { evaluate } from '../pipelines/scoring/evaluate.ts';
import { intentOf } from '../pipelines/scoring/scoring-processor.ts';
import type { EventLog } from '../ports/event-log.ts';
import { SILENT_LOGGER } from '../ports/logger.ts';
import type { ExecutionReport, HarvestIntent } from '../schemas/generated/records.ts';
import { positionIdOf } from '../schemas/ids.ts';
import { RecordCodec } from '../schemas/record-codec.ts';
import { registerSchemas } from '../schemas/registry.ts';
import { TopicWriter } from '../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../schemas/topics.ts';
import { purge } from './kafka.ts';
import { type Figure, spread } from './measure.ts';
import { defaultPolicy, inTemporaryFolder, simulatedSnapshots } from './workloads.ts';

const PROGRAM = fileURLToPath(new URL('../bin/harvestline.mjs', import.meta.url));
const APPEND_RECORDS = 1000;
const POLL_MS = 100;

const clock = new SystemClock();

export async function benchExecution(intents: number, add: (figure: Figure) => void): Promise<void> {
  const { kafka } = kafkaConnection(process.env);
  const { log, registry } = openKafka(kafkaConnection(process.env), SILENT_LOGGER);
  try {
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    await purge(kafka.brokers);
    const codec = await RecordCodec.open(registry);
    await fill(log, codec, intents);
    const begins = await endsOf(log);
    await inTemporaryFolder(async (folder) => {
      const execution = spawn(process.execPath, [PROGRAM, 'run', 'execution', '--data', folder], {
        stdio: ['ignore', 'ignore', 'ignore'],
      });
      try {
        const reports = await allReported(log, codec, begins, intents, execution);
        const filled = reports.filter(({ status }) => status === 'FILLED');
        const first = Math.min(...reports.map(({ reported_at }) => reported_at));
        const last = Math.max(...filled.map(({ reported_at }) => reported_at));
        const rate = (filled.length * 1000) / (last - first);
        add({ name: `execution, ${filled.length} orders filled`, unit: 'orders/s', value: spread([rate]) });
      } finally {
        execution.kill('SIGTERM');
        if (execution.exitCode === null) await once(execution, 'exit');
      }
    });
  } finally {
    await log.close();
  }
}

async function fill(log: EventLog, codec: RecordCodec, count: number): Promise<void> {
  const writer = new TopicWriter('scoring', codec);
  const topic = TOPICS.positionSnapshot.name;
  const at = { topic, partition: 0, offset: 0, timestamp: 0, key: null, value: null, headers: [] };
  const base = simulatedSnapshots()
    .map((snapshot) => intentOf(snapshot, evaluate(snapshot, defaultPolicy()), at))
    .find((intent) => intent?.action === 'CLOSE');
  if (base === undefined || base === null) throw new Error('the simulated desk gave no CLOSE');
  const now = clock.now();
  for (let start = 0; start < count; start += APPEND_RECORDS) {
    const some = Array.from({ length: Math.min(APPEND_RECORDS, count - start) }, (_, index) =>
      writer.encode(TOPICS.harvestIntent, closeOf(base, `S${start + index}USDT`, now), now),
    );
    await log.append(some);
  }
}

function closeOf(base: HarvestIntent, symbol: string, now: number): HarvestIntent {
  const opened_at = now - (base.observed_at - base.opened_at);
  const position_id = positionIdOf(base.account, symbol, base.side, opened_at);
  const intent_id = `${symbol}-${now}` as HarvestIntent['intent_id'];
  return { ...base, intent_id, symbol, position_id, opened_at, observed_at: now };
}

async function endsOf(log: EventLog): Promise<ReadonlyMap<number, number>> {
  const offsets = await log.offsets(TOPICS.executionReport.name);
  return new Map(offsets.map(({ partition, end }) => [partition, end]));
}

async function allReported(
  log: EventLog,
  codec: RecordCodec,
  begins: ReadonlyMap<number, number>,
  intents: number,
  execution: ChildProcess,
): Promise<readonly ExecutionReport[]> {
  const topic = TOPICS.executionReport.name;
  for (;;) {
    if (execution.exitCode !== null) throw new Error(`run execution ended with ${execution.exitCode}`);
    let written = 0;
    for (const [partition, end] of await endsOf(log)) written += end - (begins.get(partition) ?? 0);
    // SUBMITTED and its end.
    if (written >= 2 * intents) break;
    await clock.sleep(POLL_MS);
  }
  const reports: ExecutionReport[] = [];
  for await (const { records } of log.read(topic, { from: begins })) {
    await codec.prepare(topic, records);
    for (const at of records) reports.push(codec.decode(topic, at));
  }
  return reports;
}
