import { CONFIRMED_MS } from '../../../connectors/kafka/membership.ts';
import { type Clock, type EpochMillis, isRecent } from '../../../ports/clock.ts';

/** When a group last said that a member is one, as connectors/kafka/membership.ts has it (KFK-46). */
export class Confirmations {
  readonly #clock: Clock;
  #latest: EpochMillis = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isRecent(): boolean {
    return isRecent(this.#latest, CONFIRMED_MS, this.#clock);
  }

  /** A request that only a member gets an answer to. It counts from when it was made. */
  async by<T>(request: () => Promise<T>): Promise<T> {
    const madeAt = this.#clock.now();
    const answer = await request();
    this.#latest = madeAt;
    return answer;
  }
}
