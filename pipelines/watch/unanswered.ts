import type { EpochMillis } from '../../schemas/generated/records.ts';

interface Entry {
  readonly at: EpochMillis;
  readonly answered: boolean;
}

export interface Late {
  /** All that are late, forgotten ones too. */
  readonly count: number;
  /** The oldest that is still known. */
  readonly since: EpochMillis;
  /** The oldest ones, oldest first. */
  readonly ids: readonly string[];
}

/**
 * What one topic asks and another answers, joined by an id.
 *
 * U1  The order in which both come, and how often, changes nothing: an answer may come first.
 * U2  Memory holds what came within a span of event time; `forget` gives up the rest, and counts what was not answered.
 */
export class Unanswered {
  readonly #entries = new Map<string, Entry>();
  #forgotten = 0;

  asked(id: string, at: EpochMillis): void {
    const known = this.#entries.get(id);
    if (known === undefined || (!known.answered && at < known.at)) this.#entries.set(id, { at, answered: false });
  }

  answered(id: string, at: EpochMillis): void {
    if (this.#entries.get(id)?.answered !== true) this.#entries.set(id, { at, answered: true });
  }

  /** Those asked before `before` and not answered; null without any. */
  late(before: EpochMillis, named: number): Late | null {
    const late = [...this.#entries].filter(([, { at, answered }]) => !answered && at < before);
    const oldestFirst = late.toSorted(([id, one], [otherId, other]) => one.at - other.at || (id < otherId ? -1 : 1));
    const [oldest] = oldestFirst;
    if (oldest === undefined) return null;
    return {
      count: late.length + this.#forgotten,
      since: oldest[1].at,
      ids: oldestFirst.slice(0, named).map(([id]) => id),
    };
  }

  /** U2. */
  forget(before: EpochMillis): void {
    for (const [id, { at, answered }] of this.#entries) {
      if (at >= before) continue;
      this.#entries.delete(id);
      if (!answered) this.#forgotten += 1;
    }
  }

  get size(): number {
    return this.#entries.size;
  }
}
