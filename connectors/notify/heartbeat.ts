import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Secret } from '../../ports/notify.ts';
import { reasonOf } from './post.ts';

/** A monitor that is slow to answer must not hold up the next call. Unit: milliseconds. */
const ANSWER_WITHIN_MS = 10_000;

/**
 * Calls a monitor's address, by GET as all of them take it: as long as the calls come, all is well. The address is a secret: whoever knows
 * it can keep the monitor quiet. Throws NOTIFY_UNAVAILABLE, whatever the monitor said: a call that failed is made again with the next.
 */
export async function callMonitor(name: string, url: Secret, signal: AbortSignal): Promise<void> {
  let status: number;
  try {
    const response = await fetch(url(), {
      headers: { 'user-agent': 'harvestline' },
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    });
    status = response.status;
    await response.body?.cancel();
  } catch (cause) {
    throw new HarvestlineError('NOTIFY_UNAVAILABLE', `${name}: ${reasonOf(cause)}`, { cause });
  }
  if (status < 200 || status > 299) throw new HarvestlineError('NOTIFY_UNAVAILABLE', `${name}: answered ${status}`);
}
