import type {
  EpochMillis,
  ExecutionReport,
  ExecutionStatus,
  IntentId,
  PositionId,
} from '../../schemas/generated/records.ts';

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
