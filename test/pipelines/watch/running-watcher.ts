import { onTestFinished } from 'vitest';
import { PrometheusMetrics } from '../../../connectors/metrics/prometheus-metrics.ts';
import { STALL_ALERTS } from '../../../pipelines/alerts/alerts.ts';
import { defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import { type StallWatcherOptions, watchStalls } from '../../../pipelines/watch/stall-watcher.ts';
import type { Clock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { MemoryLog, MemorySession } from '../../fixtures/memory-log.ts';

export const START = 1_770_003_600_000;

/** A shorter sleep is a pause within a read. */
const BETWEEN_READS_MS = 30_000;

/**
 * The clock of a log that is written live: the time of its newest record, plus `later`. The watcher sleeps between two reads until `readOn`
 * wakes it; `readOn` resolves once the next read is done.
 */
export class ReadClock implements Clock {
  later = 0;
  /** Called for each shorter sleep. */
  onShortSleep = (_ms: number): void => {};
  readonly #log: MemoryLog;
  #wake = (): void => {};
  #asleep = Promise.withResolvers<void>();

  constructor(log: MemoryLog) {
    this.#log = log;
  }

  now(): number {
    return Math.max(START, this.#log.newest) + this.later;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < BETWEEN_READS_MS) {
      this.onShortSleep(ms);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#wake = resolve;
      signal?.addEventListener('abort', () => resolve(), { once: true });
      this.#asleep.resolve();
    });
  }

  async readOn(): Promise<void> {
    this.#asleep = Promise.withResolvers<void>();
    this.#wake();
    await this.#asleep.promise;
  }

  firstRead(): Promise<void> {
    return this.#asleep.promise;
  }
}

/** Starts the watcher, and resolves once its first read is done. It ends with the test. */
export async function startWatcher(
  world: MemorySession,
  traits: Partial<Pick<StallWatcherOptions, 'stallLimits' | 'logWords' | 'groups'>> = {},
  clock = new ReadClock(world.log),
) {
  const metrics = new PrometheusMetrics();
  const lines: string[] = [];
  const note = (_: object, message: string): void => void lines.push(message);
  const stop = new AbortController();
  const done = watchStalls(
    {
      ...world,
      groups: [],
      ...traits,
      policy: defaultPolicy(),
      clock,
      logger: { ...SILENT_LOGGER, info: note, warn: note },
      metrics,
    },
    stop.signal,
  );
  onTestFinished(() => {
    stop.abort();
    return done;
  });
  await clock.firstRead();
  const gauges = async (): Promise<string[]> => {
    const text = await metrics.text();
    return STALL_ALERTS.filter((name) => text.includes(`harvestline_alert{name="${name}"} 1`));
  };
  return { clock, readOn: () => clock.readOn(), lines, gauges, stop, done };
}
