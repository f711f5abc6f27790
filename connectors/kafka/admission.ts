import type { Clock, EpochMillis } from '../../ports/clock.ts';

/**
 * How long what let this process in before may be refused until that is taken for good: a rotation changes the brokers and the files
 * of this process one after the other. Unit: milliseconds.
 */
const ROTATION_MS = 30_000;

/**
 * Tells a definite no from a rotation under way, of credentials or of certificates.
 *
 * AD1  What never let this process in is refused for good at once: a start with wrong settings ends at once.
 * AD2  What did let it in may be refused by a broker for ROTATION_MS; each try reads the files anew. After that it is for good.
 */
export class Admission {
  readonly #clock: Clock | undefined;
  readonly #refusedSince = new Map<string, EpochMillis>();
  #admitted = false;

  constructor(clock: Clock | undefined) {
    this.#clock = clock;
  }

  admit(broker: string): void {
    this.#admitted = true;
    this.#refusedSince.delete(broker);
  }

  /** Whether that refusal by a broker is for good. */
  refuse(broker: string): boolean {
    if (!this.#admitted || this.#clock === undefined) return true;
    const now = this.#clock.now();
    const since = this.#refusedSince.get(broker) ?? now;
    this.#refusedSince.set(broker, since);
    return now - since >= ROTATION_MS;
  }
}
