/** The process that this program runs in: signals to shut down, its end, its user. */
import { userInfo } from 'node:os';
import type { Clock } from '../../ports/clock.ts';

const SHUTDOWN_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

interface ShutdownRequest {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Restores the default effect of the signals. To be called when everything is done. */
  release(): void;
}

/**
 * Handles SIGTERM, SIGINT and SIGHUP, and the end of npm. The handlers stay until `release`: a terminal signals the whole foreground group and
 * npm passes the signal on, so one Ctrl-C may arrive twice, and the second must not interrupt the orderly shutdown.
 */
export function onShutdownSignal(clock: Clock): ShutdownRequest {
  const stopping = new AbortController();
  const released = new AbortController();
  const stop = (): void => stopping.abort();
  for (const name of SHUTDOWN_SIGNALS) process.on(name, stop);
  void stopWithNpm(clock, AbortSignal.any([stopping.signal, released.signal]), stop);
  return {
    signal: stopping.signal,
    release: () => {
      released.abort();
      for (const name of SHUTDOWN_SIGNALS) process.removeListener(name, stop);
    },
  };
}

/** How often a process that npm started checks for its parent. Unit: milliseconds. */
const CHECK_EVERY_MS = 200;

/** Set by npm for everything that it runs, by `npx` and `npm run`. */
const STARTED_BY_NPM = 'npm_command';

/**
 * Calls `stop` when npm, which started this process, is told to stop. npm passes signals on to the shell between it and this process; the
 * shell dies without passing them on, and this process would run on as an orphan. So the end of its parent counts as a signal. Returns at once
 * where npm did not start it, and when `ended` is aborted.
 */
export async function stopWithNpm(
  clock: Clock,
  ended: AbortSignal,
  stop: () => void,
  own: Pick<NodeJS.Process, 'env' | 'ppid'> = process,
): Promise<void> {
  if (own.env[STARTED_BY_NPM] === undefined) return;
  const parent = own.ppid;
  while (!ended.aborted) {
    if (own.ppid !== parent) return stop();
    await clock.sleep(CHECK_EVERY_MS, ended);
  }
}

/** How long connections that are still open may take to close. Unit: milliseconds. */
const LINGER_MS = 2000;

/**
 * To be called when a command is done: the process ends by itself, or after LINGER_MS despite open connections, once all output is written.
 * The exit code is `process.exitCode`.
 */
export function endSoon(): void {
  // unref: the timer itself must not keep the process.
  setTimeout(() => void exit(), LINGER_MS).unref();
}

async function exit(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
  process.exit();
}

/** The name of the user that runs the program, or the number where there is no name, as in many containers. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
