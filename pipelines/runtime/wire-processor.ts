import { type HarvestlineError, formatCoordinates, isKind } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type {
  Append,
  Assigned,
  Batch,
  BatchHandler,
  EventLog,
  LogRecord,
  OutgoingRecord,
  SubscribeOptions,
} from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { AHEAD_MS, timesAhead, timestampAhead } from '../../schemas/time-bound.ts';
import { type TopicName, findTopic, deadLetterTopicOf } from '../../schemas/topics.ts';
import { type RetryingPart, retryPart } from './part-retry.ts';
import {
  type LeftOut,
  boundedMessage,
  boundedProblems,
  deadLetterOf,
  MovedStarts,
  DEAD_LETTER_HEADERS,
} from './dead-letter.ts';
import { BroadcastInputs } from './broadcast-inputs.ts';
import { decodedRecords } from './topic-cursor.ts';
import { NO_OBSERVER, type ProcessorObserver, producerOf } from './processor-observer.ts';
import type { DecodedRecord, Processor, Replay, IsProcessed } from './processor.ts';

interface RuntimeOptions {
  readonly processor: Processor;
  /** The processor's name where left out. */
  readonly group?: string;
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * The clock that times of records are compared with (schemas/time-bound.ts): the market's under `dev`. Left out where records are not
   * live: they are then compared with their own timestamps alone.
   */
  readonly liveClock?: Clock;
  readonly from?: SubscribeOptions['from'];
  /** Ends the wait after a transient error: the batch stays uncommitted. */
  readonly signal?: AbortSignal;
  readonly observer?: ProcessorObserver;
}

/** What a processor subscribes with. */
interface Wiring {
  readonly options: SubscribeOptions;
  readonly handler: BatchHandler;
}

/**
 * Connects a processor to a log. The loop over records is its own, not that of topic-cursor.ts: each record is checked, and each that fails
 * is dead-lettered. Invariants:
 * RUN-21  A record is processed or dead-lettered before it is committed.
 * RUN-22  A transient error repeats the same batch after a back-off and dead-letters nothing.
 * RUN-23  Any other error ends the subscription with nothing of the batch committed.
 * RUN-24  No record ends the subscription. One whose outputs the log refuses, for their size or their time, is dead-lettered too, and its
 *     letter is written in a form that the log accepts (dead-letter.ts).
 */
export function wireProcessor(runtime: RuntimeOptions): Wiring {
  const { processor, log, codec, clock, liveClock, observer = NO_OBSERVER } = runtime;
  const part: RetryingPart = { ...runtime, processor: processor.name, observer };
  const observed = new Set((processor.observes ?? []).map((topic) => topic.name));
  const broadcast = new BroadcastInputs(runtime);
  const replay: Replay = (topic, partitions) =>
    decodedRecords({ log, codec }, topic, partitions === undefined ? {} : { partitions });
  const starts = new MovedStarts(runtime);
  const deadLetter = (topic: TopicName, at: LogRecord, error: HarvestlineError): OutgoingRecord => {
    observer.deadLettered(topic, error.code);
    logDeadLetter(runtime, at, error);
    return deadLetterOf(at, error, {
      topic,
      // The market's time under dev: retention on its log goes by that.
      at: (liveClock ?? clock).now(),
      onLeftOut: (leftOut, refusal) => {
        observer.leftOut(topic);
        logLeftOut(runtime, at, leftOut, refusal);
      },
    });
  };
  const worker: Worker = { processor, codec, liveClock, observer, deadLetter };
  return {
    options: {
      group: runtime.group ?? processor.name,
      topics: [...processor.inputs, ...(processor.observes ?? [])].map((topic) => topic.name),
      from: runtime.from ?? 'beginning',
      ...(processor.maxBatchRecords === undefined ? {} : { maxBatchRecords: processor.maxBatchRecords }),
      onAssigned: async (assigned, append) => {
        observer.restoring();
        await retryPart(part, 'restoring', async () => {
          await broadcast.catchUp();
          await processor.restore?.(replay, () => processedIn(runtime, assigned));
        });
        // The name is shown by the readiness probe.
        await retryPart(part, 'settling', async () => processor.recover?.(wholeOf(processor, assigned), append));
        observer.assigned(assigned);
      },
      onMoved: (moved, append) => starts.report(moved, append),
      onDropped: () => observer.dropped(),
    },
    handler: async (batch, append, refusal) => {
      const spec = findTopic(batch.topic);
      const topic = spec?.name;
      if (spec === undefined || topic === undefined)
        throw new TypeError(`${processor.name} was given ${batch.topic}, which is not in the topic table`);
      const startedAt = clock.now();
      let outputs: readonly OutgoingRecord[] = [];
      if (observed.has(topic)) {
        const latest = (liveClock?.now() ?? Infinity) + AHEAD_MS;
        // Compaction applies a tombstone whatever its time.
        const isTombstone = (value: Uint8Array | null): boolean => value === null && spec.cleanup === 'compact';
        const inTime = batch.records.filter(({ timestamp, value }) => timestamp <= latest || isTombstone(value));
        const observe = async (): Promise<readonly OutgoingRecord[]> =>
          (await processor.observe?.(inTime, topic)) ?? [];
        if (refusal === undefined) outputs = await retryPart(part, `${batch.topic}[${batch.partition}]`, observe);
      } else {
        outputs = await retryPart(part, `${batch.topic}[${batch.partition}]`, async () => {
          await broadcast.refresh();
          await codec.prepare(topic, batch.records);
          return refusal === undefined
            ? processBatch(worker, topic, batch, append)
            : processOneByOne(worker, topic, batch, append);
        });
      }
      observer.worked({ topic, records: batch.records.length, outputs, tookMs: clock.now() - startedAt });
      return outputs;
    },
  };
}

/** The partitions of which this member has all inputs. The others are recovered by the member that has all of theirs. */
function wholeOf({ inputs }: Processor, assigned: Assigned): readonly number[] {
  const [first = [], ...others] = inputs.map(({ name }) => assigned[name] ?? []);
  return first.filter((partition) => others.every((own) => own.includes(partition)));
}

interface Worker {
  readonly processor: Processor;
  readonly codec: RecordCodec;
  readonly liveClock: Clock | undefined;
  readonly observer: ProcessorObserver;
  readonly deadLetter: (topic: TopicName, at: LogRecord, error: HarvestlineError) => OutgoingRecord;
}

/**
 * Size of a part of a splittable batch. Objects that die before the next garbage collection cost nothing; a whole decoded batch would be
 * copied from one generation to the next. Unit: records.
 */
const PART_RECORDS = 64;

/** Letters come last, so that none is written yet where the log refuses an output, and none is written twice. */
async function processBatch(
  worker: Worker,
  topic: TopicName,
  { records }: Batch,
  append: Append,
): Promise<readonly OutgoingRecord[]> {
  const outputs: OutgoingRecord[] = [];
  const letters: OutgoingRecord[] = [];
  const size = worker.processor.splittable === true ? PART_RECORDS : records.length;
  for (let start = 0; start < records.length; start += size) {
    const part = records.slice(start, start + size);
    for (const output of await processPart(worker, topic, part, append, letters)) outputs.push(output);
  }
  for (const letter of letters) outputs.push(letter);
  return outputs;
}

async function processPart(
  { processor, codec, liveClock, observer, deadLetter }: Worker,
  topic: TopicName,
  records: readonly LogRecord[],
  append: Append,
  letters: OutgoingRecord[],
): Promise<readonly OutgoingRecord[]> {
  const decoded: DecodedRecord[] = [];
  const decode = codec.decoderOf(topic);
  const now = liveClock?.now() ?? null;
  for (const at of records) {
    try {
      const record = decode(at);
      const ahead = timesAhead(topic, record, at.timestamp, now);
      if (ahead.length > 0) {
        observer.timesAhead(topic, producerOf(record));
        throw timestampAhead(topic, ahead);
      }
      decoded.push({ topic, record, at } as DecodedRecord);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      letters.push(deadLetter(topic, at, thrown));
    }
  }
  if (decoded.length === 0) return [];
  try {
    return await processor.process(decoded, append);
  } catch (thrown) {
    if (!isKind(thrown, 'poison')) throw thrown;
  }
  // One record made the processor produce an invalid output. Each is processed alone to find out which.
  const outputs: OutgoingRecord[] = [];
  for (const record of decoded) {
    try {
      for (const output of await processor.process([record], append)) outputs.push(output);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      letters.push(deadLetter(topic, record.at, thrown));
    }
  }
  return outputs;
}

/** RUN-24: the log refused an output of the batch. The outputs of each record are appended alone; the letters are returned. */
async function processOneByOne(
  worker: Worker,
  topic: TopicName,
  { records }: Batch,
  append: Append,
): Promise<readonly OutgoingRecord[]> {
  const letters: OutgoingRecord[] = [];
  for (const at of records) {
    const outputs = await processPart(worker, topic, [at], append, letters);
    try {
      await append(outputs);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      letters.push(worker.deadLetter(topic, at, thrown));
    }
  }
  return letters;
}

function logDeadLetter({ processor, logger }: RuntimeOptions, at: LogRecord, error: HarvestlineError): void {
  const { topic, partition, offset } = at;
  const { code, remedy } = error;
  const { paths: problems, total } = boundedProblems(error.problems);
  logger.warn(
    { processor: processor.name, topic, partition, offset, code, problems, problemsTotal: total, remedy },
    `dead letter: ${formatCoordinates({ topic, partition, offset })}: ${boundedMessage(error)}`,
  );
}

function logLeftOut(
  { processor, logger }: RuntimeOptions,
  at: LogRecord,
  leftOut: LeftOut,
  { code, remedy, message }: HarvestlineError,
): void {
  const { topic, partition, offset } = at;
  const where = formatCoordinates({ topic, partition, offset });
  logger.error(
    { processor: processor.name, topic, partition, offset, code, leftOut, remedy },
    `dead letter without its bytes: ${where}: ${message}; the record is on ${topic} for as long as that keeps it`,
  );
}

interface ProcessedOptions {
  readonly processor: Processor;
  /** The processor's name where left out. */
  readonly group?: string;
  readonly log: EventLog;
  readonly from?: SubscribeOptions['from'];
}

/**
 * What a group has processed of the inputs that a member is given: what it has committed and not set aside. Nothing where it starts at the
 * latest: it never saw what lies before.
 */
async function processedIn(
  { processor, group, log, from }: ProcessedOptions,
  assigned: Assigned,
): Promise<IsProcessed> {
  if (from === 'latest') return () => false;
  const committed = new Map<TopicName, ReadonlyMap<number, number>>();
  const aside = new Map<TopicName, ReadonlySet<string>>();
  for (const { name } of processor.inputs) {
    committed.set(name, await log.committed(group ?? processor.name, name));
    aside.set(name, await setAsideOf(log, name));
  }
  return ({ partition, offset }, topic) =>
    assigned[topic]?.includes(partition) === true &&
    offset < (committed.get(topic)?.get(partition) ?? 0) &&
    aside.get(topic)?.has(`${partition}:${offset}`) !== true;
}

/** Where the records of a topic lie that have a dead letter: `partition:offset`. */
async function setAsideOf(log: EventLog, topic: TopicName): Promise<ReadonlySet<string>> {
  const places = new Set<string>();
  for await (const { records } of log.read(deadLetterTopicOf(topic))) {
    for (const { headers } of records) {
      const text = (wanted: string): string =>
        Buffer.from(headers.findLast(([name]) => name === wanted)?.[1] ?? []).toString();
      places.add(`${text(DEAD_LETTER_HEADERS.partition)}:${text(DEAD_LETTER_HEADERS.offset)}`);
    }
  }
  return places;
}
