import { beforeEach, describe, expect, it } from 'vitest';
import { statusReport } from '../../../pipelines/status/status-reader.ts';
import type { Batch } from '../../../ports/event-log.ts';
import type { IntentId, PositionId, PositionSnapshot, TradeId } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';

const START = 1_770_003_600_000;
const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;
const SNAPSHOT = GOOD_RECORDS[TOPICS.positionSnapshot.name];
const SIGNAL = GOOD_RECORDS[TOPICS.modelSignal.name];
const INTENT = GOOD_RECORDS[TOPICS.harvestIntent.name];
const REPORT = GOOD_RECORDS[TOPICS.executionReport.name];
const NO_FILL = { filled_quantity: 0, average_price: null, submitted_at: null } as const;
const REFUSED = { ...REPORT, ...NO_FILL, status: 'SUPPRESSED', reason: 'STALE_INTENT' } as const;
const TRADE = GOOD_RECORDS[TOPICS.tradeClosed.name];
const EXTERNAL = { origin: 'EXTERNAL', intent_id: null, client_order_id: null } as const;
const FINAL = { status: 'FINAL', label: 'WIN', closed_at: START } as const;
const OUTCOME = GOOD_RECORDS[TOPICS.clmOutcome.name];

let world: MemorySession & { liveNow: () => number | null };

beforeEach(async () => {
  world = await memorySession();
});

const names = async (): Promise<readonly string[]> => (await statusReport(world)).alerts.map(({ name }) => name);

function snapshot(account: string, at: number, r = 0, traits: Partial<PositionSnapshot> = {}): Promise<void> {
  const position_id = `position of ${account}` as PositionId;
  const mark_price = 100 + 2 * r;
  const own = {
    account,
    position_id,
    opened_at: Math.min(SNAPSHOT.opened_at, at - MINUTE_MS),
    mark_price,
    peak_price: Math.max(mark_price, 108),
  };
  return world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, ...own, observed_at: at, ...traits }, at);
}

/** What a chain writes in one cycle, in its order: ten minutes after the one before. */
async function cycle(number: number): Promise<void> {
  const at = START + number * 10 * MINUTE_MS;
  const intent_id = `intent ${number}` as IntentId;
  const trade_id = `trade ${number}` as TradeId;
  const client_order_id = clientOrderIdOf(intent_id);
  await world.write(TOPICS.modelSignal, SIGNAL, at);
  await snapshot('desk-1', at);
  await world.write(TOPICS.harvestIntent, { ...INTENT, intent_id }, at);
  // Execution's clock stands.
  await world.write(TOPICS.executionReport, { ...REPORT, intent_id, client_order_id }, START);
  await world.write(TOPICS.tradeClosed, { ...TRADE, intent_id, client_order_id, trade_id }, at + 20);
  // Scoring works off a backlog: an intent has the time of its snapshot.
  const backlog = { intent_id: `backlog ${number}` as IntentId };
  await world.write(TOPICS.harvestIntent, { ...INTENT, ...backlog }, START);
  await world.write(TOPICS.executionReport, { ...REFUSED, ...backlog }, at + 30);
  // A fill that others ordered is found late, and has the venue's time.
  const found = `found ${number}` as TradeId;
  await world.write(TOPICS.tradeClosed, { ...TRADE, ...EXTERNAL, trade_id: found }, START);
  await world.write(TOPICS.clmOutcome, { ...OUTCOME, slices: [trade_id, found] }, at + 20);
}

describe('status beside a chain at work', () => {
  it('STS-4: raises nothing, however many cycles come while it reads', async () => {
    for (let number = 0; number < 5; number += 1) await cycle(number);
    let next = 5;
    const { log } = world;
    const read = log.read.bind(log);
    log.read = async function* (topic, range): AsyncIterable<Batch> {
      // Before the ends of this topic are taken, and in the middle of it.
      await cycle((next += 1));
      for await (const batch of read(topic, range)) {
        yield batch;
        await cycle((next += 1));
      }
    };
    const offsets = log.offsets.bind(log);
    log.offsets = async (topic) => {
      const ends = await offsets(topic);
      for (let i = 0; i < 8; i += 1) await cycle((next += 1));
      return ends;
    };
    expect(await names()).toEqual([]);
    expect(next).toBeGreaterThan(20);
  });

  it('finds by the models that go on that the snapshots ended', async () => {
    for (let number = 0; number < 5; number += 1) await cycle(number);
    const signal = (minutes: number) => world.write(TOPICS.modelSignal, SIGNAL, START + minutes * MINUTE_MS);
    for (const minutes of [50, 60, 70]) await signal(minutes);
    expect(await names()).toEqual([]);
    for (const minutes of [80, 90, 100]) await signal(minutes);
    expect(await names()).toEqual(['feed_silent']);
    await signal(101);
    expect(await names()).toEqual(['snapshots_ceased', 'feed_silent']);
  });

  it('holds a feed that died against the clock where the log is written live, and only there', async () => {
    for (let number = 0; number < 5; number += 1) await cycle(number);
    expect(await names()).toEqual([]);
    const died = START + 40 * MINUTE_MS;
    world.liveNow = () => died + 30 * MINUTE_MS;
    expect(await names()).toEqual([]);
    world.liveNow = () => died + 31 * MINUTE_MS;
    const { alerts } = await statusReport(world);
    expect(alerts).toMatchObject([{ name: 'feed_silent', since: died }]);
    expect(alerts[0]?.evidence).toMatch(/desk-1 .*31 min.*10 min.*position of desk-1/);
    await world.write(
      TOPICS.clmOutcome,
      { ...OUTCOME, position_id: 'position of desk-1' as PositionId, ...FINAL },
      died,
    );
    expect(await names()).toEqual([]);
  });

  it('still names what is missing there', async () => {
    for (let number = 0; number < 5; number += 1) await cycle(number);
    await world.write(TOPICS.harvestIntent, { ...INTENT, intent_id: 'lost' as IntentId }, START);
    expect(await names()).toEqual(['intents_without_reports']);
  });
});

describe('desks in one log', () => {
  const held = async (account: string, from: number): Promise<void> => {
    for (let minutes = 0; minutes <= 150; minutes += 5) await snapshot(account, from + minutes * MINUTE_MS, 3);
  };
  const quiet = async (account: string, from: number): Promise<void> => {
    for (let minutes = 0; minutes <= 150; minutes += 5) await snapshot(account, from + minutes * MINUTE_MS, 0);
  };

  it.each([
    { what: 'before', first: START - 5 * YEAR_MS, second: START },
    { what: 'after', first: START, second: START - 5 * YEAR_MS },
    { what: 'at the same time as', first: START, second: START },
  ])('one that lived $what the other is seen, whichever holds', async ({ first, second }) => {
    await held('one', first);
    await quiet('other', second);
    expect(await names()).toEqual(['winner_held', 'no_intents']);
    await quiet('third', START);
    expect(await names()).toEqual(['winner_held', 'no_intents']);
  });

  it('a snapshot that is stamped 400 days ahead leaves nothing out of sight', async () => {
    await held('one', START);
    await snapshot('one', START + 400 * 24 * 60 * MINUTE_MS, 3, { position_id: 'another' as PositionId, symbol: 'X' });
    await snapshot('one', START + 400 * 24 * 60 * MINUTE_MS, 3);
    expect(await names()).toEqual(['winner_held', 'no_intents']);
    await snapshot('one', START + 155 * MINUTE_MS, 3);
    expect(await names()).toEqual(['winner_held', 'no_intents']);
  });
});
