import type { SubscribeOptions } from '../../ports/event-log.ts';
import { isAway, logError } from './broker-errors.ts';

/** How a membership ended. After `away` a new one may begin. */
export type MemberEnd = { readonly kind: 'stopped' } | { readonly kind: 'away' | 'failed'; readonly error: unknown };

/** What an error while consuming ends it in. */
export function endOf(thrown: unknown, { topics, group }: Pick<SubscribeOptions, 'topics' | 'group'>): MemberEnd {
  const error = logError(thrown, 'consuming', topics.length === 1 ? topics[0] : undefined, group);
  return { kind: isAway(thrown) && error.code !== 'TOPIC_MISSING' ? 'away' : 'failed', error };
}
