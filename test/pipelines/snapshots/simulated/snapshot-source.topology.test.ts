import { describe, expect, it, vi } from 'vitest';
import { liveMarket, snapshotSource } from '../../../../pipelines/snapshots/simulated/snapshot-source.ts';
import { PaperExchange } from '../../../../connectors/exchange/paper/paper-exchange.ts';
import { simulatedMarket } from '../../../../pipelines/snapshots/simulated/simulated-market.ts';
import { SeededRandom } from '../../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../../ports/logger.ts';
import { TOPICS } from '../../../../schemas/topics.ts';
import { type PreparedLog, preparedLog, recordsOf, startRun } from '../../../cli/compose/run-in-process.ts';

const PATIENCE = { timeout: 20_000 };

/** Ten candles a second. Unit: milliseconds. */
const INTERVAL_MS = 100;

describe('the snapshot source', () => {
  it('brings the chain to life in real time, and goes on where it was after a restart', async () => {
    const world = await preparedLog();
    const clock = new SystemClock();
    const random = new SeededRandom(1);
    const book = new PaperExchange({ path: ':memory:', clock, random });
    const origin = clock.now();
    const start = () =>
      startRun(world.open, {
        exchange: () => Promise.resolve(book),
        processors: ['scoring', 'execution', 'clm'],
        sources: {
          snapshots: (parts) => {
            const market = liveMarket(simulatedMarket(random), origin, INTERVAL_MS);
            return snapshotSource({ ...parts, desk: 'live', market, book, random, clock, logger: SILENT_LOGGER });
          },
        },
      });
    const first = await start();
    await vi.waitFor(async () => expect(await seen(world)).toMatchObject({ trades: true, snapshots: true }), PATIENCE);
    expect((await first.get('/ready')).body).toContain('"snapshots":"assigned"');
    first.drain.abort();
    await first.done;
    const before = await recordsOf(world, TOPICS.positionSnapshot.name);
    const second = await start();
    await vi.waitFor(
      async () => expect((await recordsOf(world, TOPICS.positionSnapshot.name)).length).toBeGreaterThan(before.length),
      PATIENCE,
    );
    second.drain.abort();
    await second.done;

    const all = await recordsOf(world, TOPICS.positionSnapshot.name);
    const times = new Map<string, number>();
    for (const { position_id, observed_at, opened_at, confidence_at_entry, r_history } of all) {
      expect(observed_at).toBeGreaterThan(times.get(position_id) ?? -Infinity);
      times.set(position_id, observed_at);
      expect((observed_at - origin) % INTERVAL_MS).toBe(0);
      expect(observed_at).toBeLessThanOrEqual(clock.now());
      expect(opened_at).toBeLessThanOrEqual(observed_at);
      // What only earlier snapshots tell was recovered.
      expect(confidence_at_entry).not.toBeNull();
      expect(r_history.length).toBeGreaterThan(0);
    }
    book.close();
  });
});

async function seen(world: PreparedLog): Promise<{ readonly trades: boolean; readonly snapshots: boolean }> {
  return {
    trades: (await recordsOf(world, TOPICS.tradeClosed.name)).length > 0,
    snapshots: (await recordsOf(world, TOPICS.positionSnapshot.name)).length > 20,
  };
}
