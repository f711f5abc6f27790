/** What has to be true of alerts: while something is wrong, and once all is healed. */
import { isRefusal } from '../../../pipelines/execution/reasons.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { DeskAlert } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { Evidence, Invariant } from './evidence.ts';
import { without } from './spans.ts';
import { RECOMPUTED, type Stall, stallsOf } from './stalls.ts';
import { isCalibrationWorse } from './worse-calibrations.ts';
import { blindSpans, forgottenSpans } from './watch-sight.ts';

/** Alerts that rightly stand after a run, where they are true: something happened that only a person settles, and the plan has no such person. */
const SETTLED_BY_PEOPLE: ReadonlySet<string> = new Set([
  'dead_letters',
  'unknown_reports',
  'order_set_aside',
  'winner_held',
  'calibration_worse',
  'orders_refused',
]);

/** Every fault is over by then. Unit: milliseconds before the end of a run. */
const HEALED_MS = 60 * 60_000;

/** Long enough that whoever watches sees it, with a restart of the watch in between. Unit: milliseconds. */
const SEEN_WITHIN_MS = 4 * 60_000;

/** A watch that nothing disturbs evaluates every ten seconds, and writes what it found at once. Unit: milliseconds. */
const RAISED_WITHIN_MS = 45_000;

/** An evaluation rests on what was read before it, and one that a fault held up is written once it goes on. Unit: milliseconds. */
const HELD_UP_MS = 4 * 60_000;

export const ALERT_INVARIANTS = [
  {
    name: 'stalls_have_alerts',
    says: 'While something stands still beyond its limit, its alert stands, wherever the watch can see.',
    *breaches(evidence) {
      const blind = blindSpans(evidence);
      const alerts = Alerts.of(evidence);
      for (const stall of stallsOf(evidence)) {
        if (!stall.isSure) continue;
        for (const { from, until } of without(stall, [
          ...blind,
          ...forgottenSpans(evidence, stall.restsOn ?? Infinity),
        ])) {
          const missing = alerts.firstMissing(stall.name, from + RAISED_WITHIN_MS, until);
          if (missing === null) continue;
          yield `${stall.name} does not stand at ${missing - evidence.startedAt} ms: ${described(stall, evidence)}`;
          break;
        }
      }
    },
  },
  {
    name: 'alerts_are_true',
    says: 'No alert is raised of which the topics and the exchange know nothing.',
    *breaches(evidence) {
      const stalls = Map.groupBy(stallsOf(evidence), ({ name }) => name);
      for (const { record, at } of evidence.sorted(TOPICS.deskAlert.name).good) {
        const { name, state, evidence: says } = record;
        if (state !== 'RAISED' || !RECOMPUTED.has(name)) continue;
        const raisedAt = evidence.raw.writtenAt(at);
        const known = stalls.get(name) ?? [];
        if (known.some(({ from, until }) => from <= raisedAt && raisedAt <= until + HELD_UP_MS)) continue;
        yield `${name} was raised at ${raisedAt - evidence.startedAt} ms, and nothing stands still: ${says}`;
      }
    },
  },
  {
    name: 'alerts_end',
    says: 'Once all is healed, no alert stands but a true one that only a person settles.',
    *breaches(evidence) {
      const last = evidence.endedAt - RAISED_WITHIN_MS;
      const standing = new Set(
        stallsOf(evidence)
          .filter(({ until }) => until > last)
          .map(({ name }) => name),
      );
      if (isCalibrationWorse(evidence)) standing.add('calibration_worse');
      // Where the policy wants no further order, the last one stays refused; one that is refused now is no leftover.
      if (isRefusedSince(evidence, evidence.endedAt - HEALED_MS)) standing.delete('orders_refused');
      const overtakes = evidence.plan.faults.some(({ kind }) => kind === 'retention');
      for (const alert of latest(evidence).values()) {
        const { name, state, since } = alert;
        if (state !== 'RAISED' || (SETTLED_BY_PEOPLE.has(name) && standing.has(name))) continue;
        if (name === 'records_never_read' && overtakes) continue;
        yield `${name} stands since ${since - evidence.startedAt} ms: ${alert.evidence}`;
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

/** What stood when, by the records of desk.alert. */
class Alerts {
  /** By name, in the order of time: whether any of it stands from then on. */
  readonly #changes = new Map<string, { readonly at: EpochMillis; readonly stands: boolean }[]>();

  static of(evidence: Evidence): Alerts {
    const alerts = new Alerts();
    const standing = new Map<string, Set<string>>();
    const records = evidence
      .sorted(TOPICS.deskAlert.name)
      .good.map(({ record, at }) => ({ record, at: evidence.raw.writtenAt(at) }));
    for (const { record, at } of records.toSorted((one, other) => one.at - other.at)) {
      const { name, state } = record;
      const keys = standing.get(name) ?? new Set();
      standing.set(name, keys);
      if (state === 'RAISED') keys.add(keyOf(record));
      else keys.delete(keyOf(record));
      const changes = alerts.#changes.get(name) ?? [];
      alerts.#changes.set(name, [...changes, { at, stands: keys.size > 0 }]);
    }
    return alerts;
  }

  /** The first moment of a span at which no alert of that name stands; null where one always does. */
  firstMissing(name: string, from: EpochMillis, until: EpochMillis): EpochMillis | null {
    if (from >= until) return null;
    const changes = this.#changes.get(name) ?? [];
    if (changes.findLast(({ at }) => at <= from)?.stands !== true) return from;
    return changes.find(({ at, stands }) => at > from && at < until && !stands)?.at ?? null;
  }
}

function described({ what, from, until }: Stall, { startedAt }: Evidence): string {
  return `${what}, from ${from - startedAt} to ${until - startedAt} ms`;
}

function isRefusedSince(evidence: Evidence, from: EpochMillis): boolean {
  return evidence
    .good(TOPICS.executionReport.name)
    .some(({ reason, reported_at: at }) => at >= from && isRefusal(reason));
}

function latest(evidence: Evidence): ReadonlyMap<string, DeskAlert> {
  return new Map(evidence.good(TOPICS.deskAlert.name).map((alert) => [keyOf(alert), alert]));
}

function keyOf({ scope, name }: DeskAlert): string {
  return `${scope}:${name}`;
}
