import type { ProcessorObserver } from './observer.ts';
import type { Processor } from './processor.ts';
import { KnownProducers } from './producers.ts';
import type { Counter, Metrics } from '../../ports/metrics.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Health } from './health.ts';

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
