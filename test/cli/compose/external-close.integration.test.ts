import { expect, it, onTestFinished, vi } from 'vitest';
import { openVenue } from '../../../cli/compose/open-venue.ts';
import { run } from '../../../cli/compose/run.ts';
import { chooseVenue } from '../../../cli/options/venue-options.ts';
import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { DEFAULT_FAULTS } from '../../../connectors/exchange/paper/fill-plan.ts';
import { PaperExchange } from '../../../connectors/exchange/paper/paper-exchange.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { BinanceServer, TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';
import { loadPolicy } from '../../../cli/options/policy-options.ts';
import { DEFAULT_POLICY_ID } from '../../../pipelines/scoring/policy.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { DeskNames } from '../../../schemas/desk-names.ts';
import type { RecordByTopic } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { type TopicName, TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };
const HOUR_MS = 3_600_000;

/** Snapshots and execution on the embedded log, at a local exchange with one LONG of 4 BTCUSDT. */
async function aDesk(cycleMs: number) {
  const clock = new SystemClock();
  const server = await BinanceServer.start();
  server.exchange.setMarket({ symbol: 'BTCUSDT', price: '100', tick: '0.1', lotStep: '0.001' });
  server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '4', price: '90', at: clock.now() - HOUR_MS });
  const folder = temporaryFolder();
  const log = EmbeddedLog.open(folder.path, clock);
  await log.createTopics(allTopicSpecs());
  await registerSchemas(log.registry);
  const codec = await RecordCodec.open(log.registry);
  const random = new SeededRandom(1);
  const paper = new PaperExchange({ path: `${folder.path}/paper`, clock, random, faults: DEFAULT_FAULTS });
  const venueUrl = server.url;
  const cli = {
    venue: 'binanceusdm',
    demo: true,
    dataVenue: 'binanceusdm',
    venueUrl,
    cycle: cycleMs,
    data: folder.path,
    seed: 1,
  } as const;
  const choice = chooseVenue(cli, { HARVESTLINE_API_KEY: TEST_KEYS.key, HARVESTLINE_API_SECRET: TEST_KEYS.secret });
  const names = new DeskNames();
  const venue = await openVenue({
    choice,
    cli,
    names,
    paper,
    random,
    machine: clock,
    logger: SILENT_LOGGER,
    observes: true,
  });
  const drain = new AbortController();
  const running = run(
    {
      desk: null,
      processors: ['execution'],
      sources: venue.desk === null ? {} : { snapshots: venue.desk.source },
      connect: () =>
        Promise.resolve({ log, openCodec: () => RecordCodec.open(log.registry), close: () => Promise.resolve() }),
      policy: loadPolicy(DEFAULT_POLICY_ID),
      exchange: venue.connect,
      from: 'beginning',
      http: null,
      onListening: () => {},
      clock: venue.clock,
      logger: SILENT_LOGGER,
    },
    drain,
  );
  onTestFinished(async () => {
    drain.abort();
    await running;
    venue.desk?.release();
    paper.close();
    await log.close();
    await server.close();
    folder.remove();
  });
  const recordsOf = async <N extends TopicName>(topic: N): Promise<readonly RecordByTopic[N][]> => {
    const records: RecordByTopic[N][] = [];
    await forEachRecord({ log, codec }, topic, {}, (record) => records.push(record));
    return records;
  };
  const comes = <N extends TopicName>(topic: N, found: (records: readonly RecordByTopic[N][]) => void) =>
    vi.waitFor(async () => found(await recordsOf(topic)), PATIENCE);
  await comes(TOPICS.positionSnapshot.name, (snapshots) => expect(snapshots).toHaveLength(1));
  await vi.waitFor(() => expect(server.streams.connections).toHaveLength(2), PATIENCE);
  return { server, comes };
}

it('closes by hand are trades at once, though no cycle comes for an hour', async () => {
  const { server, comes } = await aDesk(HOUR_MS);
  server.exchange.close('BTCUSDT', 'LONG', 'web', '1');
  const first = { origin: 'EXTERNAL', quantity: 1, remaining_quantity: 3, entry_price: 90, exit_price: 100 };
  await comes(TOPICS.tradeClosed.name, (trades) => expect(trades).toMatchObject([first]));
  // The connection is cut, and what happened meanwhile is found by the look that closes the gap.
  server.streams.drop();
  server.exchange.close('BTCUSDT', 'LONG', 'liquidation');
  const last = { origin: 'LIQUIDATION', quantity: 3, remaining_quantity: 0 };
  await comes(TOPICS.tradeClosed.name, (trades) => expect(trades).toMatchObject([first, last]));
});

it('closes of which no event tells are trades of the next cycle', async () => {
  const { server, comes } = await aDesk(1000);
  server.streams.faults.add({ fault: 'events-lost', of: 'account', times: Infinity });
  server.exchange.close('BTCUSDT', 'LONG');
  await comes(TOPICS.tradeClosed.name, (trades) => expect(trades).toMatchObject([{ quantity: 4 }]));
});

it('a mark between two cycles is in the peak of the next snapshot', async () => {
  const { server, comes } = await aDesk(4000);
  server.exchange.setMark('BTCUSDT', '107');
  // As often as the exchange tells of marks.
  const told = server.streams.marksSent;
  await vi.waitFor(() => expect(server.streams.marksSent).toBeGreaterThan(told), PATIENCE);
  server.exchange.setMark('BTCUSDT', '101');
  await comes(TOPICS.positionSnapshot.name, (snapshots) =>
    expect(snapshots.at(-1)).toMatchObject({ mark_price: 101, peak_price: 107 }),
  );
});
