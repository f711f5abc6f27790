import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { visitTopic } from '../../../app/read-topic.ts';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { VenueClient } from '../../../connectors/exchange/ccxt/venue-client.ts';
import { VenueMarkets } from '../../../connectors/exchange/ccxt/venue-markets.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { ExecutionReport, HarvestIntent, OrderStyle, TradeClosed } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/register-schemas.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import { auditExchange } from './exchange-audit.ts';
import { settingsFor } from './exchange-settings.ts';
import { ExchangeStory } from './exchange-story.ts';
import { observeOnce } from './observe-once.ts';
import { patient } from './patient.ts';
import { SickSymbols } from './sick-symbols.ts';

export interface KillRunOptions {
  readonly kills: number;
  readonly seed: number;
  /** How orders are sent; at market where left out. */
  readonly order?: OrderStyle;
  /** How many symbols there are, and how many of them are sick at any time. */
  readonly positions?: number;
  readonly sick?: number;
  readonly say: (line: string) => void;
}

export interface KillRun {
  readonly violations: readonly string[];
  readonly kills: number;
  readonly intents: number;
  readonly orders: number;
  readonly trades: number;
  readonly ends: Readonly<Record<string, number>>;
}

/** New intents before each life: enough that it is usually killed with some left. */
const INTENTS_A_LIFE = 3;

/** A life of that many intents takes about as many steps. */
const MOST_STEPS = 30;

/** Replies that are lost, so that a crash also finds orders in doubt. */
const CHANCES = { 'reset-after-taken': 0.1, 'timeout-before': 0.02, 'partial-fill': 0.1, 'hand-change': 0.1 } as const;

const CHILD = join(import.meta.dirname, 'kill-child.ts');

/** kill -9 between any two steps, so many times; then a life that is not killed, and the audit. */
export async function runKills({
  kills,
  seed,
  order = 'market',
  positions,
  sick = 0,
  say,
}: KillRunOptions): Promise<KillRun> {
  const random = new SeededRandom(seed);
  const stream = random.stream('kills');
  const clock = new SystemClock();
  const dataDir = mkdtempSync(join(tmpdir(), 'harvestline-kills-'));
  const server = await BinanceServer.start({ seed, weightPerMinute: 1e12, holdMs: 1500, retryAfterS: 0.02, fills: 2 });
  const log = EmbeddedLog.open(dataDir, clock);
  try {
    await log.createTopics(allTopicSpecs());
    await registerSchemas(log.registry);
    const codec = await RecordCodec.open(log.registry);
    const client = await VenueClient.open(settingsFor(server.url), clock, SILENT_LOGGER);
    await patient(() => client.measureClock());
    const markets = new VenueMarkets(client);
    const story = new ExchangeStory(server.exchange, random.stream('story'), { positions, deep: order !== 'market' });
    const sickness = new SickSymbols(server, random.stream('sick'), sick);
    const scoring = new TopicWriter('scoring', codec);
    const intents: HarvestIntent[] = [];
    const feed = async (): Promise<void> => {
      sickness.heal();
      server.faults.clear();
      for (let count = 0; count < INTENTS_A_LIFE; count++) {
        const { intent, isNew } = story.next(story.symbols);
        if (isNew) await patient(() => observeOnce({ log, codec, client, markets }));
        intents.push(intent);
        await log.append([scoring.encode(TOPICS.harvestIntent, intent, intent.observed_at)]);
      }
      server.faults.byChance(CHANCES);
      sickness.change(story.symbols);
    };
    let killed = 0;
    for (let lives = 0; killed < kills; lives++) {
      await feed();
      const end = await live(dataDir, server.url, stream.integer(1, MOST_STEPS), order);
      if (end === 'SIGKILL') killed += 1;
      else if (end !== 0) throw new Error(`a life ended with ${String(end)}`);
      if (lives % 20 === 0) say(`${killed} kills`);
    }
    sickness.heal();
    server.faults.clear();
    const last = await live(dataDir, server.url, 0, order);
    if (last !== 0) throw new Error(`the last life ended with ${String(last)}`);
    const reports: ExecutionReport[] = [];
    const trades = new Map<string, TradeClosed>();
    await visitTopic({ log, codec }, TOPICS.executionReport.name, {}, (report) => reports.push(report));
    await visitTopic({ log, codec }, TOPICS.tradeClosed.name, {}, (trade) => trades.set(trade.trade_id, trade));
    const ends: Record<string, number> = {};
    for (const { status, reason } of reports) {
      if (status !== 'SUBMITTED') ends[`${status} ${reason}`] = (ends[`${status} ${reason}`] ?? 0) + 1;
    }
    return {
      violations: auditExchange(server, { intents, reports, trades: [...trades.values()] }),
      kills: killed,
      intents: intents.length,
      orders: reports.filter(({ status }) => status === 'SUBMITTED').length,
      trades: trades.size,
      ends,
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
): Promise<number | NodeJS.Signals | null> {
  const child = spawn(process.execPath, [CHILD, dataDir, url, String(killAt), order], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return signal ?? code;
}
