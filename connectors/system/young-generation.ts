import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Room for the batches that are processed at the same time: their objects then die young. Both halves together. Unit: bytes. */
const ENOUGH_BYTES = 32 * 1024 * 1024;

/**
 * Stops the growth of V8's young generation: at many records a second it takes 128 MB and more, and is no faster with it. Node's option for
 * that, --max-semi-space-size, counts only where the process is started with it, and the launcher would have to start a second process to
 * give it; the growth factor may be set while the program runs. The size is read after each garbage collection until it is large enough.
 */
export function boundYoungGeneration(): void {
  const observer = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    if (young === undefined || young.space_size < ENOUGH_BYTES) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    observer.disconnect();
  });
  observer.observe({ entryTypes: ['gc'] });
}
