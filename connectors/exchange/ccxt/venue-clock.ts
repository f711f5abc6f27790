import type { Clock, EpochMillis } from '../../../ports/clock.ts';

/** Several samples are taken; the one with the shortest round trip is the most accurate. */
const SAMPLES = 3;

/** Clocks of servers drift by milliseconds a minute. Unit: milliseconds. */
const MEASURE_EVERY_MS = 60_000;

/** One measurement of the exchange's clock. */
interface Sample {
  readonly skewMs: number;
  readonly roundTripMs: number;
}

/**
 * The exchange's time: this machine's clock corrected by the skew measured last. It is used for signed requests, and wherever times are
 * compared with the exchange's timestamps.
 */
export class VenueClock implements Clock {
  readonly #machine: Clock;
  #skewMs = 0;
  #measuredAt: EpochMillis | null = null;

  constructor(machine: Clock) {
    this.#machine = machine;
  }

  /** The exchange's clock minus this machine's. Unit: milliseconds. */
  get skewMs(): number {
    return this.#skewMs;
  }

  /** Whether the last measurement is old. False before the first one, which whoever opens the client awaits. */
  get isOld(): boolean {
    return this.#measuredAt !== null && Math.abs(this.now() - this.#measuredAt) > MEASURE_EVERY_MS;
  }

  now(): EpochMillis {
    return this.#machine.now() + this.#skewMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#machine.sleep(ms, signal);
  }

  /** Measures the skew, assuming that the exchange reads its clock in the middle of the round trip. */
  async measure(serverTime: () => Promise<EpochMillis>): Promise<void> {
    // Set before the requests, so that a failed measurement is repeated a minute later and not with every request.
    this.#measuredAt = this.now();
    let best: Sample | null = null;
    for (let index = 0; index < SAMPLES; index++) {
      const asked = this.#machine.now();
      const serverNow = await serverTime();
      const roundTripMs = this.#machine.now() - asked;
      const sample = { skewMs: Math.round(serverNow - asked - roundTripMs / 2), roundTripMs };
      if (best === null || sample.roundTripMs < best.roundTripMs) best = sample;
    }
    if (best !== null) this.#skewMs = best.skewMs;
    this.#measuredAt = this.now();
  }
}
