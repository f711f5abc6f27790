/** Positions of which nothing is decided: held winners, positions that nobody observes, and a feed that has ended. */
import { STALL_LIMITS } from '../../../pipelines/watch/stall-limits.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { Evidence } from './evidence.ts';
import { type BookedPosition, booked } from './position-invariants.ts';
import type { Span } from './spans.ts';
import type { Stall } from './stalls.ts';
import { snapshotsLeftFrom } from './watch-sight.ts';

/** The risk of a position without a stop. Unit: fraction of the entry price. */
const RISK_WITHOUT_STOP = 0.02;

/** What a median may be off by where intervals differ. */
const LIMIT_SLACK = 1.2;

interface Observed {
  readonly snapshot: PositionSnapshot;
  readonly timestamp: EpochMillis;
  readonly writtenAt: EpochMillis;
}

/** A position as the topics have it, beside what the exchange knows of it. */
interface KnownPosition {
  readonly id: string;
  readonly observations: readonly Observed[];
  /** When its end was on record; Infinity where it is not. */
  readonly closedAt: EpochMillis;
  /** When it ended at the exchange; Infinity where it has not, -Infinity where the exchange never had it. */
  readonly goneAt: EpochMillis;
  /** In the order in which they were written. */
  readonly trades: readonly { readonly timestamp: EpochMillis; readonly writtenAt: EpochMillis }[];
}

export function* stallsOfPositions(evidence: Evidence): Iterable<Stall> {
  const positions = knownPositions(evidence);
  for (const position of positions) yield* heldWinners(position, evidence.endedAt);
  yield* ceased(positions, evidence);
  yield* silentFeeds(positions, evidence);
}

/** Above the profit that a policy should take, and nothing was closed for longer than the limit. */
function* heldWinners(
  { id, observations, trades, closedAt, goneAt }: KnownPosition,
  endedAt: EpochMillis,
): Iterable<Stall> {
  let since: EpochMillis | null = null;
  for (const [place, { snapshot, timestamp, writtenAt }] of observations.entries()) {
    since = rOf(snapshot) > STALL_LIMITS.winnerAboveR.value ? (since ?? timestamp) : null;
    if (since === null) continue;
    const before = trades.filter((trade) => trade.writtenAt <= writtenAt);
    const tradedAt = before.reduce((latest, trade) => Math.max(latest, trade.timestamp), -Infinity);
    const heldFrom = timestamp - STALL_LIMITS.heldFor.value;
    if (Math.max(since, tradedAt) >= heldFrom) continue;
    const restsOn = observations.findLast((one) => one.timestamp < heldFrom)?.writtenAt ?? -Infinity;
    const next = observations[place + 1]?.writtenAt ?? endedAt;
    const until = Math.min(next, closedAt, trades[before.length]?.writtenAt ?? Infinity);
    const what = `${id}, a winner since ${since}`;
    if (writtenAt < until)
      yield { name: 'winner_held', what, from: writtenAt, until, isSure: goneAt >= until, restsOn };
  }
}

/** By the prices of a snapshot: profit over the risk that the position was opened with. */
function rOf({ side, entry_price: entry, mark_price: mark, initial_stop_price: stop, dust }: PositionSnapshot): number {
  if (dust === true) return 0;
  const profit = side === 'LONG' ? mark - entry : entry - mark;
  return profit / (stop === null ? entry * RISK_WITHOUT_STOP : Math.abs(entry - stop));
}

/** Open, and not observed for longer than the limit, although the account or its models go on. */
function* ceased(positions: readonly KnownPosition[], evidence: Evidence): Iterable<Stall> {
  const active = [TOPICS.positionSnapshot.name, TOPICS.modelSignal.name]
    .flatMap((topic) => evidence.sorted(topic).good.map(({ at }) => at))
    .map((at) => ({ timestamp: at.timestamp, writtenAt: evidence.raw.writtenAt(at) }))
    .toSorted((one, other) => one.writtenAt - other.writtenAt);
  const limit = STALL_LIMITS.unobservedFor.value;
  for (const { id, observations, closedAt, goneAt } of positions) {
    for (const [place, { timestamp, writtenAt }] of observations.entries()) {
      const until = Math.min(observations[place + 1]?.writtenAt ?? evidence.endedAt, closedAt);
      if (until - writtenAt <= limit / 2) continue;
      const from = active.find((one) => one.timestamp - timestamp > limit)?.writtenAt ?? Infinity;
      const what = `${id}, observed last at ${timestamp}`;
      if (from < Math.min(until, goneAt))
        yield {
          name: 'snapshots_ceased',
          what,
          from,
          until: Math.min(until, goneAt),
          isSure: true,
          restsOn: writtenAt,
        };
      if (from < until) yield { name: 'snapshots_ceased', what, from, until, isSure: false };
    }
  }
}

/** No snapshot of any position for three usual intervals, and a minute at the least, while some are open. */
function* silentFeeds(positions: readonly KnownPosition[], evidence: Evidence): Iterable<Stall> {
  const { silentAtLeast, silentCycles, unobservedFor } = STALL_LIMITS;
  const all = positions
    .flatMap((position) => position.observations)
    .toSorted((one, other) => one.writtenAt - other.writtenAt);
  for (const [place, { writtenAt, timestamp }] of all.entries()) {
    const next = all[place + 1]?.writtenAt ?? evidence.endedAt;
    if (next - writtenAt <= silentAtLeast.value) continue;
    const open = positions.filter(
      ({ observations, closedAt }) => (observations[0]?.writtenAt ?? Infinity) <= writtenAt && closedAt > writtenAt,
    );
    const interval = usualInterval(positions, { from: -Infinity, until: writtenAt });
    // A watch that started again may have seen fewer, and not the usual ones.
    const seen = usualInterval(positions, { from: snapshotsLeftFrom(evidence, writtenAt), until: writtenAt });
    const usual = Math.max(evidence.plan.cycleMs, interval);
    const sureFrom = writtenAt + LIMIT_SLACK * Math.max(silentAtLeast.value, silentCycles.value * usual);
    const sureUntil = open
      .filter(
        ({ observations }) =>
          timestamp - (lastBy(observations, writtenAt)?.timestamp ?? -Infinity) <= unobservedFor.value / 2,
      )
      .reduce((latest, { closedAt, goneAt }) => Math.max(latest, Math.min(closedAt, goneAt)), -Infinity);
    const until = open.reduce((latest, { closedAt }) => Math.max(latest, Math.min(next, closedAt)), -Infinity);
    const what = `no snapshot since ${timestamp}`;
    if (sureFrom < Math.min(next, sureUntil))
      yield {
        name: 'feed_silent',
        what,
        from: sureFrom,
        until: Math.min(next, sureUntil),
        isSure: true,
        restsOn: writtenAt,
      };
    const from = writtenAt + Math.max(silentAtLeast.value, silentCycles.value * Math.min(interval, seen)) / LIMIT_SLACK;
    if (from < until) yield { name: 'feed_silent', what, from, until, isSure: false };
  }
}

/** How many of the latest intervals of a position count. */
const LATEST = 8;

/** The median of the intervals at which positions were observed lately, by the snapshots that were written in a span. */
function usualInterval(positions: readonly KnownPosition[], { from, until }: Span): number {
  const intervals = positions.flatMap(({ observations }) => {
    const times = observations.filter(({ writtenAt }) => writtenAt >= from && writtenAt <= until).slice(-LATEST - 1);
    return times.slice(1).map(({ timestamp }, place) => timestamp - (times[place]?.timestamp ?? timestamp));
  });
  return (
    intervals.toSorted((one, other) => one - other)[Math.floor(intervals.length / 2)] ??
    STALL_LIMITS.unobservedFor.value
  );
}

function lastBy(observations: readonly Observed[], until: EpochMillis): Observed | undefined {
  return observations.findLast(({ writtenAt }) => writtenAt <= until);
}

function knownPositions(evidence: Evidence): readonly KnownPosition[] {
  const { raw } = evidence;
  const closed = closings(evidence);
  const books = new Map(booked(evidence).map((one) => [keyOf(one), one]));
  const trades = Map.groupBy(evidence.sorted(TOPICS.tradeClosed.name).good, ({ record }) => String(record.position_id));
  const byPosition = Map.groupBy(evidence.sorted(TOPICS.positionSnapshot.name).good, ({ record }) =>
    String(record.position_id),
  );
  return Array.from(byPosition, ([id, given]) => {
    // One that comes again, with the time of before, shows nothing new.
    const observations: Observed[] = [];
    for (const { record, at } of given)
      if (at.timestamp > (observations.at(-1)?.timestamp ?? -Infinity))
        observations.push({ snapshot: record, timestamp: at.timestamp, writtenAt: raw.writtenAt(at) });
    const [first] = given;
    const book =
      first === undefined
        ? undefined
        : books.get(`${first.record.symbol} ${first.record.side} ${first.record.opened_at}`);
    return {
      id,
      observations,
      closedAt: closed.get(id) ?? Infinity,
      goneAt: book === undefined ? -Infinity : (book.closedAt ?? Infinity),
      trades: (trades.get(id) ?? []).map(({ at }) => ({ timestamp: at.timestamp, writtenAt: raw.writtenAt(at) })),
    };
  });
}

function keyOf({ symbol, side, openedAt }: BookedPosition): string {
  return `${symbol} ${side} ${openedAt}`;
}

/** By position, when its end was first on record: by the last of its trades, a report that left nothing, or its final outcome. */
function closings(evidence: Evidence): ReadonlyMap<string, EpochMillis> {
  const ends = [
    ...evidence.sorted(TOPICS.tradeClosed.name).good.filter(({ record }) => record.remaining_quantity === 0),
    ...evidence
      .sorted(TOPICS.executionReport.name)
      .good.filter(({ record }) => record.status === 'FILLED' && record.remaining_quantity === 0),
    ...evidence.sorted(TOPICS.clmOutcome.name).good.filter(({ record }) => record.status === 'FINAL'),
  ];
  const first = new Map<string, EpochMillis>();
  for (const { record, at } of ends) {
    const id = record.position_id;
    first.set(id, Math.min(first.get(id) ?? Infinity, evidence.raw.writtenAt(at)));
  }
  return first;
}
