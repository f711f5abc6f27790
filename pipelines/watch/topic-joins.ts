/**
 * Joins of topics in memory, for alerts about what has no answer: `PendingJoin` by the id of a question (an intent and its report, a fill
 * and its trade, a trade and its outcome), `IntentTally` by position (its intents and what became of them).
 *
 * WAT-12  Questions and answers may come in any order and more than once: an answer may come first.
 * WAT-13  A question without an answer is kept until it has one. Answered ones are kept for the latest stretch of event time; `forget`
 *         drops the rest.
 * WAT-14  Of several reports on an intent the terminal one counts.
 * WAT-23  Where the log is written live, a question is late only once it has waited as long by the reader's clock, too. Scoring that comes back
 *         after an outage gives its intents the times of their snapshots: they look old when they are written.
 */
import type {
  EpochMillis,
  ExecutionReport,
  ExecutionStatus,
  IntentId,
  PositionId,
} from '../../schemas/generated/records.ts';
import type { AccountWatermarks } from './account-watermarks.ts';

interface Entry {
  /** How long it waits is measured by the watermark of this account. */
  readonly account: string;
  readonly at: EpochMillis;
}

interface Waiting extends Entry {
  /** WAT-23. When it came, by the reader's clock; null where it was there at the start, or where there is no such clock. */
  readonly cameAt: EpochMillis | null;
}

/** Questions that have waited too long for an answer. */
export interface LateAnswers {
  readonly count: number;
  /** The oldest: when it was asked, and how long it has waited. */
  readonly since: EpochMillis;
  readonly waitsMs: number;
  /** The ids of the oldest, oldest first. */
  readonly ids: readonly string[];
}

export class PendingJoin {
  /** Apart, since they are few, and looked at whenever alerts are evaluated. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #answered = new Map<string, Entry>();

  asked(id: string, { account }: Pick<Entry, 'account'>, at: EpochMillis, cameAt: EpochMillis | null): void {
    if (this.#answered.has(id)) return;
    const known = this.#waiting.get(id);
    if (known === undefined) this.#waiting.set(id, { account, at, cameAt });
    else if (at < known.at) this.#waiting.set(id, { account, at, cameAt: known.cameAt });
  }

  answered(id: string, { account }: Pick<Entry, 'account'>, at: EpochMillis): void {
    this.#waiting.delete(id);
    if (!this.#answered.has(id)) this.#answered.set(id, { account, at });
  }

  /** The question was asked and has no answer. */
  waits(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** The questions that have waited longer than `within`, `named` of them by id; null without any. `now`: the reader's clock (WAT-23). */
  late(watermarks: AccountWatermarks, within: number, named: number, now: EpochMillis | null): LateAnswers | null {
    const late: { id: string; at: EpochMillis; waitsMs: number }[] = [];
    for (const [id, { account, at, cameAt }] of this.#waiting) {
      const waitsMs = watermarks.of(account) - at;
      if (waitsMs <= within) continue;
      // A clock that was set back since tells nothing.
      const isNew = now !== null && cameAt !== null && now >= cameAt && now - cameAt <= within;
      if (!isNew) late.push({ id, at, waitsMs });
    }
    const oldestFirst = late.toSorted((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
    const [oldest] = oldestFirst;
    if (oldest === undefined) return null;
    const ids = oldestFirst.slice(0, named).map(({ id }) => id);
    return { count: late.length, since: oldest.at, waitsMs: oldest.waitsMs, ids };
  }

  /** WAT-13. */
  forget(before: (account: string) => EpochMillis): void {
    for (const [id, { account, at }] of this.#answered) if (at < before(account)) this.#answered.delete(id);
  }

  get size(): number {
    return this.#waiting.size + this.#answered.size;
  }
}

interface KnownIntent {
  /** Null while only its report is known. */
  at: EpochMillis | null;
  report: Pick<ExecutionReport, 'status' | 'reason'> | null;
  reportAt: EpochMillis | null;
}

interface PositionIntents {
  readonly account: string;
  readonly intents: Map<IntentId, KnownIntent>;
}

/** The intents of a position in a stretch of time. */
export interface Tally {
  readonly count: number;
  /** By status, the most first; null: no report yet. */
  readonly statuses: ReadonlyMap<ExecutionStatus | null, number>;
  readonly last: {
    readonly at: EpochMillis;
    readonly status: ExecutionStatus | null;
    readonly reason: string | null;
  } | null;
}

export class IntentTally {
  readonly #positions = new Map<PositionId, PositionIntents>();
  /** By account, the latest intent that `forget` dropped. */
  readonly #forgottenAt = new Map<string, EpochMillis>();
  /** By account, the latest intent of all, forgotten ones too (WAT-22). */
  readonly #newestAt = new Map<string, EpochMillis>();

  intent(position: PositionId, account: string, id: IntentId, at: EpochMillis): void {
    const kept = this.#of(position, account);
    const known = knownOf(kept, id);
    const before = known.at;
    if (before !== null && before <= at) return;
    known.at = at;
    const newest = this.#newestAt.get(kept.account) ?? -Infinity;
    // One that turns out to be older may have been the newest.
    this.#newestAt.set(kept.account, before === newest ? this.#scanned(kept.account, Infinity) : Math.max(newest, at));
  }

  report({ position_id, account, intent_id, status, reason }: ExecutionReport, at: EpochMillis): void {
    const known = knownOf(this.#of(position_id, account), intent_id);
    known.reportAt = at;
    // WAT-14.
    if (known.report === null || known.report.status === 'SUBMITTED') known.report = { status, reason };
  }

  /** The intents of a position from `since` to `until`. */
  of(position: PositionId, since: EpochMillis, until: EpochMillis): Tally {
    const counts = new Map<ExecutionStatus | null, number>();
    let count = 0;
    let last: (NonNullable<Tally['last']> & { readonly id: IntentId }) | null = null;
    for (const [id, { at, report }] of this.#positions.get(position)?.intents ?? []) {
      if (at === null || at < since || at > until) continue;
      const status = report?.status ?? null;
      count += 1;
      counts.set(status, (counts.get(status) ?? 0) + 1);
      if (last === null || at > last.at || (at === last.at && id > last.id))
        last = { id, at, status, reason: report?.reason ?? null };
    }
    const statuses = new Map([...counts].toSorted(([one, n], [other, m]) => m - n || (`${one}` < `${other}` ? -1 : 1)));
    return { count, statuses, last };
  }

  /** The time of the account's latest intent up to `until`; null where none is known. */
  latestAt(account: string, until: EpochMillis): EpochMillis | null {
    const newest = this.#newestAt.get(account) ?? -Infinity;
    const latest = newest <= until ? newest : this.#scanned(account, until);
    return latest === -Infinity ? null : latest;
  }

  /** The same, by a look at all of them: needed where one has a time that is ahead. -Infinity where none is known. */
  #scanned(account: string, until: EpochMillis): EpochMillis {
    let latest = this.#forgottenAt.get(account) ?? -Infinity;
    for (const kept of this.#positions.values()) {
      if (kept.account !== account) continue;
      for (const { at } of kept.intents.values()) if (at !== null && at <= until) latest = Math.max(latest, at);
    }
    return latest;
  }

  /** Drops the intents from before that time. */
  forget(before: (account: string) => EpochMillis): void {
    for (const [position, { account, intents }] of this.#positions) {
      const bound = before(account);
      for (const [id, { at, reportAt }] of intents) {
        if ((at ?? reportAt ?? -Infinity) >= bound) continue;
        if (at !== null) this.#forgottenAt.set(account, Math.max(this.#forgottenAt.get(account) ?? at, at));
        intents.delete(id);
      }
      if (intents.size === 0) this.#positions.delete(position);
    }
  }

  #of(position: PositionId, account: string): PositionIntents {
    let kept = this.#positions.get(position);
    if (kept === undefined) this.#positions.set(position, (kept = { account, intents: new Map() }));
    return kept;
  }
}

function knownOf({ intents }: PositionIntents, id: IntentId): KnownIntent {
  let known = intents.get(id);
  if (known === undefined) intents.set(id, (known = { at: null, report: null, reportAt: null }));
  return known;
}
