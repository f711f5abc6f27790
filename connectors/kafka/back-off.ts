import type { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';

/** First and longest wait between two tries. kafkajs has tried for about 2 s before each. Unit: milliseconds. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/** Waits longer each time, and says so each time. */
export class BackOff {
  #next = FIRST_WAIT_MS;

  async wait(clock: Clock, logger: Logger, error: HarvestlineError, where: object, signal: AbortSignal): Promise<void> {
    const wait = this.#next;
    this.#next = Math.min(2 * wait, LONGEST_WAIT_MS);
    const { code, remedy, message } = error;
    logger.warn({ ...where, code, retryInMs: wait, remedy }, `${message}; trying again in ${wait} ms`);
    await clock.sleep(wait, signal);
  }

  /** It worked: the next failure starts with a short wait. */
  reset(): void {
    this.#next = FIRST_WAIT_MS;
  }
}
