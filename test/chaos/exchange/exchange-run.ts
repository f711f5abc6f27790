import { CcxtExchange } from '../../../connectors/exchange/ccxt/ccxt-exchange.ts';
import { AccountMode } from '../../../connectors/exchange/ccxt/position-mode.ts';
import { CcxtVenue } from '../../../connectors/exchange/ccxt/ccxt-venue.ts';
import { VenueClient } from '../../../connectors/exchange/ccxt/venue-client.ts';
import { VenueMarkets } from '../../../connectors/exchange/ccxt/venue-markets.ts';
import { PositionSource } from '../../../pipelines/snapshots/position-source.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { executionProcessor } from '../../../pipelines/execution/execution-processor.ts';
import type { DecodedRecord, Processor } from '../../../pipelines/processor.ts';
import type { Logger } from '../../../ports/logger.ts';
import type { HarvestIntent, OrderStyle } from '../../../schemas/generated/records.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import { FAULT_NAMES, type Fault } from '../../../packages/fake-binance/faults.ts';
import { MemoryLog } from '../../pipelines/execution/memory-log.ts';
import { auditExchange } from './exchange-audit.ts';
import { ACCOUNT, ExchangeStory } from './exchange-story.ts';
import { settingsFor, termsFor } from './exchange-settings.ts';
import { HealthyWatch } from './healthy-watch.ts';
import { SickSymbols } from './sick-symbols.ts';
import { patient } from './patient.ts';

export interface ExchangeRunOptions {
  readonly intents: number;
  readonly seed: number;
  /** Probabilities; together at most 1. */
  readonly chances: Readonly<Partial<Record<Fault, number>>>;
  /** How orders are sent; at market where left out. Any other meets a book with depth, and marks that move. */
  readonly order?: OrderStyle;
  readonly logger: Logger;
  /** How many symbols there are, and how many of them are sick at any time. */
  readonly positions?: number;
  readonly sick?: number;
  readonly onProgress?: (done: number) => void;
}

export interface ExchangeRun {
  readonly violations: readonly string[];
  /** Terminal reports by status and reason. */
  readonly ends: Readonly<Record<string, number>>;
  readonly injected: Readonly<Record<string, number>>;
  /** How often symbols fell sick, and in which way. */
  readonly sick: Readonly<Record<string, number>>;
  /** Looks at a healthy position that nothing befell meanwhile: each gave a snapshot, or is a violation. */
  readonly healthyLooks: number;
  readonly orders: number;
  readonly trades: number;
}

/** Intents that are worked at the same time, each lane with positions, ledger and log of its own, as partitions are. */
const LANES = 6;

/** After so many intents a lane's account is reconciled. */
const RECONCILE_EVERY = 20;

/** After so many intents others fall sick. */
const SICK_FOR = 25;

/** The waits between look-ups, in the proportions of DEFAULT_LIMITS and a tenth as long. Unit: milliseconds. */
const SETTLE_WAITS_MS = [5, 10, 20, 40, 80, 160, 200];

/** Intents come faster here than on a desk. Unit: milliseconds. */
const REFUSED_WAIT_MS = 20;

/** Execution and reconciliation through ccxt's real client on a server that misbehaves by chance; then the audit of both. */
export async function runExchange(options: ExchangeRunOptions): Promise<ExchangeRun> {
  const { intents, seed, chances, order = 'market', logger } = options;
  const random = new SeededRandom(seed);
  const clock = new SystemClock();
  const server = await BinanceServer.start({ seed, weightPerMinute: 1e12, holdMs: 1500, retryAfterS: 0.02, fills: 3 });
  try {
    const client = await VenueClient.open(settingsFor(server.url), clock, logger);
    await patient(() => client.measureClock());
    const markets = new VenueMarkets(client);
    const exchange = new CcxtExchange(client, markets, await patient(() => AccountMode.of(client)));
    const story = new ExchangeStory(server.exchange, random.stream('story'), {
      positions: options.positions,
      deep: order !== 'market',
    });
    const sick = new SickSymbols(server, random.stream('sick'), options.sick ?? 0);
    const watch = new HealthyWatch(server, sick);
    await patient(() => markets.ready());
    const lanes = await Promise.all(
      Array.from({ length: LANES }, async (_, lane) => {
        const log = await MemoryLog.open();
        const waits = { cooldownMs: 0, lookUpWaitsMs: SETTLE_WAITS_MS, refusedWaitMs: REFUSED_WAIT_MS };
        const limits = { ...waits, order: termsFor(order) };
        const writer = new TopicWriter('execution', log.codec);
        const processor = executionProcessor({ writer, exchange, clock: client.clock, logger, limits });
        await processor.restore?.(log.replay);
        const symbols = new Set(story.symbols.filter((_symbol, index) => index % LANES === lane));
        const source = new PositionSource({
          venue: new CcxtVenue(client, markets),
          account: ACCOUNT,
          clock: client.clock,
          symbols,
          signals: { refresh: () => Promise.resolve(), latest: () => null, at: () => Promise.resolve(null) },
        });
        return { log, processor, source, symbols };
      }),
    );
    server.faults.byChance(chances);
    // Each once for certain, the rest by chance.
    for (const fault of FAULT_NAMES) if (chances[fault] !== undefined) server.faults.add({ fault });
    let left = intents;
    let done = 0;
    const worked: HarvestIntent[] = [];
    const reconcile = async ({ log, processor, source, symbols }: (typeof lanes)[number]) => {
      const { reconciled, snapshots } = await patient(() => watch.during([...symbols], () => source.observe()));
      for (const record of reconciled) await work(processor, log, log.addReconciled(record));
      return snapshots;
    };
    /** An intent comes from a snapshot, so its position has been observed, however long that takes. */
    const observe = async (lane: (typeof lanes)[number], { position_id }: HarvestIntent): Promise<void> => {
      while (!(await reconcile(lane)).some((snapshot) => snapshot.position_id === position_id));
    };
    await Promise.all(
      lanes.map(async (lane) => {
        await reconcile(lane);
        for (let count = 1; left > 0; count++) {
          if (left-- % SICK_FOR === 0) sick.change(story.symbols);
          // Nobody decides on a position that was never observed.
          const known = [...lane.symbols].filter((symbol) => !sick.has(symbol) || story.isOpen(symbol));
          const { intent, isNew } = story.next(known);
          if (isNew) await observe(lane, intent);
          worked.push(intent);
          await work(lane.processor, lane.log, lane.log.addIntent(intent));
          done += 1;
          options.onProgress?.(done);
          if (count % RECONCILE_EVERY === 0) await reconcile(lane);
        }
      }),
    );
    sick.heal();
    server.faults.clear();
    for (const lane of lanes) {
      await reconcile(lane);
      await reconcile(lane);
    }
    const reports = lanes.flatMap(({ log }) => log.reports);
    const trades = lanes.flatMap(({ log }) => log.trades);
    return {
      violations: [...watch.violations, ...auditExchange(server, { intents: worked, reports, trades })],
      sick: sick.seen,
      healthyLooks: watch.looks,
      ends: tally(
        reports.filter(({ status }) => status !== 'SUBMITTED').map(({ status, reason }) => `${status} ${reason}`),
      ),
      injected: tally(server.injected.map(({ fault }) => fault)),
      orders: reports.filter(({ status }) => status === 'SUBMITTED').length,
      trades: trades.length,
    };
  } finally {
    await server.close();
  }
}

/** As the runtime does it: a transient error repeats the same record. */
async function work(processor: Processor, log: MemoryLog, delivery: DecodedRecord): Promise<void> {
  await patient(async () => log.append(await processor.process([delivery], log.append)));
}

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
