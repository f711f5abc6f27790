/** What has to be true of the messages about alerts. */
import { TOPICS } from '../../../schemas/topics.ts';
import type { Invariant } from './evidence.ts';

/** A message comes again where a process dies between its answer and its record: not often. Unit: messages. */
const MOST_TIMES = 10;

/** Sent from memory while the log does not answer. */
const FROM_MEMORY = 'log_unavailable';

export const MESSAGE_INVARIANTS = [
  {
    name: 'messages_are_on_record',
    says: 'Nobody is told of an alert that is on no record.',
    *breaches(evidence) {
      const recorded = new Set(
        evidence.good(TOPICS.deskAlert.name).map(({ alert_id, state }) => `${alert_id} ${state}`),
      );
      for (const { alert } of evidence.messages) {
        if (alert.name !== FROM_MEMORY && !recorded.has(`${alert.alert_id} ${alert.state}`))
          yield `${alert.name} ${alert.state} of ${alert.scope} was sent, and is on no record`;
      }
    },
  },
  {
    name: 'messages_do_not_repeat',
    says: 'A message that was taken is not sent again and again.',
    *breaches(evidence) {
      const times = Map.groupBy(
        evidence.messages,
        ({ alert, reminder }) => `${alert.name} ${alert.state} of ${alert.alert_id}, reminder ${reminder},`,
      );
      for (const [message, taken] of times)
        if (taken.length > MOST_TIMES) yield `${message} was taken ${taken.length} times`;
    },
  },
] as const satisfies readonly Invariant[];
