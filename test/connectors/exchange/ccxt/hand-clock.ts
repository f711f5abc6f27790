import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import type { Clock, EpochMillis } from '../../../../ports/clock.ts';

interface Sleeper {
  readonly at: EpochMillis;
  readonly wake: () => void;
}

/** A clock that is moved by hand. Sleepers wake in the order of their times. */
export class HandClock implements Clock {
  #now: EpochMillis;
  readonly #sleepers = new Set<Sleeper>();

  constructor(start: EpochMillis) {
    this.#now = start;
  }

  now(): EpochMillis {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper: Sleeper = { at: this.#now + Math.max(0, ms), wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  /** Moves to the time of the next sleeper and wakes it; false if nobody wakes by `end`. */
  step(end: EpochMillis): boolean {
    const next = [...this.#sleepers].toSorted((one, other) => one.at - other.at)[0];
    if (next === undefined || next.at > end) return false;
    this.#now = Math.max(this.#now, next.at);
    next.wake();
    return true;
  }

  set(now: EpochMillis): void {
    this.#now = Math.max(this.#now, now);
  }

  /** Moves by a duration. Sleepers wake at their times, each after the effects of the one before. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    do await settled();
    while (this.step(end));
    this.set(end);
  }
}

/** Resolves after everything that waits only for its turn in the event loop. */
export const settled = (): Promise<void> => new SystemClock().sleep(0);
