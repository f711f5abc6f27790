/**
 * `npm run bench -- external-close [--records N] [--cycle MS]`: how long after somebody else has closed a position its trade.closed is in the
 * log, with the exchange's stream and without it. Snapshots and execution of the program itself on the embedded log, at the local exchange;
 * both desks at the same time, each with N positions that are closed one by one at random moments.
 */
import { openVenue } from '../cli/compose/open-venue.ts';
import { run } from '../cli/compose/run.ts';
import { chooseVenue } from '../cli/options/venue-options.ts';
import { EmbeddedLog } from '../connectors/embedded/embedded-log.ts';
import { DEFAULT_FAULTS } from '../connectors/exchange/paper/fill-plan.ts';
import { PaperExchange } from '../connectors/exchange/paper/paper-exchange.ts';
import { SeededRandom } from '../connectors/system/seeded-random.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { BinanceServer, TEST_KEYS } from '../packages/fake-binance/binance-server.ts';
import { SILENT_LOGGER } from '../ports/logger.ts';
import type { RandomStream } from '../ports/random.ts';
import { DeskNames } from '../schemas/desk-names.ts';
import { RecordCodec } from '../schemas/record-codec.ts';
import { registerSchemas } from '../schemas/registry.ts';
import { TOPICS, allTopicSpecs } from '../schemas/topics.ts';
import { type Figure, spread } from './measure.ts';
import { defaultPolicy, inTemporaryFolder } from './workloads.ts';

interface ExternalCloseOptions {
  readonly closes: number;
  readonly cycleMs: number;
}

/** Between two closes at most; the moments are even in it. Unit: milliseconds. */
const APART_MS = 8000;

const POLL_MS = 10;

const clock = new SystemClock();

export async function benchExternalClose(options: ExternalCloseOptions, add: (figure: Figure) => void): Promise<void> {
  const [without, withStream] = await Promise.all([measured(options, false), measured(options, true)]);
  const of = (name: string, ms: readonly number[]): void => {
    for (const share of [0.5, 0.99]) {
      const value = quantile(ms, share) / 1000;
      add({ name: `${name}, p${share * 100} of ${ms.length}`, unit: 's', value: spread([value]) });
    }
  };
  of(`cycles of ${options.cycleMs / 1000} s alone`, without);
  of('with the stream', withStream);
}

/** How long each close took to be in the log. Unit: milliseconds. */
function measured({ closes, cycleMs }: ExternalCloseOptions, stream: boolean): Promise<readonly number[]> {
  return inTemporaryFolder(async (folder) => {
    const server = await BinanceServer.start();
    const symbols = Array.from({ length: closes }, (_, index) => `S${index}USDT`);
    for (const symbol of symbols) {
      server.exchange.setMarket({ symbol, price: '100', tick: '0.01', lotStep: '0.01' });
      server.exchange.open({ symbol, side: 'LONG', quantity: '1', at: clock.now() - HOUR_MS });
    }
    const log = EmbeddedLog.open(folder, clock);
    await log.createTopics(allTopicSpecs());
    await registerSchemas(log.registry);
    const drain = new AbortController();
    const running = runDesk({ folder, log, url: server.url, cycleMs, stream }, drain);
    try {
      const failed = running.then(() => {
        throw new Error('the desk ended');
      });
      const random = new SeededRandom(1).stream('external-close');
      return await Promise.race([closeOneByOne(server, log, symbols, random, cycleMs), failed]);
    } finally {
      drain.abort();
      await running;
      await server.close();
    }
  });
}

const HOUR_MS = 60 * 60 * 1000;

interface Desk {
  readonly folder: string;
  readonly log: EmbeddedLog;
  readonly url: string;
  readonly cycleMs: number;
  readonly stream: boolean;
}

async function runDesk({ folder, log, url, cycleMs, stream }: Desk, drain: AbortController): Promise<void> {
  const random = new SeededRandom(1);
  const paper = new PaperExchange({ path: `${folder}/paper`, clock, random, faults: DEFAULT_FAULTS });
  const cli = {
    venue: 'binanceusdm',
    demo: true,
    dataVenue: 'binanceusdm',
    venueUrl: url,
    cycle: cycleMs,
    stream,
    data: folder,
    seed: 1,
  } as const;
  const choice = chooseVenue(cli, { HARVESTLINE_API_KEY: TEST_KEYS.key, HARVESTLINE_API_SECRET: TEST_KEYS.secret });
  const names = new DeskNames();
  const parts = { choice, cli, names, paper, random, machine: clock, logger: SILENT_LOGGER, observes: true };
  const venue = await openVenue(parts);
  const { desk } = venue;
  try {
    await run(
      {
        desk: null,
        processors: ['execution'],
        sources: desk === null ? {} : { snapshots: desk.source },
        connect: () =>
          Promise.resolve({ log, openCodec: () => RecordCodec.open(log.registry), close: () => log.close() }),
        policy: defaultPolicy(),
        exchange: venue.connect,
        from: 'beginning',
        http: null,
        onListening: () => {},
        clock: venue.clock,
        logger: SILENT_LOGGER,
      },
      drain,
    );
  } finally {
    desk?.release();
    paper.close();
  }
}

async function closeOneByOne(
  server: BinanceServer,
  log: EmbeddedLog,
  symbols: readonly string[],
  random: RandomStream,
  cycleMs: number,
): Promise<readonly number[]> {
  while ((await countOf(log, TOPICS.positionSnapshot.name)) < symbols.length) await clock.sleep(POLL_MS);
  const closedAt: number[] = [];
  const took: number[] = [];
  const closing = (async () => {
    for (const symbol of symbols) {
      await clock.sleep(random.uniform() * Math.min(APART_MS, cycleMs));
      closedAt.push(performance.now());
      server.exchange.close(symbol, 'LONG');
    }
  })();
  // Trades come in the order of the closes, one each.
  while (took.length < symbols.length) {
    await clock.sleep(POLL_MS);
    const there = await countOf(log, TOPICS.tradeClosed.name);
    while (took.length < there) took.push(performance.now() - (closedAt[took.length] ?? Number.NaN));
  }
  await closing;
  return took;
}

async function countOf(log: EmbeddedLog, topic: string): Promise<number> {
  const offsets = await log.offsets(topic);
  return offsets.reduce((sum, { begin, end }) => sum + end - begin, 0);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
