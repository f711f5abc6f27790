import type { EpochMillis } from '../../ports/clock.ts';
import type { IntentId } from '../../schemas/generated/records.ts';

const MINUTE_MS = 60_000;

/**
 * The orders announced in the last minute, by all partitions of a process. An order counts once, however often it is told of: a
 * restart reads it back from the reports. Other processes with the same keys count their own.
 */
export class CloseRate {
  readonly #announced = new Map<IntentId, EpochMillis>();

  announced(intentId: IntentId, submittedAt: EpochMillis): void {
    this.#announced.set(intentId, submittedAt);
  }

  /** How many there were in the minute before `now`. */
  inMinuteBefore(now: EpochMillis): number {
    for (const [intentId, at] of this.#announced) if (at <= now - MINUTE_MS) this.#announced.delete(intentId);
    return this.#announced.size;
  }
}
