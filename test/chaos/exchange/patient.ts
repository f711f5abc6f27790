import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { isKind } from '../../../errors/harvestline-error.ts';

/** Unit: milliseconds. */
const SHORT_PAUSE_MS = 10;

/** As the runtime does it, but for its waits: what is transient is tried again. */
export async function patient<T>(task: () => Promise<T>): Promise<T> {
  const clock = new SystemClock();
  for (;;) {
    try {
      return await task();
    } catch (thrown) {
      if (!isKind(thrown, 'transient')) throw thrown;
      await clock.sleep(SHORT_PAUSE_MS);
    }
  }
}
