import { isKind, messageOf } from '../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';

/** The time was up. The message says what was waited for. */
export class LimitReached extends Error {
  override readonly name = 'LimitReached';
}

/** Between two tries of a log that is away. Unit: milliseconds. */
const AGAIN_MS = 500;

/** A person who waits in a hurry is told so often that it is still tried. Unit: milliseconds. */
const STILL_MS = 2000;

/** A limit on everything that a command asks of a log, for a person who waits: what takes long is said, and nothing takes longer. */
export class TimeLimit {
  readonly #clock: Clock;
  readonly #endsAt: EpochMillis;
  readonly #seconds: number;
  readonly #log: string;
  readonly #say: (line: string) => void;

  constructor(clock: Clock, seconds: number, log: string, say: (line: string) => void) {
    this.#clock = clock;
    this.#endsAt = clock.now() + 1000 * seconds;
    this.#seconds = seconds;
    this.#log = log;
    this.#say = say;
  }

  /** Tries again while the log is away. Throws LimitReached when the time is up, and any other error. */
  async patiently<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await this.within(work());
      } catch (thrown) {
        if (!isKind(thrown, 'transient')) throw thrown;
        const { code, message } = thrown;
        if (this.#leftMs() <= 0) throw new LimitReached(`${code}: ${message}`);
        this.#say(`${code}: ${message}; trying again`);
        await this.within(this.#clock.sleep(AGAIN_MS)).catch(() => {
          throw new LimitReached(`${code}: ${messageOf(thrown)}`);
        });
      }
    }
  }

  /** Waits for something as long as there is time. Throws LimitReached. */
  async within<T>(work: Promise<T>): Promise<T> {
    const over = new AbortController();
    const late = new LimitReached(`BROKER_AWAY: ${this.#log} gave no answer within ${this.#seconds} s`);
    const limit = this.#untilTheEnd(over.signal).then((): never => {
      throw late;
    });
    try {
      return await Promise.race([work, limit]);
    } finally {
      over.abort();
      // Whichever lost the race has nobody to tell.
      limit.catch(() => {});
      work.catch(() => {});
    }
  }

  async #untilTheEnd(signal: AbortSignal): Promise<void> {
    let waited = 0;
    while (this.#leftMs() > 0 && !signal.aborted) {
      const wait = Math.min(STILL_MS, this.#leftMs());
      await this.#clock.sleep(wait, signal);
      waited += wait;
      if (signal.aborted || this.#leftMs() <= 0) break;
      this.#say(`${this.#log} has not answered for ${(waited / 1000).toFixed(0)} s; still trying`);
    }
    // The race was won: it is over for good.
    if (signal.aborted) await new Promise(() => {});
  }

  #leftMs(): number {
    return this.#endsAt - this.#clock.now();
  }
}
