import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { VenueClient } from '../../../connectors/exchange/ccxt/venue-client.ts';
import { VenueMarkets } from '../../../connectors/exchange/ccxt/venue-markets.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type {
  ExecutionReport,
  HarvestIntent,
  OrderStyle,
  PositionSnapshot,
  TradeClosed,
} from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import { auditExchange } from './exchange-audit.ts';
import { type ExchangeProgress, type ExchangeRun, type ExchangeRunOptions, tally } from './exchange-run.ts';
import { SERVER, SPED_UP, settingsFor, retried } from './exchange-settings.ts';
import { ExchangeStory } from './exchange-story.ts';
import { HealthyWatch } from './healthy-watch.ts';
import { restoredSource } from './restored-source.ts';
import { SickSymbols } from './sick-symbols.ts';
import { SpedUpClock } from './chaos-clocks.ts';

interface KillRunOptions extends Omit<ExchangeRunOptions, 'onProgress'> {
  readonly kills: number;
  readonly onProgress?: (done: KillProgress) => void;
}

interface KillProgress extends ExchangeProgress {
  readonly kills: number;
}

interface KillRun extends ExchangeRun {
  readonly kills: number;
}

/** One in this many lives is not killed: intents that wait for too long would not be worked at all. */
const WHOLE_LIFE = 4;

/** More steps than a life has. */
const NEVER = 1e9;

/** The approximate number of steps for an intent. */
const STEPS_AN_INTENT = 8;

/** The probability that a snapshot leads to an intent, each time. */
const DECIDES = 0.3;

/** The probability that an intent closes the whole position: low, since several intents rest on one snapshot. */
const CLOSES = 0.1;

/** After how many lives the fault `unanswering` ends. */
const UNANSWERED_FOR = 10;

const CHILD = join(import.meta.dirname, 'kill-child.ts');

/**
 * Kills the program with SIGKILL between any two steps, a number of times, with lives in between that are not killed; then a last life, and the
 * audit. After each life a source is restored in this process as well, and observes twice.
 */
export async function runKills(options: KillRunOptions): Promise<KillRun> {
  const { kills, intents: total, seed, chances, order = 'market', positions, sick = 0 } = options;
  const random = new SeededRandom(seed);
  const stream = random.stream('kills');
  const since = new SystemClock().now();
  const clock = new SpedUpClock(since);
  const dataDir = mkdtempSync(join(tmpdir(), 'harvestline-kills-'));
  const server = await BinanceServer.start({ ...SERVER, holdMs: SPED_UP.holdMs, seed, fills: 2, clock });
  const log = EmbeddedLog.open(dataDir, clock);
  try {
    await log.createTopics(allTopicSpecs());
    await registerSchemas(log.registry);
    const codec = await RecordCodec.open(log.registry);
    const client = await VenueClient.open(settingsFor(server.url, SPED_UP.timeoutMs), clock, SILENT_LOGGER);
    await client.measureClock();
    const markets = new VenueMarkets(client);
    const story = new ExchangeStory(server.exchange, random.stream('story'), { positions, deep: order !== 'market' });
    await markets.ready();
    const sickness = new SickSymbols(server, random.stream('sick'), sick);
    const watch = new HealthyWatch(server, sickness);
    const scoring = new TopicWriter('scoring', codec);
    const intents: HarvestIntent[] = [];
    const aLife = Math.ceil((total / kills) * (1 - 1 / WHOLE_LIFE));
    const observed = async (): Promise<readonly PositionSnapshot[]> => {
      const source = await restoredSource({ log, codec, client, markets });
      watch.restarted();
      await retried(clock, () => watch.during(story.symbols, source));
      return (await retried(clock, () => watch.during(story.symbols, source))).snapshots;
    };
    const feed = async (): Promise<void> => {
      sickness.change(story.symbols);
      story.act();
      const snapshots = await observed();
      const before = intents.length;
      while (snapshots.length > 0 && intents.length - before < aLife) {
        for (const snapshot of snapshots) {
          const intent = story.decide(snapshot, DECIDES, CLOSES);
          if (intent === null || intents.length - before >= aLife) continue;
          intents.push(intent);
          await log.append([scoring.encode(TOPICS.harvestIntent, intent, intent.observed_at)]);
        }
      }
    };
    server.faults.byChance(chances);
    let killed = 0;
    for (let lives = 0; killed < kills; lives++) {
      if (lives % UNANSWERED_FOR === 0) server.lift();
      await feed();
      const isWhole = lives % WHOLE_LIFE === WHOLE_LIFE - 1;
      const killAt = isWhole ? NEVER : stream.integer(1, aLife * STEPS_AN_INTENT);
      const end = await live(dataDir, server.url, killAt, order, since);
      if (end === 'SIGKILL') killed += 1;
      else if (end !== 0) throw new Error(`a life ended with ${String(end)}`);
      const { length: done } = intents;
      options.onProgress?.({ ...watch.figures, kills: killed, intents: done, violations: watch.violations.length });
    }
    sickness.heal();
    server.faults.clear();
    const last = await live(dataDir, server.url, 0, order, since);
    if (last !== 0) throw new Error(`the last life ended with ${String(last)}`);
    const reports: ExecutionReport[] = [];
    const trades = new Map<string, TradeClosed>();
    await forEachRecord({ log, codec }, TOPICS.executionReport.name, {}, (report) => reports.push(report));
    await forEachRecord({ log, codec }, TOPICS.tradeClosed.name, {}, (trade) => trades.set(trade.trade_id, trade));
    const faults = tally(server.injected.map(({ fault }) => fault));
    const ended = reports.filter(({ status }) => status !== 'SUBMITTED');
    return {
      violations: [
        ...watch.violations,
        ...auditExchange(server, { intents, reports, trades: [...trades.values()], sick: sickness.ever }),
      ],
      ...watch.figures,
      kills: killed,
      intents: intents.length,
      orders: reports.length - ended.length,
      trades: trades.size,
      ends: tally(ended.map(({ status, reason }) => `${status} ${reason}`)),
      faults,
      neverHit: Object.keys(chances).filter((fault) => faults[fault] === undefined),
      sick: sickness.seen,
      exchangeSeconds: Math.round((clock.now() - since) / 1000),
    };
  } finally {
    await server.close();
    await log.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function live(
  dataDir: string,
  url: string,
  killAt: number,
  order: OrderStyle,
  since: number,
): Promise<number | NodeJS.Signals | null> {
  const child = spawn(process.execPath, [CHILD, dataDir, url, String(killAt), order, String(since)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return signal ?? code;
}
