import { type HarvestlineError, formatCoordinates, isKind } from '../errors/harvestline-error.ts';
import type { Clock } from '../ports/clock.ts';
import type {
  Append,
  Assigned,
  Batch,
  BatchHandler,
  EventLog,
  LogRecord,
  OutgoingRecord,
  SubscribeOptions,
} from '../ports/event-log.ts';
import type { Logger } from '../ports/logger.ts';
import type { RecordByTopic } from '../schemas/generated/records.ts';
import { tableNameOf } from '../schemas/desk-names.ts';
import type { RecordCodec } from '../schemas/record-codec.ts';
import { type TopicName, findTopic } from '../schemas/topics.ts';
import { type BackOff, patiently } from './back-off.ts';
import { deadLetterOf } from './dead-letter.ts';
import { FollowedTopics } from './followed-topics.ts';
import { NO_OBSERVER, type ProcessorObserver } from './observer.ts';
import type { DecodedRecord, Processor, Replay } from './processor.ts';

export interface RuntimeOptions {
  readonly processor: Processor;
  /** The processor's name where left out. */
  readonly group?: string;
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly from?: SubscribeOptions['from'];
  /** Ends waiting for a transient error to pass: the batch stays uncommitted. */
  readonly signal?: AbortSignal;
  readonly observer?: ProcessorObserver;
}

/** What to subscribe a processor with. */
export interface Wiring {
  readonly options: SubscribeOptions;
  readonly handler: BatchHandler;
}

/**
 * Puts a processor on a log. Invariants:
 * P1  A record is decoded and processed, or dead-lettered; never acknowledged without one of the two.
 * P2  A transient error repeats the same batch after a back-off and dead-letters nothing.
 * P3  Any other error ends the subscription with nothing of the batch committed.
 */
export function wireProcessor(runtime: RuntimeOptions): Wiring {
  const { processor, log, codec, clock, logger, observer = NO_OBSERVER } = runtime;
  const backOff: BackOff = { ...runtime, processor: processor.name, observer };
  const observed = new Set((processor.observes ?? []).map((topic) => topic.name));
  const followed = new FollowedTopics(runtime);
  const bury = (at: LogRecord, error: HarvestlineError): OutgoingRecord => {
    observer.deadLettered(tableNameOf(at.topic), error.code);
    return buried(processor, logger, at, error);
  };
  return {
    options: {
      group: runtime.group ?? processor.name,
      topics: [...processor.inputs, ...(processor.observes ?? [])].map((topic) => topic.name),
      from: runtime.from ?? 'beginning',
      ...(processor.maxBatchRecords === undefined ? {} : { maxBatchRecords: processor.maxBatchRecords }),
      onAssigned: async (assigned, append) => {
        observer.restoring();
        await patiently(backOff, 'restoring', async () => {
          await followed.catchUp();
          await processor.restore?.(replayOf(log, codec));
        });
        await patiently(backOff, 'settling', async () => processor.settle?.(wholeOf(processor, assigned), append));
        observer.assigned();
      },
      onDropped: () => observer.dropped(),
    },
    handler: async (batch, append) => {
      const topic = findTopic(batch.topic)?.name;
      if (topic === undefined)
        throw new TypeError(`${processor.name} was given ${batch.topic}, which is not in the topic table`);
      const startedAt = clock.now();
      let outputs: readonly OutgoingRecord[] = [];
      if (observed.has(topic)) {
        processor.observe?.(batch.records);
      } else {
        outputs = await patiently(backOff, `${batch.topic}[${batch.partition}]`, async () => {
          await followed.refresh();
          return processBatch({ processor, codec, bury }, topic, batch, append);
        });
      }
      observer.worked({ topic, records: batch.records.length, outputs, tookMs: clock.now() - startedAt });
      return outputs;
    },
  };
}

/** The partitions of which this member has all inputs: another may have the rest of any other, and settle it. */
function wholeOf({ inputs }: Processor, assigned: Assigned): readonly number[] {
  const [first = [], ...others] = inputs.map(({ name }) => assigned[name] ?? []);
  return first.filter((partition) => others.every((own) => own.includes(partition)));
}

interface Worker {
  readonly processor: Processor;
  readonly codec: RecordCodec;
  readonly bury: (at: LogRecord, error: HarvestlineError) => OutgoingRecord;
}

/**
 * How many decoded records of a processor with independent records live at once. What dies before the garbage collector looks costs it
 * nothing, while a whole batch of them is copied from generation to generation. Unit: records.
 */
const PART_RECORDS = 64;

async function processBatch(
  worker: Worker,
  topic: TopicName,
  { records }: Batch,
  append: Append,
): Promise<readonly OutgoingRecord[]> {
  await worker.codec.prepare(topic, values(records));
  if (worker.processor.independentRecords !== true) return processPart(worker, topic, records, append);
  const outputs: OutgoingRecord[] = [];
  for (let start = 0; start < records.length; start += PART_RECORDS) {
    const part = await processPart(worker, topic, records.slice(start, start + PART_RECORDS), append);
    for (const output of part) outputs.push(output);
  }
  return outputs;
}

async function processPart(
  { processor, codec, bury }: Worker,
  topic: TopicName,
  records: readonly LogRecord[],
  append: Append,
): Promise<readonly OutgoingRecord[]> {
  const outputs: OutgoingRecord[] = [];
  const decoded: DecodedRecord[] = [];
  for (const at of records) {
    try {
      decoded.push({ topic, record: codec.decode(topic, at.value), at } as DecodedRecord);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      outputs.push(bury(at, thrown));
    }
  }
  if (decoded.length === 0) return outputs;
  try {
    return [...outputs, ...(await processor.process(decoded, append))];
  } catch (thrown) {
    if (!isKind(thrown, 'poison')) throw thrown;
  }
  // One record made the processor produce what no topic takes. Alone, each shows whether it is the one.
  for (const record of decoded) {
    try {
      outputs.push(...(await processor.process([record], append)));
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      outputs.push(bury(record.at, thrown));
    }
  }
  return outputs;
}

function buried(processor: Processor, logger: Logger, at: LogRecord, error: HarvestlineError): OutgoingRecord {
  const { topic, partition, offset } = at;
  logger.warn(
    {
      processor: processor.name,
      topic,
      partition,
      offset,
      code: error.code,
      problems: error.problems,
      remedy: error.remedy,
    },
    `dead letter: ${formatCoordinates({ topic, partition, offset })}: ${error.message}`,
  );
  return deadLetterOf(at, error);
}

function replayOf(log: EventLog, codec: RecordCodec): Replay {
  return async function* replay<N extends TopicName>(
    topic: N,
    partitions?: readonly number[],
  ): AsyncIterable<{ record: RecordByTopic[N]; at: LogRecord }> {
    for await (const batch of log.read(topic, partitions === undefined ? {} : { partitions })) {
      await codec.prepare(topic, values(batch.records));
      for (const at of batch.records) {
        let record: RecordByTopic[N];
        try {
          record = codec.decode(topic, at.value);
        } catch (thrown) {
          if (isKind(thrown, 'poison')) continue;
          throw thrown;
        }
        yield { record, at };
      }
    }
  };
}

function* values(records: readonly LogRecord[]): Iterable<Uint8Array | null> {
  for (const record of records) yield record.value;
}
