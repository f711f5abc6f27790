import { printable } from '../../render/terminal.ts';
import { formatCoordinates } from '../../errors/harvestline-error.ts';
import { type Policy, defaultPolicy } from './policy.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { ReadableTopics } from '../runtime/topic-cursor.ts';
import { readPolicyHistory } from './read-policy-history.ts';

/** The policy that came into force last on a log. */
export interface PolicyInForce {
  readonly policy: Policy;
  /** `default`: the log tells of none, or of one that this program cannot read. */
  readonly source: 'policy.applied' | 'default';
  /** What a person should know of where it comes from. */
  readonly lines: readonly string[];
}

/** As policy.applied tells, else the default. */
export async function policyInForce(topics: ReadableTopics): Promise<PolicyInForce> {
  const { history, unreadable } = await readPolicyHistory(topics);
  const { name } = TOPICS.policyApplied;
  const gap =
    unreadable === 0
      ? []
      : [`records of ${name} that cannot be read: ${unreadable}; another policy may have been in force last`];
  const latest = history.latest();
  const assumed = (why: string): PolicyInForce => {
    const policy = defaultPolicy();
    return { policy, source: 'default', lines: [`${policy.id}, the default: ${why}`, ...gap] };
  };
  if (latest === null) return assumed(`${name} tells of none in force`);
  const { record, at, content } = latest;
  const { topic, partition, offset } = at;
  const place = formatCoordinates({ topic, partition, offset });
  if (content === null)
    return assumed(`this program cannot read ${printable(record.policy)}, in force last (${place})`);
  return {
    policy: content,
    source: 'policy.applied',
    lines: [`${printable(record.policy)}, in force last (${place})`, ...gap],
  };
}
