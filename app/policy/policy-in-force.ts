import { type Policy, defaultPolicy } from '../../pipelines/scoring/policy.ts';
import { formatCoordinates } from '../../errors/harvestline-error.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { printable } from '../printable.ts';
import type { ReadableTopics } from '../read-topic.ts';
import { readPolicyHistory } from './read-policy-history.ts';

/** The policy that others are compared with, and what to tell a person of where it came from. */
export interface CurrentPolicy {
  readonly current: Policy;
  readonly lines: readonly string[];
}

/** The one that was given, else the one that came into force last on the log, else the default. */
export async function policyToCompareWith(topics: ReadableTopics, given: Policy | null): Promise<CurrentPolicy> {
  if (given !== null) return { current: given, lines: [] };
  const { history } = await readPolicyHistory(topics);
  const latest = history.latest();
  if (latest === null) {
    const current = defaultPolicy();
    return {
      current,
      lines: [`against ${current.id}, the default: ${TOPICS.policyApplied.name} tells of none in force`],
    };
  }
  const { record, at, content } = latest;
  const { topic, partition, offset } = at;
  const place = formatCoordinates({ topic, partition, offset });
  if (content !== null)
    return { current: content, lines: [`against ${printable(record.policy)}, in force last (${place})`] };
  const current = defaultPolicy();
  const line = `against ${current.id}, the default: this program cannot read ${printable(record.policy)}, in force last (${place})`;
  return { current, lines: [line] };
}
