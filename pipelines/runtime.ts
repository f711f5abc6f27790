import { type HarvestlineError, formatCoordinates, isKind } from '../errors/harvestline-error.ts';
import type { Clock } from '../ports/clock.ts';
import type {
  Append,
  Batch,
  BatchHandler,
  EventLog,
  LogRecord,
  OutgoingRecord,
  SubscribeOptions,
} from '../ports/event-log.ts';
import type { Logger } from '../ports/logger.ts';
import type { RecordByTopic } from '../schemas/generated/records.ts';
import type { RecordCodec } from '../schemas/record-codec.ts';
import { type TopicName, findTopic } from '../schemas/topics.ts';
import { deadLetterOf } from './dead-letter.ts';
import type { DecodedRecord, Processor, Replay } from './processor.ts';

/** First and longest wait between two tries after a transient error. Unit: milliseconds. */
const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 10_000;

export interface RuntimeOptions {
  readonly processor: Processor;
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly from?: SubscribeOptions['from'];
  /** Ends waiting for a transient error to pass: the batch stays uncommitted. */
  readonly signal?: AbortSignal;
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
  const { processor, log, codec, logger } = runtime;
  const observed = new Set((processor.observes ?? []).map((topic) => topic.name));
  return {
    options: {
      group: processor.name,
      topics: [...processor.inputs, ...(processor.observes ?? [])].map((topic) => topic.name),
      from: runtime.from ?? 'beginning',
      onAssigned: () => patiently(runtime, 'restoring', async () => processor.restore?.(replayOf(log, codec))),
    },
    handler: async (batch, append) => {
      const topic = findTopic(batch.topic)?.name;
      if (topic === undefined)
        throw new TypeError(`${processor.name} was given ${batch.topic}, which is not in the topic table`);
      if (observed.has(topic)) {
        processor.observe?.(batch.records);
        return [];
      }
      return patiently(runtime, `${batch.topic}[${batch.partition}]`, () =>
        processBatch(processor, codec, logger, topic, batch, append),
      );
    },
  };
}

async function processBatch(
  processor: Processor,
  codec: RecordCodec,
  logger: Logger,
  topic: TopicName,
  batch: Batch,
  append: Append,
): Promise<readonly OutgoingRecord[]> {
  await codec.prepare(topic, values(batch.records));
  const outputs: OutgoingRecord[] = [];
  const decoded: DecodedRecord[] = [];
  for (const at of batch.records) {
    try {
      decoded.push({ topic, record: codec.decode(topic, at.value), at } as DecodedRecord);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      outputs.push(buried(processor, logger, at, thrown));
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
      outputs.push(buried(processor, logger, record.at, thrown));
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

/** Tries again as long as the error is transient, waiting longer each time up to a bound, and says so each time. */
async function patiently<T>(runtime: RuntimeOptions, what: string, work: () => Promise<T>): Promise<T> {
  const { processor, clock, logger, signal } = runtime;
  for (let wait = FIRST_BACK_OFF_MS; ; wait = Math.min(2 * wait, LONGEST_BACK_OFF_MS)) {
    try {
      return await work();
    } catch (thrown) {
      if (!isKind(thrown, 'transient') || signal?.aborted === true) throw thrown;
      logger.warn(
        { processor: processor.name, code: thrown.code, retryInMs: wait, remedy: thrown.remedy },
        `${what}: ${thrown.message}; trying again in ${wait} ms`,
      );
      await clock.sleep(wait, signal);
    }
  }
}

function replayOf(log: EventLog, codec: RecordCodec): Replay {
  return async function* replay<N extends TopicName>(
    topic: N,
  ): AsyncIterable<{ record: RecordByTopic[N]; at: LogRecord }> {
    for await (const batch of log.read(topic)) {
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
