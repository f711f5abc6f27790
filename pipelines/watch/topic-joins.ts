import type {
  EpochMillis,
  ExecutionReport,
  ExecutionStatus,
  IntentId,
  PositionId,
} from '../../schemas/generated/records.ts';
import type { AccountWatermarks } from './account-watermarks.ts';

interface Entry {
  /** Its watermark tells how long it waits. */
  readonly account: string;
  readonly at: EpochMillis;
  readonly answered: boolean;
}

export interface Late {
  readonly count: number;
  /** When the oldest was asked, and for how long it waits. */
  readonly since: EpochMillis;
  readonly waitsMs: number;
  /** The oldest ones, oldest first. */
  readonly ids: readonly string[];
}

/**
 * What one topic asks and another answers, joined by an id.
 *
 * U1  The order in which both come, and how often, changes nothing: an answer may come first.
 * U2  What was not answered is kept until it is. Of what was answered, memory holds the latest span of event time: `forget` gives up
 *     the rest.
 */
export class PendingJoin {
  readonly #entries = new Map<string, Entry>();

  asked(id: string, { account }: Pick<Entry, 'account'>, at: EpochMillis): void {
    const known = this.#entries.get(id);
    if (known === undefined || (!known.answered && at < known.at))
      this.#entries.set(id, { account, at, answered: false });
  }

  answered(id: string, { account }: Pick<Entry, 'account'>, at: EpochMillis): void {
    if (this.#entries.get(id)?.answered !== true) this.#entries.set(id, { account, at, answered: true });
  }

  /** It was asked, and not answered. */
  waits(id: string): boolean {
    return this.#entries.get(id)?.answered === false;
  }

  /** Those that wait longer than `within`; null without any. */
  late(watermarks: AccountWatermarks, within: number, named: number): Late | null {
    const late: { id: string; at: EpochMillis; waitsMs: number }[] = [];
    for (const [id, { account, at, answered }] of this.#entries) {
      if (answered) continue;
      const waitsMs = watermarks.of(account) - at;
      if (waitsMs > within) late.push({ id, at, waitsMs });
    }
    const oldestFirst = late.toSorted((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
    const [oldest] = oldestFirst;
    if (oldest === undefined) return null;
    const ids = oldestFirst.slice(0, named).map(({ id }) => id);
    return { count: late.length, since: oldest.at, waitsMs: oldest.waitsMs, ids };
  }

  /** U2. */
  forget(before: (account: string) => EpochMillis): void {
    for (const [id, { account, at, answered }] of this.#entries) {
      if (answered && at < before(account)) this.#entries.delete(id);
    }
  }

  get size(): number {
    return this.#entries.size;
  }
}

interface KnownIntent {
  /** Null: only its report was seen yet. */
  at: EpochMillis | null;
  report: Pick<ExecutionReport, 'status' | 'reason'> | null;
  reportAt: EpochMillis | null;
}

interface Kept {
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

/**
 * What was wanted of each position of late, and what became of it.
 *
 * I1  Intents and reports may come in any order and again; of the reports on an intent the terminal one counts.
 */
export class IntentTally {
  readonly #positions = new Map<PositionId, Kept>();
  /** The latest intent of an account that was given up. */
  readonly #forgottenAt = new Map<string, EpochMillis>();

  intent(position: PositionId, account: string, id: IntentId, at: EpochMillis): void {
    const known = this.#of(position, account, id);
    known.at = Math.min(known.at ?? at, at);
  }

  report({ position_id, account, intent_id, status, reason }: ExecutionReport, at: EpochMillis): void {
    const known = this.#of(position_id, account, intent_id);
    known.reportAt = at;
    if (known.report === null || known.report.status === 'SUBMITTED') known.report = { status, reason };
  }

  /** Those of a position from `since` to `until`. */
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

  /** The latest intent of an account up to `until`; null where none is known. */
  latestAt(account: string, until: EpochMillis): EpochMillis | null {
    let latest = this.#forgottenAt.get(account) ?? -Infinity;
    for (const kept of this.#positions.values()) {
      if (kept.account !== account) continue;
      for (const { at } of kept.intents.values()) if (at !== null && at <= until) latest = Math.max(latest, at);
    }
    return latest === -Infinity ? null : latest;
  }

  /** Gives up what came before. */
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

  #of(position: PositionId, account: string, id: IntentId): KnownIntent {
    let kept = this.#positions.get(position);
    if (kept === undefined) this.#positions.set(position, (kept = { account, intents: new Map() }));
    let known = kept.intents.get(id);
    if (known === undefined) kept.intents.set(id, (known = { at: null, report: null, reportAt: null }));
    return known;
  }
}
