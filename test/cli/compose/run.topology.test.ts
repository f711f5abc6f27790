import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs, deadLetterTopicOf } from '../../../schemas/topics.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { deservingIntents, freshSnapshots } from './fresh-snapshots.ts';
import { lagOf } from './lag.ts';
import { type PreparedLog, preparedLog, rawRecordsOf, recordsOf, startRun } from './run-in-process.ts';

const SNAPSHOTS = TOPICS.positionSnapshot;
const NOW = new SystemClock().now();

/** Far longer than it takes on a busy machine. */
const PATIENCE = { timeout: 20_000 };

async function append({ log, codec }: PreparedLog, snapshots: readonly PositionSnapshot[]): Promise<void> {
  const source = new TopicWriter('snapshots', codec);
  await log.append(snapshots.map((snapshot) => source.encode(SNAPSHOTS, snapshot, snapshot.observed_at)));
}

describe('run', () => {
  it('CLI-3: works the chain, is ready, measures it, and drains: everything done is committed', async () => {
    const world = await preparedLog();
    const snapshots = freshSnapshots(12, NOW);
    const running = await startRun(world.open);
    await append(world, snapshots);
    await vi.waitFor(async () => expect(await recordsOf(world, TOPICS.clmOutcome.name)).toHaveLength(8), PATIENCE);
    await vi.waitFor(async () => expect((await running.get('/ready')).status).toBe(200), PATIENCE);
    expect((await running.get('/live')).status).toBe(200);

    const intents = await recordsOf(world, TOPICS.harvestIntent.name);
    expect(intents.map(({ intent_id }) => intent_id).toSorted()).toEqual(
      deservingIntents(snapshots)
        .map(({ intent_id }) => intent_id)
        .toSorted(),
    );
    const { body } = await running.get('/metrics');
    expect(body).toContain('harvestline_decisions_total{action="HOLD"} 4\n');
    expect(body).toContain('harvestline_intents_total 8\n');
    expect(body).toContain('harvestline_reports_total{status="SUBMITTED"} 8\n');
    expect(body).toContain(`harvestline_records_total{processor="scoring",topic="${SNAPSHOTS.name}"} 12\n`);
    expect(body).toContain('harvestline_order_seconds_count 8\n');
    expect(body).toContain('harvestline_gate_needed 50\n');

    running.drain.abort();
    await running.done;
    expect(await lagOf(world.log, 'scoring', SNAPSHOTS.name)).toBe(0);
    expect(await lagOf(world.log, 'execution', TOPICS.harvestIntent.name)).toBe(0);
    expect(await lagOf(world.log, 'clm', TOPICS.tradeClosed.name)).toBe(0);
    await expect(running.get('/live')).rejects.toThrow();
  });

  it('RUN-15: reports and trades of an intent lie in the partition of the intent, where its key says', async () => {
    const world = await preparedLog();
    await append(world, freshSnapshots(9, NOW));
    await startRun(world.open);
    const trades = TOPICS.tradeClosed.name;
    await vi.waitFor(async () => expect(await rawRecordsOf(world.log, trades)).toHaveLength(6), PATIENCE);
    const places = new Map<string, Set<number>>();
    for (const topic of [TOPICS.harvestIntent, TOPICS.executionReport, TOPICS.tradeClosed]) {
      for (const { key, partition } of await rawRecordsOf(world.log, topic.name)) {
        const name = Buffer.from(key ?? []).toString();
        places.set(name, (places.get(name) ?? new Set()).add(partition));
      }
    }
    expect([...places.values()].map(({ size }) => size)).toEqual(Array.from({ length: 6 }, () => 1));
    expect(new Set([...places.values()].flatMap((partitions) => [...partitions])).size).toBeGreaterThan(1);
  });

  it('CLI-4: a processor that cannot go on ends the run with its error; the others drain first', async () => {
    const world = await preparedLog();
    const running = await startRun(world.open, {
      exchange: () =>
        Promise.resolve({
          venue: 'broken',
          rules: () => Promise.reject(new TypeError('the venue client is broken')),
          position: () => Promise.reject(new Error('not asked')),
          markPrice: () => Promise.reject(new Error('not asked')),
          place: () => Promise.reject(new Error('not asked')),
          lookUp: () => Promise.reject(new Error('not asked')),
          cancel: () => Promise.reject(new Error('not asked')),
          charges: () => Promise.reject(new Error('not asked')),
          resting: () => Promise.reject(new Error('not asked')),
          cancelResting: () => Promise.reject(new Error('not asked')),
        }),
    });
    await append(world, freshSnapshots(3, NOW));
    await expect(running.done).rejects.toThrow('the venue client is broken');
    expect(await lagOf(world.log, 'scoring', SNAPSHOTS.name)).toBe(0);
    expect(await lagOf(world.log, 'execution', TOPICS.harvestIntent.name)).toBe(2);
    expect(await rawRecordsOf(world.log, deadLetterTopicOf(TOPICS.harvestIntent.name))).toEqual([]);
  });

  it('says what is missing and what to type: topics', async () => {
    const folder = folderForTest();
    const running = await startRun(() => EmbeddedLog.open(folder, new SystemClock()));
    await expect(running.done).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      remedy: expect.stringMatching(/harvestline topics apply/),
    });
    await expect(running.done).rejects.toThrow(SNAPSHOTS.name);
  });

  it('says what is missing and what to type: schemas', async () => {
    const folder = folderForTest();
    const open = (): EmbeddedLog => EmbeddedLog.open(folder, new SystemClock());
    const log = open();
    onTestFinished(() => log.close());
    await log.createTopics(allTopicSpecs());
    const running = await startRun(open);
    await expect(running.done).rejects.toMatchObject({
      code: 'SCHEMA_NOT_REGISTERED',
      remedy: expect.stringMatching(/harvestline schemas register/),
    });
  });

  it('refuses topics that execution could not restore its ledger from', async () => {
    const folder = folderForTest();
    const open = (): EmbeddedLog => EmbeddedLog.open(folder, new SystemClock());
    const log = open();
    onTestFinished(() => log.close());
    const specs = allTopicSpecs().map((spec) =>
      spec.name === TOPICS.executionReport.name ? { ...spec, partitions: spec.partitions + 1 } : spec,
    );
    await log.createTopics(specs);
    await registerSchemas(log.registry);
    const running = await startRun(open);
    await expect(running.done).rejects.toMatchObject({ code: 'TOPICS_NOT_CO_PARTITIONED' });
  });

  it('waits for a world that is away at the start, live and not ready, and says why', async () => {
    const world = await preparedLog();
    let away = true;
    const running = await startRun(world.open, {
      connect: () => {
        if (away) return Promise.reject(new HarvestlineError('REGISTRY_AWAY', 'connection refused'));
        const log = world.open();
        return Promise.resolve({ log, openCodec: () => RecordCodec.open(log.registry), close: () => log.close() });
      },
    });
    await vi.waitFor(
      async () => expect((await running.get('/ready')).body).toContain('connecting: REGISTRY_AWAY'),
      PATIENCE,
    );
    expect((await running.get('/ready')).status).toBe(503);
    expect((await running.get('/live')).status).toBe(200);
    away = false;
    await vi.waitFor(async () => expect((await running.get('/ready')).status).toBe(200), PATIENCE);
  });

  it('drains while the world is away', async () => {
    const running = await startRun(
      () => {
        throw new Error('not reached');
      },
      { connect: () => Promise.reject(new HarvestlineError('REGISTRY_AWAY', 'connection refused')) },
    );
    await vi.waitFor(async () => expect((await running.get('/ready')).status).toBe(503), PATIENCE);
    running.drain.abort();
    await running.done;
  });

  it('CLI-5: a venue that is away means back-off and not ready, no dead letters; the drain gives the batch up', async () => {
    const world = await preparedLog();
    const away = (): Promise<never> => Promise.reject(new HarvestlineError('EXCHANGE_AWAY', 'no route'));
    const errors: string[] = [];
    const running = await startRun(world.open, {
      logger: { ...SILENT_LOGGER, error: (_, message) => errors.push(message) },
      exchange: () =>
        Promise.resolve({
          venue: 'away',
          rules: away,
          position: away,
          markPrice: away,
          place: away,
          lookUp: away,
          cancel: away,
          charges: away,
          resting: away,
          cancelResting: away,
        }),
    });
    await append(world, freshSnapshots(1, NOW));
    await vi.waitFor(async () => expect((await running.get('/ready')).body).toContain('EXCHANGE_AWAY'), PATIENCE);
    expect((await running.get('/ready')).status).toBe(503);
    expect((await running.get('/live')).status).toBe(200);
    const { body } = await running.get('/metrics');
    expect(body).toContain('harvestline_back_off{processor="execution"} 1\n');
    expect(body).toMatch(/harvestline_retries_total\{processor="execution",code="EXCHANGE_AWAY"\} [1-9]/);
    running.drain.abort();
    await running.done;
    expect(errors).toEqual([]);
    expect(await lagOf(world.log, 'execution', TOPICS.harvestIntent.name)).toBe(1);
    expect(await rawRecordsOf(world.log, deadLetterTopicOf(TOPICS.harvestIntent.name))).toEqual([]);
  });

  it('a drain in the middle of a backlog of intents waits for some of them, and leaves the rest uncommitted', async () => {
    const world = await preparedLog();
    const [closed] = freshSnapshots(1, NOW);
    if (closed === undefined) throw new Error('no snapshot');
    let asked = 0;
    const drained = Promise.withResolvers<void>();
    const unused = (): Promise<never> => Promise.reject(new Error('not reached'));
    const running = await startRun(world.open, {
      // It knows no symbol: every intent asks for one, and is suppressed.
      exchange: () =>
        Promise.resolve({
          venue: 'slow',
          rules: async () => {
            asked += 1;
            running.drain.abort();
            await drained.promise;
            return null;
          },
          position: unused,
          markPrice: unused,
          place: unused,
          lookUp: unused,
          cancel: unused,
          charges: unused,
          resting: unused,
          cancelResting: unused,
        }),
    });
    await append(
      world,
      Array.from({ length: 100 }, (_, index) => ({ ...closed, observed_at: NOW + index })),
    );
    await vi.waitFor(() => expect(running.drain.signal.aborted).toBe(true), PATIENCE);
    drained.resolve();
    await running.done;
    expect(asked).toBeLessThan(50);
    expect(await lagOf(world.log, 'execution', TOPICS.harvestIntent.name)).toBe(100 - asked);
    expect(await recordsOf(world, TOPICS.executionReport.name)).toHaveLength(asked);
  });

  it('counts dead letters by topic and code, and the next record is scored', async () => {
    const world = await preparedLog();
    const running = await startRun(world.open);
    await world.log.append([{ topic: SNAPSHOTS.name, key: null, value: Buffer.from('not avro'), timestamp: 0 }]);
    await append(world, freshSnapshots(1, NOW));
    await vi.waitFor(
      async () => expect(await rawRecordsOf(world.log, TOPICS.harvestIntent.name)).toHaveLength(1),
      PATIENCE,
    );
    const { body } = await running.get('/metrics');
    expect(body).toContain(`harvestline_dead_letters_total{topic="${SNAPSHOTS.name}",code="NOT_WIRE_FORMAT"} 1\n`);
  });
});
