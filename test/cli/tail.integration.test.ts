import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { VirtualClock } from '../../ports/clock.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { registerSchemas } from '../../schemas/registry.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { folderForTest, temporaryFolder } from '../fixtures/temporary-folder.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/harvestline.mjs', import.meta.url));
const TOPIC = TOPICS.tradeClosed;

/** Far more than a pipe holds, so that the program is still writing when its reader goes away. Unit: records. */
const RECORDS = 5000;

const data = temporaryFolder();
afterAll(() => data.remove());

beforeAll(async () => {
  const log = EmbeddedLog.open(data.path, new VirtualClock(0));
  await log.createTopics(allTopicSpecs());
  await registerSchemas(log.registry);
  const writer = new TopicWriter(TOPIC.writer, await RecordCodec.open(log.registry));
  const records = Array.from({ length: RECORDS }, (_, i) => writer.encode(TOPIC, GOOD_RECORDS[TOPIC.name], 1000 + i));
  await log.append(records);
  await log.close();
});

function start(...args: readonly string[]) {
  // Somewhere west of Greenwich, so that a time read as local is another.
  const env = { ...process.env, TZ: 'America/New_York' };
  return spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
}

async function run(...args: readonly string[]) {
  const child = start(...args);
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { out, err, code: code as number | null };
}

describe('harvestline tail', () => {
  it('prints every record into a pipe and exits 0', async () => {
    const { out, err, code } = await run('tail', TOPIC.name, '--from', 'beginning', '--data', data.path);
    expect({ err, code }).toEqual({ err: '', code: 0 });
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(RECORDS);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ offset: RECORDS - 1, value: GOOD_RECORDS[TOPIC.name] });
  });

  it('begins at a time that names no zone in UTC, wherever it runs', async () => {
    const from = '1970-01-01T00:00:05.500';
    const { out, code } = await run('tail', TOPIC.name, '--from', from, '--json', '--data', data.path);
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(RECORDS - 4500);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ timestamp: 5500 });
  });

  it('ends quietly when its reader goes away', async () => {
    const child = start('tail', TOPIC.name, '--from', 'beginning', '--data', data.path);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect({ err, code }).toEqual({ err: '', code: 0 });
  });

  it('follows until SIGTERM, and exits 0', async () => {
    const child = start('tail', TOPIC.name, '--follow', '--data', data.path);
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
  });
});

describe('tail and status without a data folder', () => {
  it.each([['tail', TOPIC.name], ['status']])('%s says what to run first, and exits 1', async (...command) => {
    const { out, err, code } = await run(...command, '--data', `${folderForTest()}/none`);
    expect(out).toBe('');
    expect(err).toContain('LOG_UNREADABLE');
    expect(err).toContain('harvestline dev');
    expect(code).toBe(1);
  });
});
