import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { isUnavailable, logError, noteDenials } from '../../../connectors/kafka/broker-errors.ts';
import { errorOfCode } from '../../../connectors/kafka/kafkajs-internals.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';

const kafkajs = createRequire(import.meta.url)('kafkajs/src/errors.js') as Record<
  'KafkaJSNumberOfRetriesExceeded' | 'KafkaJSNonRetriableError',
  new (thrown: Error, options: object) => Error
>;

describe('an error that our own code has thrown inside kafkajs', () => {
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
      expect(isUnavailable(thrown)).toBe(away);
      expect(logError(thrown, 'consuming')).toBe(own);
    }
  });
});

const [TOPIC, GROUP, CLUSTER] = [29, 30, 31];

/** The message for a request of that name with that answer, whose error kafkajs has wrapped. */
async function said(apiName: string, code: number, answer: object, topic?: string, group?: string) {
  const call = noteDenials({
    request: { apiName },
    response: {
      decode: () => Promise.resolve(answer),
      parse: (given: unknown): Promise<unknown> => Promise.reject(given === answer ? errorOfCode(code) : given),
    },
  });
  const thrown = await call.response.parse(answer).catch((error: unknown) => error);
  const { code: ours, message, kind } = logError(new Error('wrapped', { cause: thrown }), 'consuming', topic, group);
  return { code: ours, message, kind };
}

describe('a right that a broker denies', () => {
  it.each([
    [
      'Metadata',
      {
        topicMetadata: [
          { topic: 'a', topicErrorCode: 29 },
          { topic: 'b', topicErrorCode: 0 },
          { topic: 'c', topicErrorCode: 29 },
        ],
      },
      'DESCRIBE on topic a, c',
    ],
    [
      'Fetch',
      { responses: [{ topicName: 'a', partitions: [{ errorCode: 29, messages: [{ errorCode: 29 }] }] }] },
      'READ on topic a',
    ],
    [
      'OffsetCommit',
      {
        responses: [
          {
            topic: 'a',
            partitions: [
              { partition: 0, errorCode: 29 },
              { partition: 1, errorCode: 29 },
            ],
          },
        ],
      },
      'READ on topic a',
    ],
    ['DescribeConfigs', { resources: [{ resourceName: 'a', errorCode: 29 }] }, 'DESCRIBE_CONFIGS on topic a'],
    ['CreatePartitions', { topicErrors: [{ topic: 'a', errorCode: 29 }] }, 'ALTER on topic a'],
  ])('in %s: every topic is named with its right', async (api, answer, text) => {
    expect(await said(api, TOPIC ?? 0, answer)).toEqual({
      code: 'ACCESS_DENIED',
      kind: 'invariant',
      message: expect.stringContaining(`no right ${text}`) as unknown,
    });
  });

  it("is named by the caller's topic and group where the answer names none", async () => {
    expect((await said('Produce', TOPIC ?? 0, {}, 'a')).message).toBe('consuming: no right WRITE on topic a');
    expect((await said('JoinGroup', GROUP ?? 0, { errorCode: 30 }, 'a', 'g')).message).toBe(
      'consuming: no right READ on group g',
    );
    expect((await said('InitProducerId', CLUSTER ?? 0, {}, 'a')).message).toContain('WRITE on topic a');
  });

  it('is ACCESS_DENIED where the request is unknown, too', () => {
    expect(logError(errorOfCode(TOPIC ?? 0), 'x')).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(logError(errorOfCode(3), 'x', 'a')).toMatchObject({ code: 'TOPIC_MISSING' });
  });
});
