import { describe, expect, test } from 'vitest';
import {
  loadSchema,
  TOPICS,
  allTopicSpecs,
  deadLetterTopicOf,
  findTopic,
  isDeadLetterTopic,
  subjectOf,
} from '../../schemas/topics.ts';

/** The names that Kafka accepts. */
const KAFKA_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

describe.each(Object.values(TOPICS).map((topic) => [topic.name, topic] as const))('%s', (name, topic) => {
  test('has the fields that its key is made of', () => {
    const fields = loadSchema(topic).fields.map((field) => field.name);
    expect(fields).toEqual(expect.arrayContaining(topic.key.split(':')));
  });

  test('has one dead-letter topic, for a quarter, with keys as received and no fewer partitions', () => {
    const deadLetters = allTopicSpecs().filter((spec) => spec.name === deadLetterTopicOf(name));
    expect(deadLetters).toMatchObject([{ key: 'as received', cleanup: 'delete', partitions: topic.partitions }]);
    expect(isDeadLetterTopic(deadLetterTopicOf(name))).toBe(true);
    expect(isDeadLetterTopic(name)).toBe(false);
  });

  test('is found by its name, its dead letters are not', () => {
    expect(findTopic(name)).toBe(topic);
    expect(findTopic(deadLetterTopicOf(name))).toBeUndefined();
    expect(findTopic('constructor')).toBeUndefined();
  });
});

test('names and subjects are unique, and such that Kafka takes them', () => {
  const names = allTopicSpecs().map((spec) => spec.name);
  expect(new Set(names).size).toBe(2 * Object.values(TOPICS).length);
  expect(names.filter((name) => !KAFKA_NAME.test(name))).toEqual([]);
  // A dot and an underscore are the same in the names of Kafka's metrics.
  expect(new Set(names.map((name) => name.replaceAll('_', '.'))).size).toBe(names.length);
  const subjects = Object.values(TOPICS).map(subjectOf);
  expect(new Set(subjects).size).toBe(subjects.length);
});

test('the topics of the chain are co-partitioned: a position stays in one partition number along it; claims have one order, and one watch works', () => {
  const { deskClaim, deskAlert, notifyDelivered, ...chain } = TOPICS;
  expect(new Set(Object.values(chain).map((topic) => topic.partitions)).size).toBe(1);
  for (const topic of [deskClaim, deskAlert, notifyDelivered]) expect(topic.partitions).toBe(1);
});

test('what is the truth for ever is never deleted by age, and a compacted topic is keyed by what it is the latest of', () => {
  for (const topic of [TOPICS.tradeClosed, TOPICS.clmOutcome]) expect(topic.retentionMs).toBeNull();
  const compacted = Object.values(TOPICS).filter((topic) => topic.cleanup === 'compact');
  expect(compacted.map((topic) => topic.key)).toEqual([
    'position_id',
    'scope',
    'process',
    'letter_id',
    'scope:name',
    'target:scope:name',
  ]);
});
