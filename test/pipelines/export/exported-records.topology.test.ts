import { describe, expect, test } from 'vitest';
import { exportedRecords } from '../../../pipelines/export/exported-records.ts';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { DeskControl } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const TOPIC = TOPICS.deskControl;
const AT = 1_770_000_000_000;

/** A compacted topic with two scopes, the first of them commanded twice; then what is no record. */
async function exported(all: boolean) {
  const log = EmbeddedLog.open(folderForTest(), new SystemClock());
  try {
    await log.createTopics(allTopicSpecs());
    await registerSchemas(log.registry);
    const codec = await RecordCodec.open(log.registry);
    const writer = new TopicWriter('desk', codec);
    const control = (scope: string, reason: string): DeskControl => ({ ...GOOD_RECORDS[TOPIC.name], scope, reason });
    await log.append([
      writer.encode(TOPIC, control('one', 'first'), AT),
      writer.encode(TOPIC, control('two', 'only'), AT),
      writer.encode(TOPIC, control('one', 'second'), AT),
      { topic: TOPIC.name, key: Buffer.from('one'), value: Buffer.from('garbage'), timestamp: AT },
      { topic: TOPIC.name, key: Buffer.from('two'), value: null, timestamp: AT },
    ]);
    let undecodable = 0;
    const reasons: string[] = [];
    const options = { all, onUndecodable: () => void (undecodable += 1) };
    for await (const { reason } of exportedRecords({ log, codec }, TOPIC.name, options)) reasons.push(reason);
    return { reasons: reasons.toSorted(), undecodable };
  } finally {
    await log.close();
  }
}

describe('of a compacted topic', () => {
  test('the latest record of each key is exported; what does not decode takes the place of none, and is counted', async () => {
    expect(await exported(false)).toEqual({ reasons: ['only', 'second'], undecodable: 1 });
  });

  test('every record is, where all are wanted', async () => {
    expect(await exported(true)).toEqual({ reasons: ['first', 'only', 'second'], undecodable: 1 });
  });
});
