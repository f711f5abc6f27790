import type { BackOff } from './back-off.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Health } from './health.ts';

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
