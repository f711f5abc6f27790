import { isKind } from '../../../errors/harvestline-error.ts';
import type { Clock } from '../../../ports/clock.ts';

/** Unit: milliseconds. */
const SHORT_PAUSE_MS = 50;

/** As the runtime does it, but for its waits: what is transient is tried again. */
export async function patient<T>(clock: Clock, task: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await task();
    } catch (thrown) {
      if (!isKind(thrown, 'transient')) throw thrown;
      await clock.sleep(SHORT_PAUSE_MS);
    }
  }
}
