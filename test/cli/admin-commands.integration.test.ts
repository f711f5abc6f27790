import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { deadLetterOf } from '../../pipelines/runtime/dead-letter.ts';
import { loadSchema, TOPICS, allTopicSpecs, deadLetterTopicOf } from '../../schemas/topics.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { aSnapshot } from '../fixtures/a-snapshot.ts';
import { folderForTest } from '../fixtures/temporary-folder.ts';

const PROGRAM = join(import.meta.dirname, '../../bin/harvestline.mjs');
const SNAPSHOTS = TOPICS.positionSnapshot.name;

/** Runs the program with its output in a pipe, on the embedded log of this folder. */
function harvestline(data: string, ...args: readonly string[]) {
  const { KAFKA_BROKERS: _, ...env } = process.env;
  const run = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: 'utf8',
    env: { ...env, HARVESTLINE_DATA: data },
  });
  const lines = run.stdout.split('\n').filter((line) => line !== '');
  return { status: run.status, stderr: run.stderr, lines: lines.map((line) => JSON.parse(line) as unknown) };
}

test('topics apply creates what is missing once, and exits 1 on drift without touching it', () => {
  const data = folderForTest();
  const names = allTopicSpecs().map(({ name }) => name);
  const states = (state: string) => names.map((topic) => ({ topic, state }));
  expect(harvestline(data, 'topics', 'apply')).toMatchObject({ status: 0, lines: states('created') });
  expect(harvestline(data, 'topics', 'apply')).toMatchObject({ status: 0, lines: states('unchanged') });

  const database = new DatabaseSync(join(data, 'log.sqlite'));
  database.exec(
    `UPDATE topics SET partitions = 3 WHERE name = '${SNAPSHOTS}'; DELETE FROM topics WHERE name = '${names[0]}'`,
  );
  database.close();
  const dry = harvestline(data, 'topics', 'apply', '--dry-run');
  expect(dry).toMatchObject({
    status: 1,
    lines: { 0: { state: 'missing' }, 1: { topic: SNAPSHOTS, state: 'drifted' } },
  });
  const applied = harvestline(data, 'topics', 'apply');
  expect(applied).toMatchObject({
    status: 1,
    lines: { 0: { state: 'created' }, 1: { topic: SNAPSHOTS, state: 'drifted' } },
  });
});

test('schemas register is explicit and says what is there already; diff tells a file from the schema', () => {
  const data = folderForTest();
  harvestline(data, 'topics', 'apply');
  const states = (...options: readonly string[]) => {
    const { status, lines } = harvestline(data, 'schemas', 'register', ...options);
    return [status, new Set(lines.map((line) => (line as { state: string }).state))];
  };
  expect(states('--dry-run')).toEqual([0, new Set(['would register'])]);
  expect(states()).toEqual([0, new Set(['registered'])]);
  expect(states()).toEqual([0, new Set(['already there'])]);
  expect(harvestline(data, 'schemas', 'diff', '--against', 'registry')).toMatchObject({ status: 0 });

  const topic = TOPICS.tradeClosed;
  const schema = loadSchema(topic);
  const file = join(data, 'older.avsc');
  writeFileSync(file, JSON.stringify({ ...schema, fields: schema.fields.slice(1) }));
  expect(harvestline(data, 'schemas', 'diff', topic.name, '--against', file)).toMatchObject({
    status: 1,
    lines: [{ compatible: false, deploy_first: 'neither', changes: [{ kind: 'field-added', path: 'trade_id' }] }],
  });
  expect(harvestline(data, 'schemas', 'diff', '--against', file).status).toBe(2);
});

test('dlq list, show and retry: exit 1 where something is refused, 2 for wrong usage', async () => {
  const data = folderForTest();
  harvestline(data, 'topics', 'apply');
  harvestline(data, 'schemas', 'register');
  const log = EmbeddedLog.open(data, new SystemClock());
  const codec = await RecordCodec.open(log.registry);
  const snapshot = aSnapshot();
  const at = snapshot.observed_at;
  const good = codec.encode(SNAPSHOTS, snapshot);
  const error = new HarvestlineError('SCHEMA_UNKNOWN', 'the registry did not know it then');
  const letters = [good, Buffer.from('not avro')].map((value, offset) =>
    deadLetterOf(
      { topic: SNAPSHOTS, partition: 2, offset, timestamp: at, key: Buffer.from('a:B'), value, headers: [] },
      error,
      { at: 99 },
    ),
  );
  await log.append(letters);
  await log.close();

  expect(harvestline(data, 'dlq', 'list')).toMatchObject({
    status: 0,
    lines: [{ topic: SNAPSHOTS, code: 'SCHEMA_UNKNOWN', count: 2, first: at, last: at }],
  });
  expect(harvestline(data, 'dlq', 'show', deadLetterTopicOf(SNAPSHOTS), '2:1')).toMatchObject({
    status: 0,
    lines: [
      { value: { hex: Buffer.from('not avro').toString('hex') }, attempt: { check: { code: 'NOT_WIRE_FORMAT' } } },
    ],
  });
  expect(harvestline(data, 'dlq', 'show', SNAPSHOTS, '2:7').status).toBe(1);
  expect(harvestline(data, 'dlq', 'retry', SNAPSHOTS).status).toBe(2);
  expect(harvestline(data, 'dlq', 'retry', SNAPSHOTS, '--code', 'TYPO').status).toBe(2);
  expect(harvestline(data, 'dlq', 'retry', SNAPSHOTS, '--all')).toMatchObject({
    status: 1,
    lines: [{ state: 'retried' }, { state: 'refused' }, { state: 'summary', retried: 1, refused: 1 }],
  });
  expect(harvestline(data, 'dlq', 'retry', SNAPSHOTS, '2:0')).toMatchObject({
    status: 1,
    lines: [{ state: 'refused', refused: { message: 'it was put back already' } }, { retried: 0 }],
  });
  expect(harvestline(data, 'dlq', 'list')).toMatchObject({ lines: [{ count: 1 }] });
});

test('dlq discard: every wrong id at once, who and why are needed, 1 for an id without a letter, and a second time is no error', async () => {
  const data = folderForTest();
  harvestline(data, 'topics', 'apply');
  harvestline(data, 'schemas', 'register');
  const log = EmbeddedLog.open(data, new SystemClock());
  const error = new HarvestlineError('AVRO_CORRUPT', 'lies');
  const record = { topic: SNAPSHOTS, partition: 2, timestamp: 7, key: Buffer.from('a:B'), headers: [] };
  const values = ['one', 'two', 'three'].map((value) => Buffer.from(value));
  await log.append(values.map((value, offset) => deadLetterOf({ ...record, offset, value }, error, { at: 99 })));
  await log.close();
  const dead = deadLetterTopicOf(SNAPSHOTS);
  const discard = (...args: readonly string[]) => harvestline(data, 'dlq', 'discard', ...args);
  const signed = ['--by', 'alice', '--reason', 'a test producer'];

  const wrong = discard('--id', '2:0', 'no.topic:2:0', `${dead}:2:0`, `${dead}:x:0`, ...signed);
  expect(wrong.status).toBe(2);
  for (const named of ['2:0 is no', 'no.topic', `${dead}:x:0`]) expect(wrong.stderr).toContain(named);
  expect(wrong.stderr).not.toContain(`${dead}:2:0`);
  expect(discard('--id', `${dead}:2:0`, '--by', ' ').stderr).toContain('--by NAME and --reason TEXT');
  for (const usage of [
    signed,
    ['--id', `${dead}:2:0`, '--code', 'AVRO_CORRUPT', ...signed],
    ['--code', 'TYPO', ...signed],
  ])
    expect(discard(...usage).status).toBe(2);

  // The topic of the records does as well as the dead-letter topic: both name one letter.
  const ids = ['--id', `${dead}:2:0`, '--id', `${SNAPSHOTS}:2:0`, `${SNAPSHOTS}:2:7`];
  const dry = discard(...ids, ...signed, '--dry-run');
  const unknown = { id: `${dead}:2:7`, state: 'unknown' };
  expect(dry).toMatchObject({
    status: 1,
    lines: [
      { id: `${dead}:2:0`, state: 'would discard' },
      unknown,
      { state: 'summary', dry_run: true, discarded: 1, already: 0, unknown: 1 },
    ],
  });
  expect(harvestline(data, 'dlq', 'list')).toMatchObject({ lines: [{ count: 3, discarded: 0 }] });
  expect(discard(...ids, ...signed)).toMatchObject({
    status: 1,
    lines: [
      { id: `${dead}:2:0`, state: 'discarded', by: 'alice', reason: 'a test producer' },
      unknown,
      { discarded: 1 },
    ],
  });
  expect(discard('--id', `${dead}:2:0`, '--by', 'bob', '--reason', 'again')).toMatchObject({
    status: 0,
    lines: [
      { state: 'discarded before', by: 'alice' },
      { discarded: 0, already: 1 },
    ],
  });
  expect(harvestline(data, 'dlq', 'list')).toMatchObject({
    lines: [{ code: 'AVRO_CORRUPT', count: 2, discarded: 1, example: { id: `${dead}:2:2` } }],
  });
  expect(harvestline(data, 'dlq', 'show', SNAPSHOTS, '2:0')).toMatchObject({
    lines: [
      { id: `${dead}:2:0`, discarded: { by: 'alice', reason: 'a test producer' }, recorded_at: 7, timestamp: 99 },
    ],
  });
  expect(discard('--code', 'AVRO_CORRUPT', ...signed)).toMatchObject({ status: 0, lines: { 2: { discarded: 2 } } });
  const status = harvestline(data, 'status', '--json').lines[0] as { alerts: readonly { name: string }[] };
  expect(status.alerts).toEqual([]);
  expect(harvestline(data, 'tail', TOPICS.letterDiscarded.name, '--from', 'beginning', '--json').lines).toHaveLength(3);
});

test('dlq discard makes no data folder where there is none', () => {
  const data = join(folderForTest(), 'nothing');
  const refused = harvestline(data, 'dlq', 'discard', '--code', 'AVRO_CORRUPT', '--by', 'alice', '--reason', 'a test');
  expect([refused.status, existsSync(data)]).toEqual([1, false]);
});
