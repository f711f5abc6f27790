import type { EpochMillis } from '../../schemas/generated/records.ts';
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
