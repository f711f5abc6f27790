import { PolicyHistory } from '../../pipelines/scoring/policy-history.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, visitTopic } from '../read-topic.ts';

export interface ReadHistory {
  readonly history: PolicyHistory;
  /** Records that do not decode, or whose policy is not the one that their digest is of: what they told is missing. */
  readonly unreadable: number;
}

/** All that scoring has told of what its decisions rest on. */
export async function readPolicyHistory(topics: ReadableTopics): Promise<ReadHistory> {
  const history = new PolicyHistory();
  const unreadable = await visitTopic(topics, TOPICS.policyApplied.name, {}, (record, at) => history.add(record, at));
  return { history, unreadable };
}
