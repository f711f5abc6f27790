import type { ErrorCode } from '../../errors/codes.ts';
import type { OutgoingRecord } from '../../ports/event-log.ts';
import type { Processor } from './processor.ts';
import type { Counter, Metrics } from '../../ports/metrics.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Health } from './health.ts';
import type { RetryObserver } from './part-retry.ts';

/** One batch that a processor has dealt with; what it caused is not acknowledged yet. */
export interface WorkedBatch {
  readonly topic: string;
  readonly records: number;
  readonly outputs: readonly OutgoingRecord[];
  /** From the delivery of the batch to its outputs, waiting included. Unit: milliseconds. */
  readonly tookMs: number;
}

/** Is told what a processor goes through, for health and metrics. Every call returns at once and never throws. */
export interface ProcessorObserver extends RetryObserver {
  /** Partitions were given to it; its state is being restored. */
  restoring(): void;
  /** Its state is restored, batches may come. */
  assigned(): void;
  /** It has no partitions until `restoring` comes again: the log is away. */
  dropped(): void;
  worked(batch: WorkedBatch): void;
  deadLettered(topic: string, code: ErrorCode): void;
  /** The log refused a dead letter of that topic for its size: what is large is left out of it. */
  leftOut(topic: string): void;
  /** A record of that producer was set aside for a time that cannot be; `deadLettered` is told as well. */
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

/** Turns what a processor goes through into metrics and health. */
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
    assigned: () => health.is(name, 'assigned'),
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

/** Who wrote a record, as far as it says so; the empty text for what it does not say. */
export interface Producer {
  readonly account: string;
  readonly source: string;
}

export function producerOf(record: object): Producer {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const { account, source }: { readonly account?: unknown; readonly source?: unknown } = record;
  return { account: text(account), source: text(source) };
}

/** A desk has some; a count for each name that garbage makes up would fill the memory. Unit: producers. */
const MAX_PRODUCERS = 100;

const OTHERS: Producer = { account: 'other', source: 'other' };

/** The first producers by name, all later ones as one. */
export class KnownProducers {
  readonly #known = new Set<string>();

  bounded(producer: Producer): Producer {
    const key = JSON.stringify([producer.account, producer.source]);
    if (!this.#known.has(key) && this.#known.size >= MAX_PRODUCERS) return OTHERS;
    this.#known.add(key);
    return producer;
  }
}
