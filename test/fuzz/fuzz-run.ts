/**
 * Hostile records through scoring, execution (at the paper venue) and CLM at once, on one embedded log in a folder of its own, with
 * restarts; then an audit of what they left. Times are those of a virtual clock, so the same seed gives the same run.
 *
 * FUZ-1  No processor ends, whatever it is given, and each restart works.
 * FUZ-2  Every record that does not pass its check, or is of a time that cannot be, is in the dead-letter topic byte for byte, once. Every
 *        other one was worked: an intent has its terminal report, a trade is in an outcome; or it is a dead letter with its reason.
 * FUZ-3  Every record that the chain wrote is strictly valid.
 */
import { join } from 'node:path';
import { forEachRecord } from '../../pipelines/runtime/topic-cursor.ts';
import type { EmbeddedConsumer } from '../../connectors/embedded/embedded-consumer.ts';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { PaperExchange } from '../../connectors/exchange/paper/paper-exchange.ts';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { isKind, messageOf } from '../../errors/harvestline-error.ts';
import { clmProcessor } from '../../pipelines/clm/clm-processor.ts';
import { DEAD_LETTER_HEADERS } from '../../pipelines/runtime/dead-letter.ts';
import { executionProcessor } from '../../pipelines/execution/execution-processor.ts';
import { perPartition } from '../../pipelines/runtime/per-partition.ts';
import type { Processor } from '../../pipelines/runtime/processor.ts';
import { wireProcessor } from '../../pipelines/runtime/wire-processor.ts';
import { defaultPolicy } from '../../pipelines/scoring/policy.ts';
import { scoringProcessor } from '../../pipelines/scoring/scoring-processor.ts';
import { VirtualClock } from '../../ports/clock.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import {
  schemaText,
  type Topic,
  type TopicName,
  TOPICS,
  allTopicSpecs,
  deadLetterTopicOf,
  subjectOf,
} from '../../schemas/topics.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { registerSchemas } from '../../schemas/registry.ts';
import { timesAhead } from '../../schemas/time-bound.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { FUZZ_HEADER, HostileRecords } from './hostile-record.ts';

export interface FuzzOptions {
  readonly records: number;
  readonly seed: number;
  /** An empty folder, for the log and the paper venue's book. */
  readonly folder: string;
  /** Told how many records were written and worked. */
  readonly onProgress?: (records: number) => void;
}

export interface FuzzResult {
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

/** Written, then worked off, at once: some fit into a batch of execution, some do not. Unit: records. */
const CHUNK = 500;

/** Unit: chunks. */
const RESTART_EVERY = 20;

const START = 1_900_000_000_000;

/** Between two chunks, so that cooldowns end. Unit: milliseconds. */
const PAUSE_MS = 10 * 60_000;

/** Each topic that is worked, and by whom. */
const WORKED: readonly (readonly [Topic, string])[] = [
  [TOPICS.positionSnapshot, 'scoring'],
  [TOPICS.harvestIntent, 'execution'],
  [TOPICS.positionReconciled, 'execution'],
  [TOPICS.tradeClosed, 'clm'],
];

export async function runFuzz({ records, seed, folder, onProgress }: FuzzOptions): Promise<FuzzResult> {
  const log = EmbeddedLog.open(folder, new SystemClock());
  const clock = new VirtualClock(START);
  const random = new SeededRandom(seed);
  const exchange = new PaperExchange({ path: join(folder, 'paper.sqlite'), clock, random });
  const violations: string[] = [];
  let restarts = 0;
  try {
    await log.createTopics(allTopicSpecs());
    await registerSchemas(log.registry);
    const codec = await RecordCodec.open(log.registry);
    const idOf = async (topic: Topic): Promise<number> =>
      (await log.registry.idOf(subjectOf(topic), schemaText(topic))) ?? -1;
    const hostile = await HostileRecords.open(seed, random.stream('fuzz'), idOf);
    const chain = new Chain(log, codec, exchange, clock);
    await chain.start();
    for (let written = 0; written < records; written += CHUNK) {
      const count = Math.min(CHUNK, records - written);
      await log.append(Array.from({ length: count }, () => hostile.next(clock.now())));
      await chain.workOff();
      if ((written / CHUNK) % RESTART_EVERY === RESTART_EVERY - 1) {
        await chain.stop();
        await chain.start();
        restarts += 1;
      }
      clock.set(clock.now() + PAUSE_MS);
      onProgress?.(written + count);
    }
    await chain.stop();
    await chain.start();
    const left = await chain.workOff();
    if (left > 0) violations.push(`FUZ-1: ${left} records were worked again after the last restart`);
    await chain.stop();
    const audit = await auditLog(log, codec);
    return {
      violations: [...violations, ...audit.violations],
      figures: { records, restarts: restarts + 1, ...audit.figures },
    };
  } catch (thrown) {
    violations.push(`FUZ-1: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown)}`);
    return { violations, figures: { records, restarts } };
  } finally {
    exchange.close();
    await log.close();
  }
}

/** The three processors, as they run on one log. */
class Chain {
  readonly #log: EmbeddedLog;
  readonly #codec: RecordCodec;
  readonly #exchange: PaperExchange;
  readonly #clock: VirtualClock;
  #consumers: readonly EmbeddedConsumer[] = [];

  constructor(log: EmbeddedLog, codec: RecordCodec, exchange: PaperExchange, clock: VirtualClock) {
    this.#log = log;
    this.#codec = codec;
    this.#exchange = exchange;
    this.#clock = clock;
  }

  /** As processes that know the log alone. */
  async start(): Promise<void> {
    const [log, codec, clock, exchange] = [this.#log, this.#codec, this.#clock, this.#exchange];
    const logger = SILENT_LOGGER;
    const processors: readonly Processor[] = [
      scoringProcessor({ writer: new TopicWriter('scoring', codec), policy: defaultPolicy() }),
      perPartition(() => executionProcessor({ writer: new TopicWriter('execution', codec), exchange, clock, logger })),
      clmProcessor({ writer: new TopicWriter('clm', codec), logger }),
    ];
    this.#consumers = processors.map((processor) => {
      const wiring = wireProcessor({ processor, log, codec, clock, liveClock: clock, logger });
      return log.consumer(wiring.options, wiring.handler);
    });
    for (const consumer of this.#consumers) await consumer.join();
  }

  /** Until nothing is left. Returns the number of records. */
  async workOff(): Promise<number> {
    let total = 0;
    for (;;) {
      let worked = 0;
      for (const consumer of this.#consumers) worked += await consumer.pump();
      if (worked === 0) return total;
      total += worked;
    }
  }

  async stop(): Promise<void> {
    for (const consumer of this.#consumers) await consumer.stop();
  }
}

async function auditLog(log: EmbeddedLog, codec: RecordCodec): Promise<FuzzResult> {
  const violations: string[] = [];
  const figures: Record<string, number> = {};
  const count = (name: string, by = 1): void => void (figures[name] = (figures[name] ?? 0) + by);
  const ended = new Set<string>();
  await forEachRecord({ log, codec }, TOPICS.executionReport.name, {}, ({ intent_id, status, reason }) => {
    if (status !== 'SUBMITTED') ended.add(intent_id);
    count(status === 'SUPPRESSED' || status === 'UNKNOWN' ? `${status} ${reason}` : status);
  });
  const counted = new Set<string>();
  await forEachRecord({ log, codec }, TOPICS.clmOutcome.name, {}, ({ slices }) => {
    for (const slice of slices) counted.add(slice);
  });
  for (const [topic, group] of WORKED) {
    const letters = await lettersOf(log, topic, violations);
    count(`dead letters of ${topic.name}`, letters.size);
    for (const [code, ofCode] of Map.groupBy(letters.values(), (letter) => letter.code)) {
      count(`dead letters ${code}`, ofCode.length);
    }
    const committed = await log.committed(group, topic.name);
    for (const { partition, begin, end } of await log.offsets(topic.name)) {
      if ((committed.get(partition) ?? begin) !== end)
        violations.push(`FUZ-1: ${topic.name}[${partition}] was not worked off`);
    }
    for await (const at of recordsOf(log, topic.name)) {
      const place = `${topic.name}[${at.partition}]@${at.offset}`;
      const letter = letters.get(placeOf(at));
      const fault = await faultOf(codec, topic.name, at);
      if (isForeign(at)) count(fault === null ? 'valid' : 'invalid');
      else if (fault !== null) violations.push(`FUZ-3: the chain wrote ${place}: ${fault}`);
      if (letter !== undefined) {
        if (!isSame(letter.at, at)) violations.push(`FUZ-2: the letter of ${place} is not the record`);
        continue;
      }
      if (fault !== null) violations.push(`FUZ-2: ${place} has no letter: ${fault}`);
      else if (topic.name === TOPICS.harvestIntent.name) {
        const { intent_id: id } = codec.decode(topic.name, at);
        if (!ended.has(id)) violations.push(`FUZ-2: intent ${id} at ${place} has no end`);
      } else if (topic.name === TOPICS.tradeClosed.name) {
        const { trade_id: id } = codec.decode(topic.name, at);
        if (!counted.has(id)) violations.push(`FUZ-2: trade ${id} at ${place} is in no outcome`);
      }
    }
  }
  for (const { name } of [TOPICS.executionReport, TOPICS.clmOutcome, TOPICS.policyApplied]) {
    for await (const at of recordsOf(log, name)) {
      if (isForeign(at)) continue;
      count(`written ${name}`);
      const fault = await faultOf(codec, name, at);
      if (fault !== null) violations.push(`FUZ-3: the chain wrote ${name}[${at.partition}]@${at.offset}: ${fault}`);
    }
  }
  return { violations, figures };
}

interface Letter {
  readonly at: LogRecord;
  readonly code: string;
}

/** The dead letters of a topic by the place of their record. */
async function lettersOf(log: EmbeddedLog, topic: Topic, violations: string[]): Promise<Map<string, Letter>> {
  const letters = new Map<string, Letter>();
  for await (const at of recordsOf(log, deadLetterTopicOf(topic.name))) {
    const header = (name: string): string =>
      Buffer.from(at.headers.findLast(([one]) => one === name)?.[1] ?? []).toString();
    const [partition, offset] = [header(DEAD_LETTER_HEADERS.partition), header(DEAD_LETTER_HEADERS.offset)];
    const place = `${partition}@${offset}`;
    if (letters.has(place)) violations.push(`FUZ-2: ${topic.name} ${place} has two letters`);
    letters.set(place, { at, code: header(DEAD_LETTER_HEADERS.code) });
  }
  return letters;
}

/** Why no consumer may act on the record; null for a good one. The clock is not asked: it has gone on. */
async function faultOf(codec: RecordCodec, topic: TopicName, at: LogRecord): Promise<string | null> {
  await codec.prepare(topic, [at]);
  try {
    const record = codec.decode(topic, at);
    const [ahead] = timesAhead(topic, record, at.timestamp, null);
    return ahead === undefined ? null : `TIMESTAMP_AHEAD ${ahead.path}`;
  } catch (thrown) {
    if (!isKind(thrown, 'poison')) throw thrown;
    return `${thrown.code} ${thrown.message.slice(0, 200)}`;
  }
}

async function* recordsOf(log: EmbeddedLog, topic: string): AsyncGenerator<LogRecord> {
  for await (const { records } of log.read(topic)) yield* records;
}

function isForeign({ headers }: LogRecord): boolean {
  return headers.some(([name]) => name === FUZZ_HEADER);
}

/** Byte for byte: the value, the key and the headers that it came with. */
function isSame(letter: LogRecord, record: LogRecord): boolean {
  const same = (one: Uint8Array | null, other: Uint8Array | null): boolean =>
    one === null || other === null ? one === other : Buffer.compare(one, other) === 0;
  return (
    same(letter.value, record.value) &&
    same(letter.key, record.key) &&
    record.headers.every(([name, value], index) => {
      const [copied, bytes] = letter.headers[index] ?? [undefined, null];
      return name === copied && same(value, bytes);
    })
  );
}

function placeOf({ partition, offset }: LogRecord): string {
  return `${partition}@${offset}`;
}
