/**
 * Waiting for a dependency that is unavailable: growing waits, bounded, shown one by one, and ended by an AbortSignal. The waits are the same
 * in every run: a process retries few things, so nothing is gained by spreading them at random.
 *
 * RUN-25  Only a transient error is retried; any other is thrown at once.
 * RUN-26  Each wait is twice as long as the one before, up to a bound, and is told to `onWait` before it begins.
 * RUN-27  Where the signal aborts, the last error is thrown and nothing is tried any more.
 */
import { type HarvestlineError, isKind } from '../errors/harvestline-error.ts';
import type { Clock } from './clock.ts';

/** First wait unless said otherwise. Unit: milliseconds. */
const FIRST_WAIT_MS = 100;

export interface BackoffOptions {
  readonly clock: Clock;
  /** Ends a wait at once. */
  readonly signal?: AbortSignal | undefined;
  /** Unit: milliseconds. */
  readonly firstMs?: number;
  /** The bound of a wait. Unit: milliseconds. */
  readonly longestMs: number;
  /**
   * For so long after the first failure waits do not grow, and only the first is told: for what is usually there again in a moment. Unit:
   * milliseconds.
   */
  readonly steadyForMs?: number;
  /** Called before each wait. What it throws ends the retry. */
  readonly onWait: (error: HarvestlineError, waitMs: number) => void;
}

/** The waits of one retry, for loops that do more between two tries than to call the same again. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #firstMs: number;
  #failingSince: number | null = null;
  #nextMs: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#firstMs = options.firstMs ?? FIRST_WAIT_MS;
    this.#nextMs = this.#firstMs;
  }

  /** RUN-26. */
  async wait(error: HarvestlineError): Promise<void> {
    const { clock, signal, longestMs, steadyForMs = 0, onWait } = this.#options;
    const wait = this.#nextMs;
    const isFirst = this.#failingSince === null;
    this.#failingSince ??= clock.now();
    const isSteady = clock.now() - this.#failingSince < steadyForMs;
    if (!isSteady) this.#nextMs = Math.min(2 * wait, longestMs);
    if (isFirst || !isSteady) onWait(error, wait);
    await clock.sleep(wait, signal);
  }

  /** It worked: the next failure is the first again. */
  reset(): void {
    this.#failingSince = null;
    this.#nextMs = this.#firstMs;
  }
}

/** Calls `work` until it does not throw a transient error. */
export async function retryTransient<T>(options: BackoffOptions, work: () => Promise<T>): Promise<T> {
  const backoff = new Backoff(options);
  const isAborted = (): boolean => options.signal?.aborted === true;
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      // RUN-25, RUN-27.
      if (!isKind(thrown, 'transient') || isAborted()) throw thrown;
      await backoff.wait(thrown);
      if (isAborted()) throw thrown;
    }
  }
}
