import { describe, expect, it, onTestFinished } from 'vitest';
import { watchStalls } from '../../../app/run/stall-watcher.ts';
import { PrometheusMetrics } from '../../../connectors/metrics/prometheus-metrics.ts';
import { defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import { STALL_ALERTS } from '../../../pipelines/watch/stall-limits.ts';
import type { Clock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../schemas/good-records.ts';
import { type MemoryWorld, memoryWorld } from '../memory-log.ts';

const START = 1_770_003_600_000;
const MINUTE_MS = 60_000;
const BETWEEN_LOOKS_MS = 30_000;
const SNAPSHOT = GOOD_RECORDS[TOPICS.positionSnapshot.name];
const INTENT = GOOD_RECORDS[TOPICS.harvestIntent.name];
const REPORT = GOOD_RECORDS[TOPICS.executionReport.name];
const TRADE = GOOD_RECORDS[TOPICS.tradeClosed.name];
const OUTCOME = { ...GOOD_RECORDS[TOPICS.clmOutcome.name], slices: [TRADE.trade_id] };

/** Between two looks time stands still until `look` lets it go on, and resolves once the next look is done. */
class LookClock implements Clock {
  #wake = (): void => {};
  #asleep = Promise.withResolvers<void>();

  now(): number {
    return START;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < BETWEEN_LOOKS_MS) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      signal?.addEventListener('abort', () => resolve(), { once: true });
      this.#asleep.resolve();
    });
  }

  async look(): Promise<void> {
    this.#asleep = Promise.withResolvers<void>();
    this.#wake();
    await this.#asleep.promise;
  }

  firstLook(): Promise<void> {
    return this.#asleep.promise;
  }
}

async function watched(world: MemoryWorld) {
  const clock = new LookClock();
  const metrics = new PrometheusMetrics();
  const lines: string[] = [];
  const note = (_: object, message: string): void => void lines.push(message);
  const stop = new AbortController();
  const done = watchStalls(
    { ...world, policy: defaultPolicy(), clock, logger: { ...SILENT_LOGGER, info: note, warn: note }, metrics },
    stop.signal,
  );
  onTestFinished(() => {
    stop.abort();
    return done;
  });
  await clock.firstLook();
  const gauges = async (): Promise<string[]> => {
    const text = await metrics.text();
    return STALL_ALERTS.filter((name) => text.includes(`harvestline_alert{name="${name}"} 1`));
  };
  return { look: () => clock.look(), lines, gauges, stop, done };
}

describe('stall alerts of a running process', () => {
  it('are said once when raised and once when over, with the gauge', async () => {
    const world = await memoryWorld();
    await world.write(TOPICS.harvestIntent, INTENT, START);
    const { look, lines, gauges } = await watched(world);
    expect(lines).toEqual([]);
    await world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, mark_price: 100 }, START + 6 * MINUTE_MS);
    await look();
    expect(await gauges()).toEqual(['intents_without_reports']);
    expect(lines).toEqual([expect.stringMatching(/^alert intents_without_reports: .*Look closer: harvestline tail/)]);
    await look();
    expect(lines).toHaveLength(1);
    await world.write(TOPICS.executionReport, REPORT, START + 6 * MINUTE_MS);
    await world.write(TOPICS.tradeClosed, TRADE, START + 6 * MINUTE_MS);
    await world.write(TOPICS.clmOutcome, OUTCOME, START + 6 * MINUTE_MS);
    await look();
    expect(await gauges()).toEqual([]);
    expect(lines.slice(1)).toEqual(['alert intents_without_reports is over']);
  });

  it('reads each record once', async () => {
    const world = await memoryWorld();
    for (let i = 0; i < 10; i += 1) await world.write(TOPICS.positionSnapshot, SNAPSHOT, START + i, i % 3);
    const read: number[] = [];
    const { log } = world;
    const readLog = log.read.bind(log);
    log.read = async function* (topic, range) {
      for await (const batch of readLog(topic, range)) {
        read.push(batch.records.length);
        yield batch;
      }
    };
    const { look } = await watched(world);
    const first = read.reduce((sum, n) => sum + n, 0);
    await look();
    await look();
    expect(read.reduce((sum, n) => sum + n, 0)).toBe(first);
    await world.write(TOPICS.positionSnapshot, SNAPSHOT, START + 11);
    await look();
    expect(read.reduce((sum, n) => sum + n, 0)).toBe(first + 1);
  });

  it('wait for a log that is away, saying so once, and go on where they were', async () => {
    const world = await memoryWorld();
    let away = true;
    const { log } = world;
    const readLog = log.read.bind(log);
    log.read = (topic, range) => {
      if (away) throw new Error('no broker');
      return readLog(topic, range);
    };
    await world.write(TOPICS.harvestIntent, INTENT, START);
    await world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, mark_price: 100 }, START + 6 * MINUTE_MS);
    const { look, lines, gauges } = await watched(world);
    await look();
    expect(lines).toEqual(['stall alerts wait for the log: no broker']);
    away = false;
    await look();
    expect(await gauges()).toEqual(['intents_without_reports']);
    away = true;
    await look();
    expect(await gauges()).toEqual(['intents_without_reports']);
    expect(lines).toHaveLength(3);
  });

  it('end with the process', async () => {
    const { stop, done } = await watched(await memoryWorld());
    stop.abort();
    await expect(done).resolves.toBeUndefined();
  });
});
