import type { ErrorCode } from '../../errors/codes.ts';
import type { Assigned, OutgoingRecord } from '../../ports/event-log.ts';
import type { Processor } from './processor.ts';
import type { Counter, Metrics } from '../../ports/metrics.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Health } from './health.ts';
import type { RetryObserver } from './part-retry.ts';

/** One batch that a processor has dealt with; what it caused is not acknowledged yet. */
interface WorkedBatch {
  readonly topic: string;
  readonly records: number;
  readonly outputs: readonly OutgoingRecord[];
  /** From the delivery of the batch to its outputs, waiting included. Unit: milliseconds. */
  readonly tookMs: number;
}

/** Receives the events of a processor, for health and metrics. Every call returns at once and never throws. */
export interface ProcessorObserver extends RetryObserver {
  /** Partitions were assigned to it, and its state is being restored. */
  restoring(): void;
  /** Its state is restored, batches of these partitions may come. */
  assigned(partitions: Assigned): void;
  /** The log is unavailable: it has no partitions until `restoring` comes again. */
  dropped(): void;
  worked(batch: WorkedBatch): void;
  deadLettered(topic: string, code: ErrorCode): void;
  /** The log refused a dead letter of that topic for its size, so its large parts are left out. */
  leftOut(topic: string): void;
  /** A record of that producer was dead-lettered because its time lies in the future; `deadLettered` is called as well. */
  timesAhead(topic: string, producer: Producer): void;
  /** Retention removed that many records of the topic before the group read them. */
  neverRead(topic: string, records: number): void;
}

export const NO_OBSERVER: ProcessorObserver = {
  restoring() {},
  assigned() {},
  dropped() {},
  worked() {},
  deadLettered() {},
  leftOut() {},
  timesAhead() {},
  neverRead() {},
  backedOff() {},
  recovered() {},
};

const MS_PER_SECOND = 1000;

/** The observer of a processor that updates metrics and health. */
export function observeProcessor(
  processor: Processor,
  group: string,
  metrics: Metrics,
  health: Health,
): ProcessorObserver {
  const { name, inputs, observes = [] } = processor;
  const topics = [...inputs, ...observes];
  const records = new Map<string, Counter>(
    topics.map(({ name: topic }) => [topic, metrics.counter('records', { processor: name, topic })]),
  );
  const neverRead = new Map<string, Counter>(
    topics.map(({ name: topic }) => [topic, metrics.counter('neverRead', { group, topic })]),
  );
  const intents = name === TOPICS.harvestIntent.writer ? metrics.counter('intents', {}) : null;
  const seconds = metrics.histogram('batchSeconds', { processor: name });
  const producers = new KnownProducers();
  const backOff = metrics.gauge('backOff', { processor: name });
  return {
    restoring: () => health.is(name, 'restoring'),
    assigned: (assigned) => {
      health.is(name, 'assigned');
      const [input] = inputs;
      health.works(name, input === undefined ? [] : (assigned[input.name] ?? []));
    },
    dropped: () => health.is(name, 'unassigned'),
    worked: (batch) => {
      records.get(batch.topic)?.add(batch.records);
      seconds.observe(batch.tookMs / MS_PER_SECOND);
      if (intents === null) return;
      let written = 0;
      for (const { topic } of batch.outputs) if (topic === TOPICS.harvestIntent.name) written += 1;
      intents.add(written);
    },
    deadLettered: (topic, code) => metrics.counter('deadLetters', { topic, code }).add(1),
    leftOut: (topic) => metrics.counter('lettersWithoutBytes', { topic }).add(1),
    neverRead: (topic, count) => neverRead.get(topic)?.add(count),
    timesAhead: (topic, producer) => {
      const { account, source } = producers.bounded(producer);
      metrics.counter('timesAhead', { topic, account, source }).add(1);
    },
    backedOff: (what, code) => {
      health.backedOff(name, what, code);
      metrics.counter('retries', { processor: name, code }).add(1);
      backOff.set(health.waits(name));
    },
    recovered: (what) => {
      health.recovered(name, what);
      backOff.set(health.waits(name));
    },
  };
}

/** The producer of a record, from its own fields. Empty text for a field that it does not have. */
export interface Producer {
  readonly account: string;
  readonly source: string;
}

export function producerOf(record: object): Producer {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const { account, source }: { readonly account?: unknown; readonly source?: unknown } = record;
  return { account: text(account), source: text(source) };
}

/** Bounds the labels of a metric: records of garbage could name any number of producers. Unit: producers. */
const MAX_PRODUCERS = 100;

const OTHERS: Producer = { account: 'other', source: 'other' };

/** The first producers by name, and all later ones as one. */
export class KnownProducers {
  readonly #known = new Set<string>();

  bounded(producer: Producer): Producer {
    const key = JSON.stringify([producer.account, producer.source]);
    if (!this.#known.has(key) && this.#known.size >= MAX_PRODUCERS) return OTHERS;
    this.#known.add(key);
    return producer;
  }
}
