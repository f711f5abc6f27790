import type { Clock } from '../../ports/clock.ts';
import { heedNpm } from './npm-parent.ts';

/** Signals that ask to stop. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

export interface StopRequest {
  /** Aborted by the first request to stop. */
  readonly signal: AbortSignal;
  /** Signals do again what they do by default. Call it when all is done. */
  release(): void;
}

/**
 * Hears requests to stop. The handlers stay until `release`: a terminal signals the whole foreground group and npm passes
 * the same signal on, so one Ctrl-C may arrive twice, and the second must not kill what the first one asked to end well.
 */
export function hearStopSignals(clock: Clock): StopRequest {
  const stopping = new AbortController();
  const released = new AbortController();
  const stop = (): void => stopping.abort();
  for (const name of STOP_SIGNALS) process.on(name, stop);
  void heedNpm(clock, AbortSignal.any([stopping.signal, released.signal]), stop);
  return {
    signal: stopping.signal,
    release: () => {
      released.abort();
      for (const name of STOP_SIGNALS) process.removeListener(name, stop);
    },
  };
}
