import { PolicyHistory, type ReadHistory } from './policy-history.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, visitTopic } from '../runtime/topic-cursor.ts';

/** All that scoring has told of what its decisions rest on. */
export async function readPolicyHistory(topics: ReadableTopics): Promise<ReadHistory> {
  const history = new PolicyHistory();
  const unreadable = await visitTopic(topics, TOPICS.policyApplied.name, {}, (record, at) => history.add(record, at));
  return { history, unreadable };
}
