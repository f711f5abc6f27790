import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { isAway, logError } from '../../../connectors/kafka/broker-errors.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';

const kafkajs = createRequire(import.meta.url)('kafkajs/src/errors.js') as Record<
  'KafkaJSNumberOfRetriesExceeded' | 'KafkaJSNonRetriableError',
  new (thrown: Error, options: object) => Error
>;

describe('what our own code inside kafkajs has thrown', () => {
  const wrapped = (thrown: Error): Error => {
    const exceeded = new kafkajs.KafkaJSNumberOfRetriesExceeded(thrown, { retryCount: 5, retryTime: 1000 });
    return new kafkajs.KafkaJSNonRetriableError(exceeded, { cause: exceeded.cause });
  };

  it.each([
    ['BATCH_UNREADABLE', false],
    ['BROKER_AWAY', true],
  ] as const)('%s is itself, however often kafkajs tried it again', (code, away) => {
    const own = new HarvestlineError(code, 'position.snapshot[3]@0: the record batch does not decode');
    for (const thrown of [own, wrapped(own), wrapped(wrapped(own))]) {
      expect(isAway(thrown)).toBe(away);
      expect(logError(thrown, 'consuming')).toBe(own);
    }
  });
});
