import type { Clock } from '../../ports/clock.ts';

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
