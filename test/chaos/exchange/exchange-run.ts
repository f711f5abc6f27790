import { CcxtExchange, AccountMode } from '../../../connectors/exchange/ccxt/ccxt-exchange.ts';
import { CcxtVenue } from '../../../connectors/exchange/ccxt/ccxt-venue.ts';
import { VenueClient } from '../../../connectors/exchange/ccxt/venue-client.ts';
import { VenueMarkets } from '../../../connectors/exchange/ccxt/venue-markets.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { PositionObserver } from '../../../pipelines/snapshots/position-observer.ts';
import type { ObservedCycle } from '../../../pipelines/snapshots/cycle.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { HarvestIntent, OrderStyle } from '../../../schemas/generated/records.ts';
import { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import { FAULT_NAMES, type Fault } from '../../../packages/fake-binance/faults.ts';
import { auditExchange } from './exchange-audit.ts';
import { SERVER, settingsFor, retried } from './exchange-settings.ts';
import { ACCOUNT, ExchangeStory } from './exchange-story.ts';
import { type HealthFigures, HealthyWatch } from './healthy-watch.ts';
import { PartitionWorker } from './partition-worker.ts';
import { SickSymbols } from './sick-symbols.ts';
import { SkippingClock } from './chaos-clocks.ts';

export interface ExchangeRunOptions {
  readonly intents: number;
  readonly seed: number;
  /** Probabilities of faults, which add up to at most 1. */
  readonly chances: Readonly<Partial<Record<Fault, number>>>;
  /** The style of orders; at market where left out. Any other style meets a book with depth and moving mark prices. */
  readonly order?: OrderStyle;
  /** The number of symbols, and how many of them are sick at any time. */
  readonly positions?: number;
  readonly sick?: number;
  readonly onProgress?: (done: ExchangeProgress) => void;
}

export interface ExchangeProgress extends HealthFigures {
  readonly intents: number;
  readonly violations: number;
}

export interface ExchangeRun extends HealthFigures {
  readonly violations: readonly string[];
  readonly intents: number;
  readonly orders: number;
  readonly trades: number;
  /** Terminal reports by status and reason. */
  readonly ends: Readonly<Record<string, number>>;
  /** Faults by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** Faults with a probability that never happened. */
  readonly neverHit: readonly string[];
  /** How often each sickness occurred. */
  readonly sick: Readonly<Record<string, number>>;
  /** The duration by the exchange's clock. Unit: seconds. */
  readonly exchangeSeconds: number;
}

/** As many as partitions. */
const WORKERS = 6;

/** After how many cycles other symbols fall sick, and after how many the fault `unanswering` ends. */
const SICK_FOR = 4;
const UNANSWERED_FOR = 20;

/** The probability that a snapshot leads to an intent, and the backlog of a partition above which none is made. Units: probability; records. */
const DECIDES = 0.5;
const MOST_BACKLOG = 8;

/** The pause between two cycles. Unit: milliseconds. */
const PAUSE_MS = 3000;

/** Enough cycles to reconcile the last orders: lists may be late, and false fills are read again after a while. */
const LAST_CYCLES = 8;
const LAST_PAUSE_MS = 30_000;

/**
 * Runs a desk, through ccxt's real client, at an exchange with random faults: one source observes all positions cycle after cycle, partitions
 * work the intents on its snapshots meanwhile, and some symbols are sick at any time. Then audits both.
 */
export async function runExchange(options: ExchangeRunOptions): Promise<ExchangeRun> {
  const { intents, seed, chances, order = 'market' } = options;
  const random = new SeededRandom(seed);
  const clock = new SkippingClock();
  const startedAt = clock.now();
  const server = await BinanceServer.start({ ...SERVER, seed, fills: 3, clock });
  try {
    const client = await VenueClient.open(settingsFor(server.url), clock, SILENT_LOGGER);
    await client.measureClock();
    const markets = new VenueMarkets(client);
    const exchange = new CcxtExchange(client, markets, await AccountMode.of(client));
    const desk = { positions: options.positions, deep: order !== 'market' };
    const story = new ExchangeStory(server.exchange, random.stream('story'), desk);
    await markets.ready();
    const sick = new SickSymbols(server, random.stream('sick'), options.sick ?? 0);
    const watch = new HealthyWatch(server, sick);
    const worked: HarvestIntent[] = [];
    const onWorked = (intent: HarvestIntent): void => {
      worked.push(intent);
      options.onProgress?.({ ...watch.figures, intents: worked.length, violations: watch.violations.length });
    };
    const starting = { exchange, clock: client.clock, order, onWorked };
    const workers = await Promise.all(Array.from({ length: WORKERS }, () => PartitionWorker.start(starting)));
    const workerOf = new Map(story.symbols.map((symbol, index) => [symbol, workers[index % WORKERS]]));
    const source = new PositionObserver({
      venue: new CcxtVenue(client, markets),
      account: ACCOUNT,
      clock: client.clock,
      symbols: null,
      signals: { refresh: () => Promise.resolve(), latest: () => null, at: () => Promise.resolve(null) },
    });
    const cycle = async (): Promise<ObservedCycle> => {
      const observed = await retried(clock, () => watch.during(story.symbols, () => source.observe()));
      for (const record of observed.reconciled) workerOf.get(record.symbol)?.publishReconciled(record);
      return observed;
    };
    server.faults.byChance(chances);
    // Each fault happens at least once.
    for (const fault of FAULT_NAMES) if (chances[fault] !== undefined) server.faults.add({ fault });
    let decided = 0;
    for (let count = 0; decided < intents; count++) {
      if (count % SICK_FOR === 0) sick.change(story.symbols);
      if (count % UNANSWERED_FOR === 0) server.lift();
      story.act();
      for (const snapshot of (await cycle()).snapshots) {
        const worker = workerOf.get(snapshot.symbol);
        if (worker === undefined || worker.backlog >= MOST_BACKLOG || decided === intents) continue;
        const intent = story.decide(snapshot, DECIDES);
        if (intent === null) continue;
        decided += 1;
        worker.publishIntent(intent);
      }
      await clock.sleep(PAUSE_MS);
    }
    await Promise.all(workers.map((worker) => worker.drained()));
    sick.heal();
    server.faults.clear();
    for (let count = 0; count < LAST_CYCLES; count++) {
      await cycle();
      await Promise.all(workers.map((worker) => worker.drained()));
      await clock.sleep(LAST_PAUSE_MS);
    }
    const reports = workers.flatMap(({ log }) => log.reports);
    const trades = workers.flatMap(({ log }) => log.trades);
    const faults = tally(server.injected.map(({ fault }) => fault));
    return {
      violations: [
        ...watch.violations,
        ...auditExchange(server, { intents: worked, reports, trades, sick: sick.ever }),
      ],
      ...watch.figures,
      intents: worked.length,
      orders: reports.filter(({ status }) => status === 'SUBMITTED').length,
      trades: trades.length,
      ends: tally(
        reports.filter(({ status }) => status !== 'SUBMITTED').map(({ status, reason }) => `${status} ${reason}`),
      ),
      faults,
      neverHit: Object.keys(chances).filter((fault) => faults[fault] === undefined),
      sick: sick.seen,
      exchangeSeconds: Math.round((clock.now() - startedAt) / 1000),
    };
  } finally {
    await server.close();
  }
}

/** Counts by name. */
export function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
