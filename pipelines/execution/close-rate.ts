import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { IntentId } from '../../schemas/generated/records.ts';

const MINUTE_MS = 60_000;

/**
 * The orders announced in the last minute, by all partitions of a process. An order counts once, however often it is told of: a
 * restart reads it back from the reports. Other processes with the same keys count their own.
 */
export class CloseRate {
  readonly #clock: Clock;
  readonly #announced = new Map<IntentId, EpochMillis>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  announced(intentId: IntentId, at: EpochMillis): void {
    if (this.isRecent(at)) this.#announced.set(intentId, at);
  }

  /** The venue took nothing of it: others may go in its place. */
  withdrawn(intentId: IntentId): void {
    this.#announced.delete(intentId);
  }

  /** Whether an order that was announced then still counts. */
  isRecent(at: EpochMillis): boolean {
    return at > this.#clock.now() - MINUTE_MS;
  }

  /** How many orders other than that of the intent there were in the last minute. */
  others(intentId: IntentId): number {
    const since = this.#clock.now() - MINUTE_MS;
    for (const [announced, at] of this.#announced) if (at <= since) this.#announced.delete(announced);
    return this.#announced.size - (this.#announced.has(intentId) ? 1 : 0);
  }
}
