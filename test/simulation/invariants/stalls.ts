/**
 * When a desk stood still in a way that has an alert, found again from the raw topics and the exchange's own books: slow, plain, and without
 * any code of the watch. Limits are those that the program promises (pipelines/watch/stall-limits.ts).
 */
import { isRefusal } from '../../../pipelines/execution/reasons.ts';
import { STALL_LIMITS } from '../../../pipelines/watch/stall-limits.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { ExecutionReport, RecordByTopic } from '../../../schemas/generated/records.ts';
import { TOPICS, type TopicName, allTopicSpecs, isDeadLetterTopic } from '../../../schemas/topics.ts';
import type { Evidence } from './evidence.ts';
import type { Span } from './spans.ts';
import { stallsOfPositions } from './position-stalls.ts';

/** A stall that is beyond its limit in the given span. */
export interface Stall extends Span {
  /** Of the alert that it has to have. */
  readonly name: string;
  readonly what: string;
  /** False: an alert is true, and not asked for, since what the watch knows and what is true may differ there. */
  readonly isSure: boolean;
  /** When the latest snapshot was written without which nobody can know of it; left out where it takes none. */
  readonly restsOn?: EpochMillis;
}

/** All alerts that are found again here. */
export const RECOMPUTED: ReadonlySet<string> = new Set([
  'halted',
  'dead_letters',
  'unknown_reports',
  'order_set_aside',
  'orders_refused',
  'intents_without_reports',
  'reports_without_trades',
  'trades_without_outcomes',
  'winner_held',
  'snapshots_ceased',
  'feed_silent',
]);

/** An order counts as refused again and again from the second on (WAT-7). Unit: orders. */
const REFUSED_IN_A_ROW = 2;

/** A watch reads what is written within that, and evaluates as often. Unit: milliseconds. */
const WATCH_READS_WITHIN_MS = 15_000;

const found = new WeakMap<Evidence, readonly Stall[]>();

/** Found once, for all invariants that ask. */
export function stallsOf(evidence: Evidence): readonly Stall[] {
  const known = found.get(evidence) ?? findStalls(evidence);
  found.set(evidence, known);
  return known;
}

function findStalls(evidence: Evidence): readonly Stall[] {
  return [
    ...halts(evidence),
    ...letters(evidence),
    ...unknownOrders(evidence),
    ...refusals(evidence),
    ...unanswered(evidence),
    ...stallsOfPositions(evidence),
  ];
}

/** People are sure of a halt once it is acknowledged; on record it is before that, and until a command lifts it. */
function* halts(evidence: Evidence): Iterable<Stall> {
  const { halted, raw, endedAt } = evidence;
  for (const { from, until } of halted)
    yield { name: 'halted', what: 'a halt', from, until: until ?? endedAt, isSure: true };
  const commands = evidence.sorted(TOPICS.deskControl.name).good;
  for (const [scope, given] of Map.groupBy(commands, ({ record }) => record.scope)) {
    for (const [place, { record, at }] of given.entries()) {
      if (record.command !== 'HALT') continue;
      const lifted = given.slice(place).find((one) => one.record.command === 'RESUME');
      const until = lifted === undefined ? endedAt : raw.writtenAt(lifted.at);
      yield { name: 'halted', what: `a halt of ${scope}`, from: raw.writtenAt(at), until, isSure: false };
    }
  }
}

/** Nobody in a world retries or discards a letter. */
function* letters({ raw, endedAt }: Evidence): Iterable<Stall> {
  for (const { name: topic } of allTopicSpecs()) {
    if (!isDeadLetterTopic(topic)) continue;
    const [first] = raw
      .records(topic)
      .flat()
      .map((letter) => raw.writtenAt(letter))
      .toSorted((one, other) => one - other);
    if (first !== undefined)
      yield { name: 'dead_letters', what: `a letter in ${topic}`, from: first, until: endedAt, isSure: true };
  }
}

/** An order of unknown fate, until a trade of it is recorded. */
function* unknownOrders(evidence: Evidence): Iterable<Stall> {
  const trades = firstTimes(evidence, TOPICS.tradeClosed.name, ({ client_order_id: id }) => (id === null ? [] : [id]));
  for (const { record, at } of evidence.sorted(TOPICS.executionReport.name).good) {
    const { status, reason, client_order_id: id } = record;
    if (status !== 'UNKNOWN') continue;
    const span = { from: evidence.raw.writtenAt(at), until: trades.get(id) ?? evidence.endedAt };
    const what = `order ${id} of unknown fate`;
    yield { name: 'unknown_reports', what, ...span, isSure: true };
    if (reason === 'ORDER_SET_ASIDE') yield { name: 'order_set_aside', what, ...span, isSure: true };
  }
}

/** Positions of which the exchange refused two orders in a row, until something else is reported of them or they are closed on record. */
function* refusals(evidence: Evidence): Iterable<Stall> {
  const { raw, endedAt } = evidence;
  const closed = firstTimes(evidence, TOPICS.tradeClosed.name, ({ position_id: id, remaining_quantity: left }) =>
    left === 0 ? [id] : [],
  );
  const reports = evidence.sorted(TOPICS.executionReport.name).good;
  for (const [position, all] of Map.groupBy(reports, ({ record }) => record.position_id)) {
    let refused = new Set<string>();
    let since: EpochMillis | null = null;
    const stall = (until: EpochMillis): readonly Stall[] =>
      since === null
        ? []
        : [{ name: 'orders_refused', what: `orders of ${position}`, from: since, until, isSure: true }];
    const closedAt = closed.get(position) ?? endedAt;
    for (const { record, at } of all) {
      const writtenAt = raw.writtenAt(at);
      if (writtenAt >= closedAt) break;
      if (isRefusal(record.reason) || record.reason === 'ABOVE_MAX_NOTIONAL') {
        refused.add(record.client_order_id);
        if (refused.size >= REFUSED_IN_A_ROW || record.reason === 'ABOVE_MAX_NOTIONAL') since ??= writtenAt;
      } else if (ends(record)) {
        yield* stall(writtenAt);
        [refused, since] = [new Set<string>(), null];
      }
    }
    yield* stall(closedAt);
  }
}

function ends({ status, remaining_quantity: remaining }: ExecutionReport): boolean {
  return status === 'FILLED' || status === 'UNKNOWN' || remaining === 0;
}

/** Records that have to be answered by another one, measured by the latest snapshot: a desk that nobody observes is not late. */
function* unanswered(evidence: Evidence): Iterable<Stall> {
  const { raw, endedAt } = evidence;
  const snapshots = evidence
    .sorted(TOPICS.positionSnapshot.name)
    .good.map(({ at }) => ({ timestamp: at.timestamp, writtenAt: raw.writtenAt(at) }))
    .toSorted((one, other) => one.writtenAt - other.writtenAt);
  const reports = evidence.sorted(TOPICS.executionReport.name).good;
  const { reportWithin, tradeWithin, outcomeWithin } = STALL_LIMITS;
  const questions = [
    {
      name: 'intents_without_reports',
      within: reportWithin.value,
      asked: evidence.sorted(TOPICS.harvestIntent.name).good.map(({ record, at }) => [record.intent_id, at] as const),
      answers: firstTimes(evidence, TOPICS.executionReport.name, ({ intent_id: id }) => [id]),
    },
    {
      name: 'reports_without_trades',
      within: tradeWithin.value,
      asked: reports.flatMap(({ record, at }) =>
        record.status === 'FILLED' ? [[record.client_order_id, at] as const] : [],
      ),
      answers: firstTimes(evidence, TOPICS.tradeClosed.name, ({ client_order_id: id }) => (id === null ? [] : [id])),
    },
    {
      name: 'trades_without_outcomes',
      within: outcomeWithin.value,
      asked: evidence.sorted(TOPICS.tradeClosed.name).good.map(({ record, at }) => [record.trade_id, at] as const),
      answers: firstTimes(evidence, TOPICS.clmOutcome.name, ({ slices }) => slices),
    },
  ];
  for (const { name, within, asked, answers } of questions) {
    const seen = new Set<string>();
    for (const [id, at] of asked) {
      if (seen.has(id)) continue;
      seen.add(id);
      const until = answers.get(id) ?? endedAt;
      const writtenAt = raw.writtenAt(at);
      // No snapshot that shows it as late can have come before.
      if (until - writtenAt <= within / 2) continue;
      const late = snapshots.find(({ timestamp }) => timestamp - at.timestamp > within);
      const from = Math.max(late?.writtenAt ?? Infinity, writtenAt);
      // A watch that reads it as it is written waits as long by its own clock (WAT-23); one that starts later does not.
      const sureFrom = Math.max(from, writtenAt + within + WATCH_READS_WITHIN_MS);
      if (sureFrom < until) yield { name, what: id, from: sureFrom, until, isSure: true, restsOn: from };
      if (from < until) yield { name, what: id, from, until, isSure: false };
    }
  }
}

/** By id, when the first record that has it was written. */
function firstTimes<N extends TopicName>(
  evidence: Evidence,
  topic: N,
  idsOf: (record: RecordByTopic[N]) => readonly string[],
): ReadonlyMap<string, EpochMillis> {
  const first = new Map<string, EpochMillis>();
  for (const { record, at } of evidence.sorted(topic).good) {
    const writtenAt = evidence.raw.writtenAt(at);
    for (const id of idsOf(record)) first.set(id, Math.min(first.get(id) ?? Infinity, writtenAt));
  }
  return first;
}
