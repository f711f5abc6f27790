import { expect, test } from 'vitest';
import { BroadcastInputs } from '../../../pipelines/runtime/broadcast-inputs.ts';
import type { Processor } from '../../../pipelines/runtime/processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { memorySession } from '../../fixtures/memory-log.ts';
import { proposalOf } from '../../fixtures/calibration-record.ts';

const TOPIC = TOPICS.confidenceCalibration;

async function follower() {
  const world = await memorySession();
  const clock = new VirtualClock(0);
  const seen: string[] = [];
  const processor: Processor = {
    name: 'scoring',
    inputs: [],
    broadcasts: [TOPIC],
    onBroadcast: ({ record }) => void seen.push('version' in record ? record.version : '?'),
    process: () => Promise.resolve([]),
  };
  const topics = new BroadcastInputs({ ...world, processor, clock, logger: SILENT_LOGGER });
  const write = (version: string, partition?: number) => world.write(TOPIC, proposalOf(version), 1, partition);
  return { world, clock, topics, seen, write };
}

test('RUN-1: every record once, in the order of its partition, however often it is looked', async () => {
  const { topics, seen, write } = await follower();
  for (const version of ['a', 'b', 'c', 'd']) await write(version, 2);
  await topics.catchUp();
  await topics.catchUp();
  await write('e', 2);
  await write('f', 0);
  await topics.catchUp();
  expect(seen).toEqual(['a', 'b', 'c', 'd', 'f', 'e']);
});

test('a look is due a second after the last', async () => {
  const { clock, topics, seen, write } = await follower();
  await topics.catchUp();
  await write('a');
  clock.set(999);
  await topics.refresh();
  expect(seen).toEqual([]);
  clock.set(1000);
  await topics.refresh();
  expect(seen).toEqual(['a']);
});

test('RUN-2: what does not decode is passed over', async () => {
  const { world, topics, seen, write } = await follower();
  await write('a', 1);
  const key = Buffer.from('m');
  await world.log.append([{ topic: TOPIC.name, key, value: Buffer.from('not avro'), timestamp: 1, partition: 1 }]);
  await write('b', 1);
  await topics.catchUp();
  expect(seen).toEqual(['a', 'b']);
});

test('RUN-3: callers at the same time share one look', async () => {
  const { topics, seen, write } = await follower();
  await write('a');
  await Promise.all([topics.catchUp(), topics.catchUp(), topics.catchUp()]);
  expect(seen).toEqual(['a']);
});
