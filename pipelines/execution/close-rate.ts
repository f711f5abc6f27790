import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { ClientOrderId } from '../../schemas/generated/records.ts';

const MINUTE_MS = 60_000;

/**
 * The orders announced in the last minute, by all partitions of a process. An order counts once, however often it is told of: a
 * restart reads it back from the reports. Other processes with the same keys count their own.
 */
export class CloseRate {
  readonly #clock: Clock;
  readonly #announced = new Map<ClientOrderId, EpochMillis>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  announced(clientOrderId: ClientOrderId, at: EpochMillis): void {
    if (this.isRecent(at)) this.#announced.set(clientOrderId, at);
  }

  /** The venue took nothing of it: others may go in its place. */
  withdrawn(clientOrderId: ClientOrderId): void {
    this.#announced.delete(clientOrderId);
  }

  /** Whether an order that was announced then still counts. */
  isRecent(at: EpochMillis): boolean {
    return at > this.#clock.now() - MINUTE_MS;
  }

  /** How many orders other than this one there were in the last minute. */
  others(clientOrderId: ClientOrderId): number {
    const since = this.#clock.now() - MINUTE_MS;
    for (const [announced, at] of this.#announced) if (at <= since) this.#announced.delete(announced);
    return this.#announced.size - (this.#announced.has(clientOrderId) ? 1 : 0);
  }
}
