import { describe, expect, it } from 'vitest';
import { fixKafkajs } from '../../../connectors/kafka/kafkajs-fixes.ts';
import { ConsumerGroup } from '../../../connectors/kafka/kafkajs-internals.ts';

describe('KFK-26: a member whose partitions are all paused', () => {
  fixKafkajs();

  it('fetches as soon as they are resumed, not when an idle fetch would have ended', async () => {
    const asked = Promise.withResolvers<string>();
    let isPaused = true;
    const group = Object.assign(Object.create(ConsumerGroup.prototype) as typeof ConsumerGroup.prototype, {
      // Longer than a test may take.
      maxWaitTime: 1e9,
      logger: { info: () => {} },
      assigned: () => [{ topic: 't', partitions: [0, 1] }],
      isPaused: () => isPaused,
      subscriptionState: { resume: () => (isPaused = false) },
      // kafkajs calls it first in a fetch.
      cluster: {
        refreshMetadataIfNecessary: () => {
          asked.resolve(isPaused ? 'while paused' : 'once resumed');
          return new Promise(() => {});
        },
      },
    });
    void group.fetch('1');
    group.resume([{ topic: 't', partitions: [0, 1] }]);
    await expect(asked.promise).resolves.toBe('once resumed');
  });
});
