import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import type { Clock, EpochMillis } from '../../../../ports/clock.ts';

interface Sleeper {
  readonly at: EpochMillis;
  readonly wake: () => void;
}

/** Time that passes when it is told to. Who sleeps is woken in the order of the times. */
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

  /** Passes to when the next sleeper wakes, if that is by `end`. False: nobody wakes by then. */
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

  /** Wakes all who sleep until then, each when its time has come and what the one before did is done. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    do await settled();
    while (this.step(end));
    this.set(end);
  }
}

/** Everything that waits for nothing but its turn in the event loop has had it. */
export const settled = (): Promise<void> => new SystemClock().sleep(0);
