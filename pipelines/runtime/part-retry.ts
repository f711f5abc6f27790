import type { ErrorCode } from '../../errors/codes.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { retryTransient } from '../../ports/retry.ts';

/** A partition or an account stands still meanwhile, so recovery is noticed soon. Unit: milliseconds. */
const LONGEST_WAIT_MS = 10_000;

/** A part of a process, such as a processor or a source, as far as its retries are concerned. */
export interface RetryingPart {
  /** Its name, for the log. */
  readonly processor: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
  /** For health and metrics. */
  readonly observer?: RetryObserver;
}

export interface RetryObserver {
  /** A transient error makes `what` wait; called before every wait. */
  backedOff(what: string, code: ErrorCode): void;
  /** `what` goes on, or was given up; only after `backedOff`. */
  recovered(what: string): void;
}

/** Retries `work` while it throws transient errors; each wait is logged and shown in health and metrics as `what`. */
export async function retryPart<T>(part: RetryingPart, what: string, work: () => Promise<T>): Promise<T> {
  const { processor, clock, logger, signal, observer } = part;
  let waited = false;
  const onWait: Parameters<typeof retryTransient>[0]['onWait'] = ({ code, remedy, message }, waitMs) => {
    logger.warn({ processor, code, retryInMs: waitMs, remedy }, `${what}: ${message}; trying again in ${waitMs} ms`);
    waited = true;
    observer?.backedOff(what, code);
  };
  try {
    return await retryTransient({ clock, signal, longestMs: LONGEST_WAIT_MS, onWait }, work);
  } finally {
    if (waited) observer?.recovered(what);
  }
}
