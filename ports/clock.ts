/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMillis = number;

/** Time as the program sees it: the system's, or a virtual one that `dev` and the tests move by hand. */
export interface Clock {
  now(): EpochMillis;
  /** Resolves `ms` later, or as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Whether something was at most `ms` ago. Not where the clock was set back since: how long ago it was is not known then. */
export function isRecent(at: EpochMillis, ms: number, clock: Clock): boolean {
  const age = clock.now() - at;
  return age >= 0 && age <= ms;
}

/** Resolves as soon as `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Resolves once `work` has, or as soon as `signal` aborts. Leaves nothing with the signal, which may live as long as the process. */
export async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A clock that is moved by hand. `sleep` advances it at once, so nothing waits and everything is repeatable. */
export class VirtualClock implements Clock {
  #now: EpochMillis;

  constructor(start: EpochMillis) {
    this.#now = start;
  }

  now(): EpochMillis {
    return this.#now;
  }

  /** Sets the time. It may go back: each market cycle starts at its own time, whatever was slept in the one before. */
  set(now: EpochMillis): void {
    this.#now = now;
  }

  sleep(ms: number): Promise<void> {
    this.#now += Math.max(0, ms);
    return Promise.resolve();
  }
}
