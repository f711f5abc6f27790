import { expect, it } from 'vitest';
import { EmbeddedDeskLog } from '../../connectors/desk-log.ts';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { deadLetterOf } from '../../pipelines/runtime/dead-letter.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { registerSchemas } from '../../schemas/registry.ts';
import { TOPICS, allTopicSpecs, deadLetterTopicOf } from '../../schemas/topics.ts';
import { eventLogContract } from '../event-log.contract.ts';
import { folderForTest, temporaryFolder } from '../fixtures/temporary-folder.ts';

const ALPHA = new DeskNames('alpha');

eventLogContract('embedded, of a desk', () => {
  const folder = temporaryFolder();
  const open = () => new EmbeddedDeskLog(EmbeddedLog.open(folder.path, new SystemClock()), ALPHA);
  const log = open();
  const other = open();
  return Promise.resolve({
    log,
    other,
    nameOf: (topic) => ALPHA.topic(topic),
    close: async () => {
      await log.close();
      await other.close();
      folder.remove();
    },
  });
});

const SNAPSHOTS = TOPICS.positionSnapshot.name;

it('LOG-1, LOG-2: two desks and the one without a name share a log and see nothing of each other', async () => {
  const shared = EmbeddedLog.open(folderForTest(), new SystemClock());
  const [alpha, beta, plain] = ['alpha', 'beta', null].map((desk) => new EmbeddedDeskLog(shared, new DeskNames(desk)));
  if (alpha === undefined || beta === undefined || plain === undefined) throw new Error('three logs were made');
  const created = await alpha.createTopics(allTopicSpecs());
  expect(created.map(({ topic }) => topic)).toEqual(allTopicSpecs().map(({ name }) => `alpha.${name}`));
  await beta.createTopics(allTopicSpecs());
  await expect((async () => plain.offsets(SNAPSHOTS))()).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
  await plain.createTopics(allTopicSpecs());
  const record = { topic: SNAPSHOTS, partition: 0, key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1 };
  await alpha.append([record]);
  const read: LogRecord[] = [];
  for await (const batch of alpha.read(SNAPSHOTS)) {
    expect(batch.topic).toBe(SNAPSHOTS);
    read.push(...batch.records);
  }
  expect(read.map(({ topic }) => topic)).toEqual([`alpha.${SNAPSHOTS}`]);
  expect([alpha, beta, plain].map((log) => log.count(SNAPSHOTS))).toEqual([1, 0, 0]);
  // A dead letter is made from the record, whose topic is the broker's.
  const [letter] = read.map((at) => deadLetterOf(at, new HarvestlineError('RECORD_INVALID', 'a test'), { at: 1 }));
  if (letter === undefined) throw new Error('the record was not read');
  await alpha.append([letter]);
  expect([alpha, beta, plain].map((log) => log.count(deadLetterTopicOf(SNAPSHOTS)))).toEqual([1, 0, 0]);
  const groups: string[] = [];
  const seen = await alpha.subscribe({ group: 'scoring', topics: [SNAPSHOTS], from: 'beginning' }, (batch) => {
    groups.push(batch.topic);
    return Promise.resolve([]);
  });
  while ((await alpha.committed('scoring', SNAPSHOTS)).size === 0) await new SystemClock().sleep(5);
  await seen.stop();
  expect(groups).toEqual([SNAPSHOTS]);
  expect([...(await shared.committed('alpha.scoring', `alpha.${SNAPSHOTS}`))]).toEqual([[0, 1]]);
  expect((await plain.committed('scoring', SNAPSHOTS)).size).toBe(0);
  await shared.close();
});

it('subjects are the desk’s, and what is not registered is named as the registry would have it', async () => {
  const shared = EmbeddedLog.open(folderForTest(), new SystemClock());
  const alpha = new EmbeddedDeskLog(shared, ALPHA);
  await registerSchemas(shared.registry);
  await expect(RecordCodec.open(alpha.registry)).rejects.toThrow(/alpha\.position\.snapshot-value/);
  await registerSchemas(alpha.registry);
  await RecordCodec.open(alpha.registry);
  expect(await shared.registry.versions('alpha.trade.closed-value')).toHaveLength(1);
  await shared.close();
});
