/** What has to be true of alerts, once all is healed. */
import { TOPICS } from '../../../schemas/topics.ts';
import type { DeskAlert } from '../../../schemas/generated/records.ts';
import type { Evidence, Invariant } from './evidence.ts';

/** Alerts that rightly stand after a run: something happened that only a person settles, and the plan has no such person. */
const MAY_STAND: Readonly<Record<string, (evidence: Evidence) => boolean>> = {
  dead_letters: (evidence) => Object.values(TOPICS).some(({ name }) => evidence.letters(name).length > 0),
  records_never_read: () => true,
  unknown_reports: (evidence) => evidence.good(TOPICS.executionReport.name).some(({ status }) => status === 'UNKNOWN'),
  order_set_aside: (evidence) => evidence.letters(TOPICS.harvestIntent.name).length > 0,
};

/** Long enough that whoever watches sees it, with a restart of the watch in between. Unit: milliseconds. */
const SEEN_WITHIN_MS = 4 * 60_000;

export const ALERT_INVARIANTS = [
  {
    name: 'alerts_end',
    says: 'Once all is healed, no alert stands but for what only a person settles.',
    *breaches(evidence) {
      for (const alert of latest(evidence).values()) {
        if (alert.state !== 'RAISED' || MAY_STAND[alert.name]?.(evidence) === true) continue;
        yield `${alert.name} stands since ${alert.since - evidence.startedAt} ms: ${alert.evidence}`;
      }
    },
  },
  {
    name: 'halts_are_told',
    says: 'A halt that lasts has its alert.',
    *breaches(evidence) {
      const raised = evidence
        .good(TOPICS.deskAlert.name)
        .filter(({ name, state }) => name === 'halted' && state === 'RAISED');
      for (const { from, until } of evidence.halted) {
        const end = until ?? evidence.endedAt;
        if (end - from < SEEN_WITHIN_MS) continue;
        if (!raised.some(({ at }) => at <= end)) yield `a halt of ${end - from} ms has no alert`;
      }
    },
  },
  {
    name: 'messages_are_sent',
    says: 'An alert that stands was told.',
    *breaches(evidence) {
      const taken = new Set(evidence.messages.map(({ alert }) => `${alert.alert_id} ${alert.state}`));
      for (const alert of latest(evidence).values()) {
        if (alert.state !== 'RAISED' || evidence.endedAt - alert.at < SEEN_WITHIN_MS) continue;
        if (!taken.has(`${alert.alert_id} RAISED`)) yield `${alert.name} stands, and nobody was told`;
      }
    },
  },
] as const satisfies readonly Invariant[];

function latest(evidence: Evidence): ReadonlyMap<string, DeskAlert> {
  return new Map(evidence.good(TOPICS.deskAlert.name).map((alert) => [keyOf(alert), alert]));
}

function keyOf({ scope, name }: DeskAlert): string {
  return `${scope}:${name}`;
}
