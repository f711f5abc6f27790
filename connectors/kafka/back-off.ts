import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { Backoff } from '../../ports/retry.ts';

/** kafkajs has tried for about 2 s before each wait. Unit: milliseconds. */
const LONGEST_WAIT_MS = 5000;

/** How long a leader may take to be chosen: a broker that was killed counts as dead after 9 s unless its cluster is told otherwise. Unit: milliseconds. */
export const ELECTION_MS = 15_000;

/** Waits of a loop over Kafka, each logged with `where`. Within `electionMs` they stay short and only the first is logged. */
export function retryBackoff(
  { clock, logger, signal }: { readonly clock: Clock; readonly logger: Logger; readonly signal: AbortSignal },
  where: object,
  electionMs = 0,
): Backoff {
  return new Backoff({
    clock,
    signal,
    longestMs: LONGEST_WAIT_MS,
    steadyForMs: electionMs,
    onWait: ({ code, remedy, message }, waitMs) =>
      logger.warn({ ...where, code, retryInMs: waitMs, remedy }, `${message}; trying again in ${waitMs} ms`),
  });
}
