/** The fills of one symbol that are recorded as reductions, so that none is recorded again (SNA-7). */
import type { EpochMillis } from '../../ports/clock.ts';
import type { FillId, Reduction } from '../../schemas/generated/records.ts';
import { LONGEST_REACH_DAYS } from './fill-history.ts';

/** No older fill is read again. Unit: milliseconds. */
const KEPT_MS = LONGEST_REACH_DAYS * 24 * 60 * 60 * 1000;

export class RecordedFills {
  /** With the time of the record, oldest first. */
  readonly #recordedAt = new Map<FillId, EpochMillis>();

  has(id: FillId): boolean {
    return this.#recordedAt.has(id);
  }

  /** Reductions were recorded at that time. */
  note(reductions: readonly Reduction[], at: EpochMillis): void {
    for (const { fill_id } of reductions) this.#recordedAt.set(fill_id, at);
    for (const [id, recordedAt] of this.#recordedAt) {
      if (recordedAt > at - KEPT_MS) return;
      this.#recordedAt.delete(id);
    }
  }
}
