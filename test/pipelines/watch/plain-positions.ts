/** What the watch keeps up to date, counted anew from all records each time it is asked for: slow, and plain to see. */
import { type Progress, Series } from '../../../pipelines/watch/account-watermarks.ts';
import type { SilentFeed } from '../../../pipelines/watch/silence.ts';
import type { StallLimits } from '../../../pipelines/watch/stall-limits.ts';
import type {
  OpenPosition,
  UnobservedPosition,
  WatchedPositions,
  Winner,
} from '../../../pipelines/watch/watched-positions.ts';
import type { PositionId } from '../../../schemas/generated/records.ts';

export type Observation = Parameters<WatchedPositions['observed']>[1];

const INTERVALS_KEPT = 8;
const TRADES_KEPT = 4;

export function plainWatermark(series: readonly Progress[], leapMs: number): number {
  const newestFirst = series
    .flatMap(({ last, confirmed }) => (last === null ? [] : [{ at: last.at, confirmed }]))
    .toSorted((one, other) => other.at - one.at);
  const agreed = newestFirst.find(({ confirmed }) => confirmed)?.at;
  const near = (at: number, index: number): boolean =>
    agreed === undefined ? at - (newestFirst[index + 1]?.at ?? -Infinity) <= leapMs : at - agreed <= leapMs;
  return (newestFirst.find(({ at }, index) => near(at, index)) ?? newestFirst.at(-1))?.at ?? -Infinity;
}

interface PlainPosition {
  readonly id: PositionId;
  readonly account: string;
  readonly series: Series<Observation>;
  /** The accepted observations, oldest first. */
  readonly accepted: Observation[];
  readonly trades: number[];
  closedAt: number | null;
}

export class PlainPositions {
  readonly #limits: StallLimits;
  #positions: PlainPosition[] = [];

  constructor(limits: StallLimits) {
    this.#limits = limits;
  }

  observed(id: PositionId, observation: Observation): void {
    const { series, accepted } = this.#of(id, observation.account);
    accepted.push(...series.add(observation));
  }

  traded(id: PositionId, account: string, at: number): void {
    this.#of(id, account).trades.push(at);
  }

  closed(id: PositionId, account: string, at: number): void {
    const position = this.#of(id, account);
    position.closedAt = Math.min(position.closedAt ?? at, at);
  }

  forget(before: (account: string) => number): void {
    this.#positions = this.#positions.filter(({ account, series: { last }, trades, closedAt }) => {
      const latest = Math.max(last?.at ?? -Infinity, closedAt ?? -Infinity, ...trades);
      return (last !== null && closedAt === null) || latest >= before(account);
    });
  }

  watermark(account: string): number {
    const series = this.#positions.filter((one) => one.account === account).map((one) => one.series);
    return plainWatermark(series, this.#limits.leap);
  }

  open(): readonly OpenPosition[] {
    return this.#positions.flatMap(({ id, account, series: { last, ahead }, closedAt }) => {
      if (last === null || closedAt !== null) return [];
      const { symbol, side, r, source, at: seenAt } = last;
      return [{ position_id: id, account, symbol, side, r, source, seenAt, aheadAt: ahead?.at ?? null }];
    });
  }

  usualInterval(account: string): number | null {
    const intervals = this.#positions
      .filter((one) => one.account === account)
      .flatMap(({ accepted }) => {
        const run = this.#consecutive(accepted);
        return run
          .slice(1)
          .map(({ at }, i) => at - (run[i]?.at ?? 0))
          .slice(-INTERVALS_KEPT);
      })
      .toSorted((one, other) => one - other);
    return intervals[Math.floor(intervals.length / 2)] ?? null;
  }

  winners(): readonly Winner[] {
    const { leap, winnerAboveR } = this.#limits;
    const open = this.open();
    return this.#positions
      .flatMap(({ id, account, series: { last, ahead }, accepted, trades, closedAt }) => {
        if (last === null || closedAt !== null || last.r <= winnerAboveR) return [];
        const run = this.#consecutive(accepted);
        const heldFrom = run.findLastIndex(({ r }) => r <= winnerAboveR) + 1;
        const others = open.filter((other) => other.account === account && other.position_id !== id);
        const resumed =
          others.length === 0 ||
          others.some(({ seenAt, aheadAt }) => Math.abs((aheadAt ?? seenAt) - (ahead?.at ?? Infinity)) <= leap);
        const paused = ahead !== null && ahead.r > winnerAboveR && this.#isConsecutive(last, ahead) && resumed;
        const { r, at: seenAt, opened_at } = paused ? ahead : last;
        const latestTrades = [...new Set(trades)].toSorted((one, other) => other - one).slice(0, TRADES_KEPT);
        const since = Math.max(
          run[heldFrom]?.at ?? Number.NaN,
          latestTrades.find((at) => at <= seenAt + leap) ?? -Infinity,
        );
        return [{ position_id: id, account, r, seenAt, since, atLeast: since === run[0]?.at && opened_at < since }];
      })
      .toSorted(
        (one, other) =>
          other.seenAt - other.since - (one.seenAt - one.since) || (one.position_id < other.position_id ? -1 : 1),
      );
  }

  unobserved(activeAt: (account: string) => number): readonly UnobservedPosition[] {
    const { leap, unobservedFor } = this.#limits;
    return this.open()
      .flatMap(({ position_id, account, source, r, seenAt, aheadAt }) => {
        const active = activeAt(account);
        const observedAt = aheadAt !== null && aheadAt <= active + leap ? Math.max(seenAt, aheadAt) : seenAt;
        const others = this.watermark(account) - observedAt > unobservedFor;
        const gone = active - observedAt > unobservedFor;
        return gone ? [{ position_id, account, source, r, seenAt, activeAt: active, others }] : [];
      })
      .toSorted((one, other) => one.seenAt - other.seenAt || (one.position_id < other.position_id ? -1 : 1));
  }

  silentFeeds(
    activeAt: (account: string) => number,
    now: number | null,
    cameAt: ReadonlyMap<string, number>,
  ): readonly SilentFeed[] {
    const { leap, unobservedFor, silentCycles, silentAtLeast, silentAtMost } = this.#limits;
    return [...Map.groupBy(this.open(), ({ account }) => account)]
      .flatMap(([account, open]) => {
        const accountNow = Math.max(now ?? -Infinity, activeAt(account));
        const timed = open.map((one) => ({
          ...one,
          at: Math.max(...[-Infinity, one.seenAt, one.aheadAt ?? one.seenAt].filter((at) => at <= accountNow + leap)),
        }));
        const since = Math.max(this.watermark(account), ...timed.map(({ at }) => at));
        const lately = timed.filter(({ at }) => since - at <= unobservedFor);
        const came = cameAt.get(account);
        const silentMs = now === null || came === undefined ? accountNow - since : now - came;
        const usualMs = this.usualInterval(account);
        const limit =
          usualMs === null ? unobservedFor : Math.min(silentAtMost, Math.max(silentAtLeast, silentCycles * usualMs));
        const [first] = lately;
        if (first === undefined || silentMs <= limit) return [];
        const positions = lately.map((one) => one.position_id).toSorted();
        return [{ account, source: first.source, since, silentMs, usualMs, positions }];
      })
      .toSorted((one, other) => other.silentMs - one.silentMs || (one.account < other.account ? -1 : 1));
  }

  /** The latest of them that follow each other. */
  #consecutive(accepted: readonly Observation[]): readonly Observation[] {
    const breaks = accepted.findLastIndex((next, i) => {
      const before = accepted[i - 1];
      return before === undefined || !this.#isConsecutive(before, next);
    });
    return accepted.slice(breaks);
  }

  #isConsecutive(before: Observation, next: Observation): boolean {
    return next.at >= before.at && next.at - before.at <= this.#limits.keptFor;
  }

  #of(id: PositionId, account: string): PlainPosition {
    let position = this.#positions.find((one) => one.id === id);
    if (position === undefined) {
      const series = new Series<Observation>(this.#limits.leap);
      position = { id, account, series, accepted: [], trades: [], closedAt: null };
      this.#positions.push(position);
    }
    return position;
  }
}
