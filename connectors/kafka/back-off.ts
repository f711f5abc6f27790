import type { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';

/** First and longest wait between two tries. kafkajs has tried for about 2 s before each. Unit: milliseconds. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/** How long a leader may take to be chosen: a broker that was killed counts as dead after 9 s unless its cluster is told otherwise. Unit: milliseconds. */
export const ELECTION_MS = 15_000;

/** Waits longer each time, and says so each time. */
export class BackOff {
  readonly #electionMs: number;
  #since: number | null = null;
  #next = FIRST_WAIT_MS;

  /** For so long it waits no longer than the first time, and says it once: a leader that is being chosen is there any moment. */
  constructor(electionMs = 0) {
    this.#electionMs = electionMs;
  }

  async wait(clock: Clock, logger: Logger, error: HarvestlineError, where: object, signal: AbortSignal): Promise<void> {
    const wait = this.#next;
    const isFirst = this.#since === null;
    this.#since ??= clock.now();
    const isElection = clock.now() - this.#since < this.#electionMs;
    if (!isElection) this.#next = Math.min(2 * wait, LONGEST_WAIT_MS);
    if (isFirst || !isElection) {
      const { code, remedy, message } = error;
      logger.warn({ ...where, code, retryInMs: wait, remedy }, `${message}; trying again in ${wait} ms`);
    }
    await clock.sleep(wait, signal);
  }

  /** It worked: the next failure starts with a short wait. */
  reset(): void {
    this.#since = null;
    this.#next = FIRST_WAIT_MS;
  }
}
