import { expect, it } from 'vitest';
import { deadLettersAlert } from '../../../pipelines/dlq/letter-alerts.ts';
import { TOPICS, deadLetterTopicOf } from '../../../schemas/topics.ts';

const START = 1_770_003_600_000;

it('dead_letters: counts by topic, since the oldest', () => {
  const few = { topic: deadLetterTopicOf(TOPICS.tradeClosed.name), records: 2, since: START };
  const many = { topic: deadLetterTopicOf(TOPICS.harvestIntent.name), records: 7, since: START + 5 };
  const none = { topic: deadLetterTopicOf(TOPICS.positionSnapshot.name), records: 0, since: 0 };
  const alert = deadLettersAlert([none, few, many]);
  expect(alert).toMatchObject({ name: 'dead_letters', since: START });
  expect(alert?.evidence).toContain(`2 in ${few.topic}, 7 in ${many.topic}`);
  expect(deadLettersAlert([none])).toBeNull();
});
