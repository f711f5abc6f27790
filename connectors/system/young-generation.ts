import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** What batches take that are worked at the same time: what is young then dies young. Both halves together. Unit: bytes. */
const ENOUGH_BYTES = 32 * 1024 * 1024;

/**
 * Keeps V8's young generation from growing on: at many records a second it takes 128 MB and more, and is no faster with it. Heaps are
 * configured when Node starts; how they grow may be said while it runs. Looks after each garbage collection, until it is so large.
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
