import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openForReading } from '../../../cli/log-session/log-session.ts';
import { compareInThreads } from '../../../cli/replay/compare-in-threads.ts';
import { comparePolicies } from '../../../pipelines/replay/compare-policies.ts';
import { NO_COSTS } from '../../../pipelines/replay/trading-costs.ts';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { CURRENT_POLICY, LEGACY_POLICY } from '../../fixtures/policies.ts';

/** Forty positions over every partition, and one record that is no snapshot. */
async function aLog(): Promise<string> {
  const folder = folderForTest();
  const log = EmbeddedLog.open(folder, new VirtualClock(0));
  await log.createTopics(allTopicSpecs());
  await registerSchemas(log.registry);
  const writer = new TopicWriter('snapshots', await RecordCodec.open(log.registry));
  const snapshots = Array.from({ length: 400 }, (_, index) =>
    aSnapshot({ symbol: `S${index % 40}USDT`, r: (index * 7) % 12, age: 1 + index / 100 }),
  );
  await log.append(snapshots.map((one) => writer.encode(TOPICS.positionSnapshot, one, one.observed_at)));
  await log.append([
    { topic: TOPICS.positionSnapshot.name, key: null, value: Buffer.from('?'), timestamp: 0, partition: 3 },
  ]);
  await log.close();
  return folder;
}

describe('compareInThreads', () => {
  it('CLR-1: gives what one thread gives, to the last digit, and reports every record', async () => {
    const data = await aLog();
    const world = await openForReading({ data });
    const options = {
      current: CURRENT_POLICY,
      candidate: LEGACY_POLICY,
      window: { from: null, to: null },
      raw: false,
      listed: 30,
    };
    let read = 0;
    const threaded = await comparePolicies(world, {
      ...options,
      random: new SeededRandom(1),
      threads: {
        compare: (comparison) => compareInThreads({ ...comparison, world: { data }, seed: 1 }),
        worthRecords: 1,
      },
      onRecords: (records) => (read += records),
    });
    expect(threaded).toEqual(await comparePolicies(world, { ...options, random: new SeededRandom(1) }));
    expect(threaded).toMatchObject({ snapshots: 400, undecodable: 1 });
    expect(read).toBe(401);
    await world.close();
  });

  it('CLR-2: an error of a thread is thrown with its code', async () => {
    const data = await aLog();
    rmSync(join(data, 'log.sqlite'));
    const compare = compareInThreads({
      world: { data },
      current: CURRENT_POLICY,
      candidate: LEGACY_POLICY,
      maps: null,
      costs: NO_COSTS,
      listed: 0,
      seed: 1,
    });
    await expect(compare([{ partition: 0, begin: 0, end: 1 }], () => {})).rejects.toMatchObject({
      name: 'HarvestlineError',
      code: 'LOG_UNREADABLE',
    });
  });
});
