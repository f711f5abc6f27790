import { isKind } from '../../errors/harvestline-error.ts';
import type { ErrorCode } from '../../errors/codes.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Health } from './health.ts';

/** First and longest wait between two tries after a transient error. Unit: milliseconds. */
const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 10_000;

export interface BackOff {
  /** Whose work it is, for the log line. */
  readonly processor: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the waiting: the transient error is thrown then. */
  readonly signal?: AbortSignal;
  readonly observer?: {
    backedOff(what: string, code: ErrorCode): void;
    recovered(what: string): void;
  };
}

/** Tries again as long as the error is transient, waiting longer each time up to a bound, and says so each time. */
export async function patiently<T>(backOff: BackOff, what: string, work: () => Promise<T>): Promise<T> {
  const { processor, clock, logger, signal, observer } = backOff;
  let waited = false;
  try {
    for (let wait = FIRST_BACK_OFF_MS; ; wait = Math.min(2 * wait, LONGEST_BACK_OFF_MS)) {
      try {
        return await work();
      } catch (thrown) {
        if (!isKind(thrown, 'transient') || signal?.aborted === true) throw thrown;
        logger.warn(
          { processor, code: thrown.code, retryInMs: wait, remedy: thrown.remedy },
          `${what}: ${thrown.message}; trying again in ${wait} ms`,
        );
        waited = true;
        observer?.backedOff(what, thrown.code);
        await clock.sleep(wait, signal);
      }
    }
  } finally {
    if (waited) observer?.recovered(what);
  }
}

interface Dependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
}

/** How a snapshot source waits out what is transient: its health says so meanwhile. */
export function sourceBackOff({ clock, logger, health }: Dependencies, signal: AbortSignal): BackOff {
  const processor = TOPICS.positionSnapshot.writer;
  return {
    processor,
    clock,
    logger,
    signal,
    observer: {
      backedOff: (what, code) => health.backedOff(processor, what, code),
      recovered: (what) => health.recovered(processor, what),
    },
  };
}
