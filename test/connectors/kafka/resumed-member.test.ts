import { describe, expect, it } from 'vitest';
import { fixKafkajs } from '../../../connectors/kafka/kafkajs-fixes.ts';
import { ConsumerGroup } from '../../../connectors/kafka/kafkajs-internals.ts';

describe('KFK-25: a member whose clock is set back', () => {
  fixKafkajs();

  it('goes on sending heartbeats, where kafkajs would wait until the clock is there again', async () => {
    let sent = 0;
    const made: unknown = Reflect.construct(ConsumerGroup as unknown as new () => unknown, [
      { logger: { namespace: () => ({}) }, instrumentationEmitter: { emit: () => {} }, retry: {} },
    ]);
    const group = Object.assign(made as typeof ConsumerGroup.prototype, {
      memberId: 'one',
      coordinator: { heartbeat: () => Promise.resolve((sent += 1)) },
      lastRequest: Date.UTC(2200, 0, 1),
    });
    await group.heartbeat({ interval: 500 });
    await group.heartbeat({ interval: 1e9 });
    expect(sent).toBe(1);
  });
});

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
