/**
 * `npm run bench -- replay [--records N]`: the command `replay`, net of costs, over a large log, as a process of its own: how fast, and how
 * much memory at most. On Kafka where KAFKA_BROKERS names one that nothing else uses (the records of position.snapshot are
 * deleted first), else on an embedded log in a temporary folder.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openKafka } from '../cli/log-session/log-session.ts';
import { Progress } from '../render/progress.ts';
import { kafkaConnection } from '../connectors/kafka/kafka-connection.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../ports/logger.ts';
import { RecordCodec } from '../schemas/record-codec.ts';
import { registerSchemas } from '../schemas/registry.ts';
import { allTopicSpecs, TOPICS } from '../schemas/topics.ts';
import { purge } from './kafka.ts';
import { type Figure, spread } from './measure.ts';
import { inTemporaryFolder, openLog, simulatedSnapshots } from './workloads.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { PositionSnapshot } from '../schemas/generated/records.ts';
import { positionIdOf } from '../schemas/ids.ts';
import { type EncodedRecord, TopicWriter } from '../schemas/topic-writer.ts';

const PROGRAM = fileURLToPath(new URL('../bin/harvestline.mjs', import.meta.url));

/** Often enough to see the process before it ends. Unit: milliseconds. */
const WATCH_MS = 50;

const KIB_PER_MIB = 1024;

const clock = new SystemClock();

export async function benchReplay(records: number, add: (figure: Figure) => void): Promise<void> {
  if ((process.env['KAFKA_BROKERS'] ?? '') !== '') {
    await fillKafka(records);
    await timeReplay('replay on Kafka', [], records, add);
    return;
  }
  await inTemporaryFolder(async (folder) => {
    const { log, codec } = await openLog(folder);
    await fill(log, codec, records);
    await log.close();
    await timeReplay('replay on the embedded log', ['--data', folder], records, add);
  });
}

async function fillKafka(records: number): Promise<void> {
  const connections = kafkaConnection(process.env);
  const { log, registry } = openKafka(connections, SILENT_LOGGER);
  try {
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    await purge(connections.kafka.brokers);
    await fill(log, await RecordCodec.open(registry), records);
  } finally {
    await log.close();
  }
}

async function fill(log: Parameters<typeof fillSnapshots>[0], codec: RecordCodec, records: number): Promise<void> {
  const progress = new Progress('filling', records, process.stderr, clock);
  await fillSnapshots(log, codec, simulatedSnapshots(), records, (written) => progress.add(written));
  progress.done();
}

/** The process from its start to its end, whatever it does besides reading. */
async function timeReplay(
  name: string,
  options: readonly string[],
  records: number,
  add: (figure: Figure) => void,
): Promise<void> {
  const start = performance.now();
  const replay = spawn(
    process.execPath,
    [PROGRAM, 'replay', '--policy', 'legacy', '--costs', '0.0005,0.0001', '--json', ...options],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let peak = Number.NaN;
  const watch = setInterval(() => {
    peak = peakMemory(replay.pid) ?? peak;
  }, WATCH_MS);
  let printed = '';
  replay.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const [code] = await once(replay, 'close');
  clearInterval(watch);
  const seconds = (performance.now() - start) / 1000;
  if (code !== 0) throw new Error(`replay ended with ${code}`);
  const { snapshots } = JSON.parse(printed) as { readonly snapshots: number };
  if (snapshots !== records) throw new Error(`replay compared ${snapshots} of ${records} snapshots`);
  add({
    name: `${name}, ${records.toLocaleString('en')} snapshots`,
    unit: 'snapshots/s',
    value: spread([records / seconds]),
  });
  add({ name: `${name}, resident memory at most`, unit: 'MiB', value: spread([peak]) });
}

/** The most that a process ever held in memory, as Linux counts it; undefined elsewhere, and when it is gone. Unit: MiB. */
function peakMemory(pid: number | undefined): number | undefined {
  try {
    const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / KIB_PER_MIB;
  } catch {
    return undefined;
  }
}

/**
 * Fills position.snapshot of a log with as many snapshots as wanted: the simulated desk's, again and again, each time later
 * and as another account's, as in a log that has grown for years. Unit of every time: milliseconds.
 */

/** Large enough that what an append costs by itself vanishes. */
const APPEND_RECORDS = 5000;

/** Between two repetitions: every position of the one before is over by then. */
const BREAK_MS = 2 * 24 * 60 * 60 * 1000;

/** `base` is in the order of observation. `onRecords` is told of each batch that is acknowledged. */
async function fillSnapshots(
  log: Pick<EventLog, 'append'>,
  codec: RecordCodec,
  base: readonly PositionSnapshot[],
  records: number,
  onRecords: (records: number) => void,
): Promise<void> {
  const writer = new TopicWriter('snapshots', codec);
  const span = (base.at(-1)?.observed_at ?? 0) - (base[0]?.observed_at ?? 0) + BREAK_MS;
  // Topics are kept by their records' timestamps: all of them are young, whatever was observed when.
  const timestamp = Date.now();
  let batch: EncodedRecord[] = [];
  for (let written = 0; written < records;) {
    const repetition = Math.floor(written / base.length);
    for (const snapshot of base.slice(0, records - written)) {
      batch.push(writer.encode(TOPICS.positionSnapshot, repeated(snapshot, repetition, span), timestamp));
      written += 1;
      if (batch.length < APPEND_RECORDS && written < records) continue;
      await log.append(batch);
      onRecords(batch.length);
      batch = [];
    }
  }
}

function repeated(snapshot: PositionSnapshot, repetition: number, span: number): PositionSnapshot {
  const account = `${snapshot.account}-${repetition}`;
  const opened_at = snapshot.opened_at + repetition * span;
  return {
    ...snapshot,
    account,
    opened_at,
    observed_at: snapshot.observed_at + repetition * span,
    position_id: positionIdOf(account, snapshot.symbol, snapshot.side, opened_at),
  };
}
