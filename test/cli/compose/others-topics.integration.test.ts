/** What others do to the topics of a chain at work: retention, transactions, tombstones, and topics that are deleted and made again. */
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { discardLetters } from '../../../pipelines/dlq/discard-letters.ts';
import type { RunOptions } from '../../../cli/compose/run.ts';
import { statusReport } from '../../../pipelines/status/status-reader.ts';
import { ConfluentRegistry } from '../../../connectors/kafka/confluent-registry.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs, deadLetterTopicOf } from '../../../schemas/topics.ts';
import type { PositionId } from '../../../schemas/generated/records.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { slice } from '../../fixtures/slices.ts';
import { emptiedTestBroker } from '../../tools/kafka/emptied-broker.ts';
import { started } from '../../tools/kafka/test-broker.ts';
import { lagOf } from './lag.ts';
import { rawRecordsOf, recordsOf, startRun } from './run-in-process.ts';

const { positionSnapshot: SNAPSHOTS, harvestIntent: INTENTS, tradeClosed: TRADES, clmOutcome: OUTCOMES } = TOPICS;
const PATIENCE = { timeout: 60_000, interval: 100 };

const clock = new SystemClock();
const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)("others' topics", () => {
  const { brokers: addresses, registryUrl } = started(broker);
  const brokers = addresses ?? [];
  const registry = new ConfluentRegistry({ url: registryUrl });
  const open = (): KafkaLog => KafkaLog.open({ brokers, clock, logger: SILENT_LOGGER });
  const log = open();
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  let codec: RecordCodec;
  beforeAll(async () => {
    await admin.connect();
    const quick = {
      'cleanup.policy': 'compact',
      'retention.ms': '-1',
      'segment.ms': '1000',
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': '100',
    };
    const configEntries = Object.entries(quick).map(([name, value]) => ({ name, value }));
    // `log.createTopics` waits for it: a broker that still removes other topics lists it a moment later.
    const topics = [{ topic: OUTCOMES.name, numPartitions: OUTCOMES.partitions, configEntries }];
    await admin.createTopics({ waitForLeaders: false, topics });
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    codec = await RecordCodec.open(registry);
  });
  afterAll(() => Promise.all([log.close(), admin.disconnect()]));

  /** `run` with those processors, and what it says: code and topic of each line that has them. */
  async function work(...processors: RunOptions['processors']) {
    const lines: { readonly level: string; readonly code: unknown; readonly topic: unknown; readonly text: string }[] =
      [];
    const say =
      (level: string) =>
      (context: object, text: string): void => {
        const { code, topic } = context as { code?: unknown; topic?: unknown };
        lines.push({ level, code, topic, text });
      };
    const logger: Logger = { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') };
    const connect = () => {
      const own = open();
      return Promise.resolve({ log: own, openCodec: () => RecordCodec.open(registry), close: () => own.close() });
    };
    const running = await startRun(
      () => {
        throw new Error('the embedded log is not worked here');
      },
      { processors, connect, logger },
    );
    onTestFinished(() => running.drain.abort());
    const stop = async (): Promise<void> => {
      running.drain.abort();
      await running.done;
    };
    return { ...running, lines, stop };
  }

  async function snapshots(symbols: readonly string[], times = 1): Promise<void> {
    const writer = new TopicWriter('snapshots', codec);
    const now = clock.now();
    const records = Array.from({ length: times }, () =>
      symbols.map((symbol) =>
        writer.encode(SNAPSHOTS, aSnapshot({ symbol, r: 9 }, { observed_at: now, opened_at: now - 60_000 }), now),
      ),
    );
    await log.append(records.flat());
  }

  const scored = async (): Promise<void> => expect(await lagOf(log, 'scoring', SNAPSHOTS.name)).toBe(0);
  const status = () => statusReport({ log, codec, counts: () => 0, countsOffsets: true, liveNow: () => clock.now() });

  it('RUN-8, RUN-9, retention-overtook: what was never read is logged once, counted, in status, and an alert until somebody has seen it', async () => {
    const symbols = Array.from({ length: 12 }, (_, index) => `S${index}USDT`);
    const first = await work('scoring');
    await snapshots(symbols);
    await vi.waitFor(scored, PATIENCE);
    await first.stop();
    await snapshots(symbols, 10);
    const before = await log.committed('scoring', SNAPSHOTS.name);
    const ends = await log.offsets(SNAPSHOTS.name);
    // Two are left of each partition, and of the first that had some, nothing.
    const emptied = ends.find(({ partition, end }) => end > (before.get(partition) ?? 0))?.partition;
    const kept = ends.map(({ partition, end }) => ({
      partition,
      offset: partition === emptied ? end : Math.max(before.get(partition) ?? 0, end - 2),
    }));
    await admin.fetchTopicOffsets(SNAPSHOTS.name);
    await admin.deleteTopicRecords({
      topic: SNAPSHOTS.name,
      partitions: kept.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
    });
    const lost = kept
      .map(({ partition, offset }) => offset - (before.get(partition) ?? 0))
      .filter((count) => count > 0);
    const total = lost.reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThan(100);
    expect((await status()).topics[SNAPSHOTS.name]?.never_read).toEqual({ scoring: total });

    const second = await work('scoring');
    await vi.waitFor(scored, PATIENCE);
    expect(second.lines.filter(({ code }) => code === 'RECORDS_NEVER_READ')).toHaveLength(lost.length);
    expect((await second.get('/metrics')).body).toContain(
      `harvestline_records_never_read_total{group="scoring",topic="${SNAPSHOTS.name}"} ${total}`,
    );
    await second.stop();
    const committed = await log.committed('scoring', SNAPSHOTS.name);
    expect(committed.size).toBe(SNAPSHOTS.partitions);
    const third = await work('scoring');
    await snapshots(['AFTERUSDT']);
    await vi.waitFor(scored, PATIENCE);
    expect(third.lines.filter(({ code }) => code === 'RECORDS_NEVER_READ')).toEqual([]);
    await third.stop();

    const report = await status();
    expect(report.topics[SNAPSHOTS.name]?.never_read).toEqual({ scoring: total });
    expect(report.alerts).toContainEqual(
      expect.objectContaining({
        name: 'records_never_read',
        evidence: expect.stringContaining(`${total} of ${SNAPSHOTS.name} by scoring`),
      }),
    );
    const letters = await rawRecordsOf(log, deadLetterTopicOf(SNAPSHOTS.name));
    expect(letters).toHaveLength(lost.length);
    const options = { by: 'alice', reason: 'seen', now: clock.now(), dryRun: false };
    await discardLetters({ log, codec }, { kind: 'code', code: 'RECORDS_NEVER_READ' }, options);
    const seen = await status();
    expect(seen.topics[SNAPSHOTS.name]?.never_read).toEqual({});
    expect(seen.alerts.map(({ name }) => name)).not.toContain('records_never_read');
    expect(await recordsOf({ log, codec }, INTENTS.name)).not.toEqual([]);
  });

  it('open-transaction-lag: what waits behind a transaction is shown, and an alert while it lasts; then all goes on and lag is 0', async () => {
    const running = await work('scoring');
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
    const writer = new TopicWriter('snapshots', codec);
    const encoded = (symbol: string) => {
      const now = clock.now();
      const snapshot = aSnapshot({ symbol, r: 9 }, { observed_at: now, opened_at: now - 60_000 });
      return writer.encode(SNAPSHOTS, snapshot, now);
    };
    const producer = kafka.producer({ transactionalId: 'snapshots', maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    const began = clock.now();
    const begin = async (symbol: string) => {
      const transaction = await producer.transaction();
      const { key, value } = encoded(symbol);
      const message = { key: Buffer.from(key ?? []), value: Buffer.from(value ?? []), partition: 0 };
      await transaction.send({ topic: SNAPSHOTS.name, messages: [message] });
      return transaction;
    };
    await (await begin('COMMITTEDUSDT')).commit();
    await (await begin('ABORTEDUSDT')).abort();
    const lasting = await begin('OPENUSDT');
    await log.append([{ ...encoded('BEHINDUSDT'), partition: 0 }]);
    const intended = async (): Promise<readonly string[]> => {
      const intents = await recordsOf({ log, codec }, INTENTS.name);
      return intents.map(({ symbol }) => symbol).filter((symbol) => /^(?:COMMITTED|ABORTED|OPEN|BEHIND)/.test(symbol));
    };
    await vi.waitFor(async () => expect(await intended()).toEqual(['COMMITTEDUSDT']), PATIENCE);
    await vi.waitFor(scored, PATIENCE);
    const held = (await status()).topics[SNAPSHOTS.name];
    expect(held).toMatchObject({ counted: 'offsets', lag: { scoring: 0 }, held_back: [{ partition: 0, offsets: 2 }] });
    expect(held?.held_back[0]?.since).toBeGreaterThanOrEqual(began);
    const raised = (said: string): boolean => running.lines.some(({ text }) => text.includes(said));
    await vi.waitFor(() => expect(raised('alert transaction_open: 2 offsets wait')).toBe(true), PATIENCE);
    expect((await status()).alerts).toContainEqual(
      expect.objectContaining({ name: 'transaction_open', since: held?.held_back[0]?.since }),
    );
    expect((await running.get('/metrics')).body).toMatch(
      /harvestline_held_back\{topic="position.snapshot",partition="0"\} 2/,
    );
    await lasting.abort();
    await vi.waitFor(async () => expect(await intended()).toEqual(['COMMITTEDUSDT', 'BEHINDUSDT']), PATIENCE);
    await vi.waitFor(scored, PATIENCE);
    await vi.waitFor(() => expect(raised('alert transaction_open is over')).toBe(true), PATIENCE);
    const after = await status();
    expect(after.topics[SNAPSHOTS.name]).toMatchObject({ lag: { scoring: 0 }, held_back: [] });
    expect(after.alerts.map(({ name }) => name)).not.toContain('transaction_open');
    await running.stop();
  });

  /** Trades that close a position each. */
  async function trades(...positions: readonly string[]): Promise<void> {
    const writer = new TopicWriter('execution', codec);
    const now = clock.now();
    await log.append(
      positions.map((position) => {
        const traits = {
          position_id: position as PositionId,
          remaining_quantity: 0,
          opened_at: now - 5000,
          closed_at: now,
        };
        return writer.encode(TRADES, slice(`trade of ${position}`, traits), now);
      }),
    );
  }

  const finals = async (): Promise<readonly string[]> => {
    const outcomes = new Map((await recordsOf({ log, codec }, OUTCOMES.name)).map((one) => [one.position_id, one]));
    const live = new Set<string>();
    for (const { key, value } of await rawRecordsOf(log, OUTCOMES.name)) {
      const name = Buffer.from(key ?? []).toString();
      if (value === null) live.delete(name);
      else live.add(name);
    }
    return [...outcomes.values()]
      .flatMap(({ position_id, status: is }) => (is === 'FINAL' && live.has(position_id) ? [position_id] : []))
      .toSorted();
  };

  it('kill-switch-tombstone: an outcome that a tombstone took is made again, while CLM runs and at its next start', async () => {
    const bury = async (position: string): Promise<number> => {
      const before = (await rawRecordsOf(log, OUTCOMES.name)).find(
        ({ key }) => Buffer.from(key ?? []).toString() === position,
      );
      const { partition = 0, key = null } = before ?? {};
      await log.append([{ topic: OUTCOMES.name, key, value: null, timestamp: clock.now(), partition }]);
      return partition;
    };
    const running = await work('clm');
    await trades('one', 'two');
    await vi.waitFor(async () => expect(await finals()).toEqual(['one', 'two']), PATIENCE);
    await bury('one');
    await vi.waitFor(async () => expect(await finals()).toEqual(['one', 'two']), PATIENCE);
    expect(running.lines.filter(({ text }) => text.includes('tombstone on clm.outcome'))).toHaveLength(1);
    await running.stop();

    const partition = await bury('two');
    await vi.waitFor(
      async () => {
        // So that the segment rolls.
        await log.append([
          {
            topic: OUTCOMES.name,
            key: Buffer.from('another'),
            value: Buffer.from('x'),
            timestamp: clock.now(),
            partition,
          },
        ]);
        const keys = (await rawRecordsOf(log, OUTCOMES.name)).map(({ key }) => Buffer.from(key ?? []).toString());
        expect(keys).not.toContain('two');
      },
      { timeout: 100_000, interval: 1500 },
    );
    const again = await work('clm');
    await vi.waitFor(async () => expect(await finals()).toEqual(['one', 'two']), PATIENCE);
    await again.stop();
  });
});
