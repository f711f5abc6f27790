import type { Clock, EpochMillis } from '../../../ports/clock.ts';

/** Of some samples the one with the shortest round trip is the least wrong. */
const SAMPLES = 3;

/** What the exchange said the time is, and when it was asked and answered by this machine's clock. */
interface Sample {
  readonly skewMs: number;
  readonly roundTripMs: number;
}

/**
 * The exchange's time: this machine's clock, corrected by the skew that was measured last. Signed requests and everything
 * that is compared with the exchange's own timestamps take it.
 */
export class VenueClock implements Clock {
  readonly #machine: Clock;
  #skewMs = 0;

  constructor(machine: Clock) {
    this.#machine = machine;
  }

  /** The exchange's clock less this machine's. Unit: milliseconds. */
  get skewMs(): number {
    return this.#skewMs;
  }

  now(): EpochMillis {
    return this.#machine.now() + this.#skewMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#machine.sleep(ms, signal);
  }

  /** Measures the skew anew. The exchange is taken to read its clock in the middle of the round trip. */
  async measure(serverTime: () => Promise<EpochMillis>): Promise<void> {
    let best: Sample | null = null;
    for (let index = 0; index < SAMPLES; index++) {
      const asked = this.#machine.now();
      const told = await serverTime();
      const roundTripMs = this.#machine.now() - asked;
      const sample = { skewMs: Math.round(told - asked - roundTripMs / 2), roundTripMs };
      if (best === null || sample.roundTripMs < best.roundTripMs) best = sample;
    }
    if (best !== null) this.#skewMs = best.skewMs;
  }
}
