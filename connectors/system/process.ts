import type { Clock } from '../../ports/clock.ts';
import { userInfo } from 'node:os';

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

/** How often a process that npm started looks whether its parent is still there. Unit: milliseconds. */
const LOOK_EVERY_MS = 200;

/** npm sets it for everything that it runs: `npx harvestline …` and `npm run …`. */
const STARTED_BY_NPM = 'npm_command';

/**
 * Calls `stop` when npm, which started this process, was told to stop. npm passes a signal on to the shell between it and
 * this process; the shell dies of it and tells nobody, and this process would go on as an orphan. Returns at once where npm
 * did not start it: then a parent that goes away means nothing. Ends with `ended`.
 */
export async function heedNpm(
  clock: Clock,
  ended: AbortSignal,
  stop: () => void,
  own: Pick<NodeJS.Process, 'env' | 'ppid'> = process,
): Promise<void> {
  if (own.env[STARTED_BY_NPM] === undefined) return;
  const parent = own.ppid;
  while (!ended.aborted) {
    if (own.ppid !== parent) return stop();
    await clock.sleep(LOOK_EVERY_MS, ended);
  }
}

/** What a command leaves open ends by itself in a moment, or never. Unit: milliseconds. */
const LINGER_MS = 2000;

/**
 * A command is done: its process ends by itself, or after LINGER_MS whatever connections are still open. What was written is handed over
 * first. The exit code is `process.exitCode`.
 */
export function endSoon(): void {
  // Alone it keeps no process.
  setTimeout(() => void exit(), LINGER_MS).unref();
}

async function exit(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
  process.exit();
}

/** Who runs the program. A container may run as a user that has no name: then it is its number. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
