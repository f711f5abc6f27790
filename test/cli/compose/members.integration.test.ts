import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../../cli/compose/run.ts';
import { PaperExchange } from '../../../connectors/exchange/paper/paper-exchange.ts';
import { kafkaClient } from '../../../connectors/kafka/kafka-client.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { emptiedTestBroker } from '../../tools/kafka/emptied-broker.ts';
import { started } from '../../tools/kafka/test-broker.ts';
import { MemoryRegistry } from '../../fixtures/memory-registry.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { auditLog } from '../audit-data-folder.ts';
import { defaultPolicy, deservingIntents, freshSnapshots } from './fresh-snapshots.ts';
import { lagOf } from './lag.ts';

/** Far longer than several rebalances take. */
const PATIENCE = { timeout: 60_000, interval: 100 };

/** A group waits that long for members that are gone. Unit: milliseconds. */
const SHORT_SESSION = { sessionTimeoutMs: 2000 };

const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('members of the groups on Kafka', () => {
  const { brokers } = started(broker);
  const clock = new SystemClock();
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const open = (): KafkaLog => KafkaLog.open({ brokers, clock, logger: SILENT_LOGGER });
  const log = open();
  afterAll(() => log.close());
  let registry: MemoryRegistry;
  beforeAll(async () => {
    registry = await MemoryRegistry.withOwnSchemas();
    await log.createTopics(allTopicSpecs());
  });

  /** All processors, as one process runs them. */
  function startMember() {
    const drain = new AbortController();
    const random = new SeededRandom(1);
    const exchange = new PaperExchange({ path: join(folder.path, 'paper-exchange.sqlite'), clock, random });
    const url = Promise.withResolvers<string>();
    const ended = run(
      {
        desk: null,
        processors: ['scoring', 'execution', 'clm'],
        sources: {},
        connect: () => {
          const own = open();
          const subscribe = own.subscribe.bind(own);
          own.subscribe = (options, handler) => subscribe({ ...options, ...SHORT_SESSION }, handler);
          return Promise.resolve({ log: own, openCodec: () => RecordCodec.open(registry), close: () => own.close() });
        },
        policy: defaultPolicy(),
        exchange: () => Promise.resolve(exchange),
        from: 'beginning',
        http: { host: '127.0.0.1', port: 0, allowedHosts: [], token: null },
        onListening: url.resolve,
        clock,
        logger: SILENT_LOGGER,
      },
      drain,
    ).finally(() => exchange.close());
    return {
      isReady: async () => (await fetch(`${await url.promise}/ready`)).status === 200,
      leave: () => {
        drain.abort();
        return ended;
      },
    };
  }

  async function produce(snapshots: readonly PositionSnapshot[]): Promise<void> {
    const source = new TopicWriter('snapshots', await RecordCodec.open(registry));
    await log.append(snapshots.map((one) => source.encode(TOPICS.positionSnapshot, one, one.observed_at)));
  }

  async function expectWorkedOff(): Promise<void> {
    await vi.waitFor(async () => {
      expect(await lagOf(log, 'scoring', TOPICS.positionSnapshot.name)).toBe(0);
      expect(await lagOf(log, 'execution', TOPICS.harvestIntent.name)).toBe(0);
      expect(await lagOf(log, 'clm', TOPICS.tradeClosed.name)).toBe(0);
    }, PATIENCE);
  }

  async function groups() {
    const admin = kafkaClient({ brokers, clock, logger: SILENT_LOGGER }).admin();
    await admin.connect();
    const described = await admin.describeGroups(['scoring', 'execution', 'clm']);
    await admin.disconnect();
    return described.groups.map(({ state, members }) => ({ state, members: members.length }));
  }

  /** What stands in the topics is sound, and has these snapshots' intents. */
  async function expectSound(snapshots: readonly PositionSnapshot[]): Promise<void> {
    const { violations, contents } = await auditLog({ log, codec: await RecordCodec.open(registry) }, folder.path);
    expect(violations).toEqual([]);
    expect(new Set(contents.intents.map(({ intent_id }) => intent_id))).toEqual(
      new Set(deservingIntents(snapshots).map(({ intent_id }) => intent_id)),
    );
    expect(contents.trades.length).toBeGreaterThan(50);
  }

  const snapshots = freshSnapshots(150, clock.now());

  it('come and go while intents are worked: every intent once, whoever has the partition', async () => {
    const first = startMember();
    await produce(snapshots.slice(0, 50));
    const second = startMember();
    await vi.waitFor(async () => expect(await second.isReady()).toBe(true), PATIENCE);
    await produce(snapshots.slice(50, 100));
    await first.leave();
    const third = startMember();
    await produce(snapshots.slice(100));
    await vi.waitFor(async () => expect(await third.isReady()).toBe(true), PATIENCE);
    await expectWorkedOff();
    await Promise.all([second.leave(), third.leave()]);
    await expectSound(snapshots);
  });

  it('are not ready from when the broker goes until they are back in their groups, and then work on', async () => {
    if ('skipped' in broker) return;
    const member = startMember();
    await vi.waitFor(async () => expect(await member.isReady()).toBe(true), PATIENCE);
    await broker.killBroker();
    await vi.waitFor(async () => expect(await member.isReady()).toBe(false), PATIENCE);
    await broker.startBrokerAgain();
    const more = freshSnapshots(30, clock.now());
    await produce(more);
    await vi.waitFor(async () => expect(await member.isReady()).toBe(true), PATIENCE);
    // Ready means at work: no group still waits for the session of a member that is gone.
    expect(await groups()).toEqual(Array.from({ length: 3 }, () => ({ state: 'Stable', members: 1 })));
    await expectWorkedOff();
    await member.leave();
    await expectSound([...snapshots, ...more]);
  });
});
