import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import { StallReader } from '../../../pipelines/watch/stall-watcher.ts';
import { HOUR_MS, stallLimits } from '../../../pipelines/watch/stall-limits.ts';
import type { IntentId, TradeId } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';
import { ReadClock, START, startWatcher } from './running-watcher.ts';

const MINUTE_MS = 60_000;
/** More than a group that keeps up leaves behind. Unit: records of a partition. */
const BEHIND = 100_000;
const SNAPSHOT = GOOD_RECORDS[TOPICS.positionSnapshot.name];
const SIGNAL = GOOD_RECORDS[TOPICS.modelSignal.name];
const INTENT = GOOD_RECORDS[TOPICS.harvestIntent.name];
const REPORT = GOOD_RECORDS[TOPICS.executionReport.name];
const NO_FILL = { filled_quantity: 0, average_price: null, submitted_at: null } as const;
const REFUSED = { ...REPORT, ...NO_FILL, status: 'SUPPRESSED', reason: 'COOLDOWN' } as const;
const TRADE = GOOD_RECORDS[TOPICS.tradeClosed.name];
const EXTERNAL = { origin: 'EXTERNAL', intent_id: null, client_order_id: null } as const;
const OUTCOME = { ...GOOD_RECORDS[TOPICS.clmOutcome.name], slices: [TRADE.trade_id] };

describe('stall alerts of a running process', () => {
  it('are logged once when raised and once when over, with the gauge', async () => {
    const world = await memorySession();
    await world.write(TOPICS.harvestIntent, INTENT, START);
    const { readOn, lines, gauges } = await startWatcher(world);
    expect(lines).toEqual([]);
    await world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, mark_price: 100 }, START + 6 * MINUTE_MS);
    await readOn();
    expect(await gauges()).toEqual(['intents_without_reports']);
    expect(lines).toEqual([expect.stringMatching(/^alert intents_without_reports: .*: harvestline tail/)]);
    await readOn();
    expect(lines).toHaveLength(1);
    await world.write(TOPICS.executionReport, REPORT, START + 6 * MINUTE_MS);
    await world.write(TOPICS.tradeClosed, TRADE, START + 6 * MINUTE_MS);
    await world.write(TOPICS.clmOutcome, OUTCOME, START + 6 * MINUTE_MS);
    await readOn();
    expect(await gauges()).toEqual([]);
    expect(lines.slice(1)).toEqual(['alert intents_without_reports is over']);
  });

  it('reads no topic while a group of this process is far behind, and then all that came', async () => {
    const world = await memorySession();
    const { log } = world;
    await world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, mark_price: 100 }, START + 6 * MINUTE_MS);
    await world.write(TOPICS.harvestIntent, INTENT, START);
    const snapshots = TOPICS.positionSnapshot;
    const offsets = log.offsets.bind(log);
    log.offsets = async (topic) =>
      (await offsets(topic)).map((one) => (topic === snapshots.name ? { ...one, begin: one.end - BEHIND } : one));
    const read = new Set<string>();
    const readLog = log.read.bind(log);
    log.read = (topic, range) => {
      read.add(topic);
      return readLog(topic, range);
    };
    const clock = new ReadClock(log);
    let waits = 0;
    clock.onShortSleep = () => {
      expect([...read]).not.toContain(snapshots.name);
      waits += 1;
      if (waits < 3) return;
      const all = Array.from({ length: snapshots.partitions }, (_, partition): [number, number] => [partition, 1]);
      log.commit('scoring', snapshots.name, new Map(all));
      log.offsets = offsets;
      clock.onShortSleep = () => {};
    };
    const { gauges } = await startWatcher(world, { groups: [{ group: 'scoring', topics: [snapshots] }] }, clock);
    expect(waits).toBe(3);
    expect(await gauges()).toEqual(['intents_without_reports']);
  });

  it('reads each record once', async () => {
    const world = await memorySession();
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
    const { readOn } = await startWatcher(world);
    const first = read.reduce((sum, n) => sum + n, 0);
    await readOn();
    await readOn();
    expect(read.reduce((sum, n) => sum + n, 0)).toBe(first);
    await world.write(TOPICS.positionSnapshot, SNAPSHOT, START + 11);
    await readOn();
    expect(read.reduce((sum, n) => sum + n, 0)).toBe(first + 1);
  });

  it('wait for a log that does not answer, log that once, and go on where they were', async () => {
    const world = await memorySession();
    let away = true;
    const { log } = world;
    const offsetsOf = log.offsets.bind(log);
    log.offsets = (topic) => (away ? Promise.reject(new Error('no broker')) : offsetsOf(topic));
    await world.write(TOPICS.harvestIntent, INTENT, START);
    await world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, mark_price: 100 }, START + 6 * MINUTE_MS);
    const { readOn, lines, gauges } = await startWatcher(world);
    await readOn();
    expect(lines).toEqual(['stall alerts wait for the log: no broker']);
    away = false;
    await readOn();
    expect(await gauges()).toEqual(['intents_without_reports']);
    away = true;
    await readOn();
    expect(await gauges()).toEqual(['intents_without_reports']);
    expect(lines).toHaveLength(3);
  });

  /** Three observations at the end of two days: what was written at START is just in sight. */
  async function twoDaysLater(world: MemorySession): Promise<void> {
    for (let minutes = 0; minutes < 3; minutes += 1) {
      const at = START + 48 * HOUR_MS + minutes * MINUTE_MS;
      await world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, mark_price: 100 }, at);
    }
  }

  it('see the answer that carries an earlier time than the first question in sight', async () => {
    const world = await memorySession();
    await world.write(TOPICS.harvestIntent, INTENT, START);
    await world.write(TOPICS.executionReport, REFUSED, START - 2 * MINUTE_MS);
    await twoDaysLater(world);
    const { gauges } = await startWatcher(world);
    expect(await gauges()).toEqual([]);
  });

  it('see the question at the very start of what is in sight, and none before it', async () => {
    const world = await memorySession();
    await world.write(TOPICS.harvestIntent, { ...INTENT, intent_id: 'before' as IntentId }, START - 1);
    await world.write(TOPICS.harvestIntent, INTENT, START);
    await twoDaysLater(world);
    const { lines } = await startWatcher(world);
    expect(lines).toEqual([expect.stringContaining('1 intent since 2026-02-02T03:40:00.000Z')]);
  });

  it('see every trade, however old, that no outcome lists', async () => {
    const world = await memorySession();
    await world.write(TOPICS.tradeClosed, TRADE, START - 300 * HOUR_MS);
    await twoDaysLater(world);
    const { gauges, readOn } = await startWatcher(world);
    expect(await gauges()).toEqual(['trades_without_outcomes']);
    await world.write(TOPICS.clmOutcome, OUTCOME, START - 300 * HOUR_MS);
    await readOn();
    expect(await gauges()).toEqual([]);
  });

  it('drop the intents of long ago, and name from when on they are known', async () => {
    const world = await memorySession();
    const winner = async (from: number, to: number): Promise<void> => {
      for (let hour = from; hour <= to; hour += 1)
        await world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, opened_at: START - 1 }, START + hour * HOUR_MS);
    };
    await winner(0, 2);
    await world.write(TOPICS.harvestIntent, INTENT, START + HOUR_MS);
    await world.write(TOPICS.executionReport, REFUSED, START + HOUR_MS);
    const { readOn, lines } = await startWatcher(world);
    expect(lines).toEqual([]);
    await winner(3, 60);
    await readOn();
    expect(lines[0]).toContain('no intent since 2026-02-02T15:40:00.000Z');
  });

  it('raise nothing of what is written while they read', async () => {
    const world = await memorySession();
    const { log } = world;
    const read = log.read.bind(log);
    let cycles = 0;
    const cycle = async (): Promise<void> => {
      // In one read they stay within what a source's clock may be ahead.
      const at = START + (cycles += 1) * (MINUTE_MS / 3);
      const intent_id = `intent ${cycles}` as IntentId;
      const trade_id = `trade ${cycles}` as TradeId;
      const client_order_id = clientOrderIdOf(intent_id);
      await world.write(TOPICS.modelSignal, SIGNAL, at);
      await world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, mark_price: 100 }, at);
      await world.write(TOPICS.harvestIntent, { ...INTENT, intent_id }, at);
      // Execution's clock stands.
      await world.write(TOPICS.executionReport, { ...REPORT, intent_id, client_order_id }, START);
      await world.write(TOPICS.tradeClosed, { ...TRADE, intent_id, client_order_id, trade_id }, at + 20);
      // Scoring works off a backlog: an intent has the time of its snapshot.
      const backlog = { intent_id: `backlog ${cycles}` as IntentId };
      await world.write(TOPICS.harvestIntent, { ...INTENT, ...backlog }, START);
      await world.write(TOPICS.executionReport, { ...REFUSED, ...backlog }, at + 30);
      // A fill that others ordered is found late, and has the venue's time.
      const found = `found ${cycles}` as TradeId;
      await world.write(TOPICS.tradeClosed, { ...TRADE, ...EXTERNAL, trade_id: found }, START);
      await world.write(TOPICS.clmOutcome, { ...OUTCOME, slices: [trade_id, found] }, at + 20);
    };
    log.read = async function* (topic, range) {
      for (let i = 0; i < 8; i += 1) await cycle();
      yield* read(topic, range);
    };
    const { readOn, lines } = await startWatcher(world);
    for (let reads = 0; reads < 3; reads += 1) await readOn();
    expect(lines).toEqual([]);
    expect(cycles).toBeGreaterThan(30);
  });

  it('find by the models that go on that the snapshots ended', async () => {
    const world = await memorySession();
    await world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, mark_price: 100 }, START);
    const { readOn, gauges } = await startWatcher(world);
    for (const minutes of [0, 30, 61]) await world.write(TOPICS.modelSignal, SIGNAL, START + minutes * MINUTE_MS);
    await readOn();
    expect(await gauges()).toEqual(['snapshots_ceased', 'feed_silent']);
  });

  describe('feed_silent', () => {
    const observed = (world: MemorySession, ...minutes: readonly number[]) =>
      Promise.all(
        minutes.map((minute) =>
          world.write(TOPICS.positionSnapshot, { ...SNAPSHOT, mark_price: 100 }, START + minute * MINUTE_MS),
        ),
      );

    it('stands while nothing comes of an account for three of its cycles, and is over when the feed is back', async () => {
      const world = await memorySession();
      await observed(world, 0, 1, 2, 3);
      const { clock, readOn, lines, gauges } = await startWatcher(world);
      clock.later = 3 * MINUTE_MS;
      await readOn();
      expect(await gauges()).toEqual([]);
      clock.later += 1;
      await readOn();
      expect(await gauges()).toEqual(['feed_silent']);
      expect(lines).toEqual([expect.stringMatching(/^alert feed_silent: .*desk-1/)]);
      clock.later = 0;
      await observed(world, 300);
      await readOn();
      expect(await gauges()).toEqual([]);
      expect(lines.slice(1)).toEqual(['alert feed_silent is over']);
    });

    it('is over when the positions end', async () => {
      const world = await memorySession();
      await observed(world, 0, 1, 2, 3);
      const { clock, readOn, gauges } = await startWatcher(world);
      clock.later = 10 * MINUTE_MS;
      await readOn();
      expect(await gauges()).toEqual(['feed_silent']);
      const end = { ...TRADE, ...EXTERNAL, remaining_quantity: 0 };
      await world.write(TOPICS.tradeClosed, end, START + 4 * MINUTE_MS);
      await world.write(TOPICS.clmOutcome, OUTCOME, START + 4 * MINUTE_MS);
      await readOn();
      expect(await gauges()).toEqual([]);
    });

    it('is seen by a process that starts after the feed died', async () => {
      const world = await memorySession();
      await observed(world, 0, 1, 2, 3);
      await world.write(TOPICS.deskControl, GOOD_RECORDS[TOPICS.deskControl.name], START + 100 * HOUR_MS);
      const { gauges } = await startWatcher(world);
      expect(await gauges()).toEqual(['feed_silent']);
    });

    it("is not raised by a source's clock that is slow, as long as records come", async () => {
      const world = await memorySession();
      await observed(world, 0, 1, 2);
      const { clock, readOn, lines } = await startWatcher(world);
      for (let minute = 3; minute < 20; minute += 1) {
        await observed(world, minute);
        clock.later = minute * MINUTE_MS;
        await readOn();
      }
      expect(lines).toEqual([]);
    });
  });

  it('keep the limits they are given, and print commands for the log they read', async () => {
    const world = await memorySession();
    for (let minutes = 0; minutes <= 180; minutes += 10)
      await world.write(TOPICS.positionSnapshot, SNAPSHOT, START + minutes * MINUTE_MS);
    const patient = await startWatcher(world, { stallLimits: stallLimits({ heldFor: 4 * HOUR_MS }) });
    expect(patient.lines).toEqual([]);
    const { lines } = await startWatcher(world, { logWords: ' --brokers b:9092' });
    expect(lines[0]).toContain('harvestline explain --brokers b:9092 desk-1:BTCUSDT');
  });

  it('WAT-19: reads of two callers follow each other, and the pause of the one that waits last is kept', async () => {
    const world = await memorySession();
    const { log, codec } = world;
    const order: string[] = [];
    const observer = {
      [TOPICS.positionSnapshot.name]: () => order.push('snapshot'),
      [TOPICS.harvestIntent.name]: () => order.push('intent'),
    };
    const reader = await StallReader.open({ log, codec, policy: defaultPolicy(), now: () => null, observer });
    await world.write(TOPICS.positionSnapshot, SNAPSHOT, START);
    await world.write(TOPICS.harvestIntent, INTENT, START);
    const { signal } = new AbortController();
    const slow = reader.readOn(
      signal,
      () => new Promise(() => {}),
      () => order.push('first'),
    );
    const quick = reader.readOn(
      signal,
      () => Promise.resolve(),
      () => order.push('second'),
    );
    await Promise.all([slow, quick]);
    expect(order).toEqual(['snapshot', 'intent', 'first', 'second']);
  });

  it('end with the process', async () => {
    const { stop, done } = await startWatcher(await memorySession());
    stop.abort();
    await expect(done).resolves.toBeUndefined();
  });
});
