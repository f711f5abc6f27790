import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkSchemas } from '../../../schemas/tooling/check-schemas.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const TOPIC = TOPICS.tradeClosed.name;
const NULLABLE_NOTE = { name: 'note', type: ['null', 'string'], default: null, doc: 'A remark. Null: none.' };

type Fields = readonly Readonly<Record<string, unknown>>[];

/** A copy of the schemas that stands as released, to be broken. */
class SchemaFolder {
  readonly path = folderForTest();

  constructor() {
    const own = join(import.meta.dirname, '../../../schemas');
    for (const topic of Object.values(TOPICS)) {
      cpSync(join(own, `${topic.name}.avsc`), join(this.path, `${topic.name}.avsc`));
      cpSync(join(own, `${topic.name}.avsc`), join(this.path, 'released', topic.name, 'v1.avsc'));
    }
  }

  change(edit: (fields: Fields) => Fields): void {
    const path = join(this.path, `${TOPIC}.avsc`);
    const schema = JSON.parse(readFileSync(path, 'utf8')) as { readonly fields: Fields };
    writeFileSync(path, JSON.stringify({ ...schema, fields: edit(schema.fields) }));
  }

  release(version: number): void {
    cpSync(join(this.path, `${TOPIC}.avsc`), join(this.path, 'released', TOPIC, `v${version}.avsc`));
  }
}

test('the schemas of this program have no problem', () => {
  expect(checkSchemas().filter(({ level }) => level === 'problem')).toEqual([]);
});

test('released schemas that nobody changed give no finding', () => {
  expect(checkSchemas(new SchemaFolder().path)).toEqual([]);
});

test('a compatible change is an info, and no problem', () => {
  const folder = new SchemaFolder();
  folder.change((fields) => [...fields, NULLABLE_NOTE]);
  expect(checkSchemas(folder.path)).toEqual([
    {
      level: 'info',
      topic: TOPIC,
      rule: 'release',
      path: '(root)',
      version: 1,
      why: `unreleased change since v1: to release it, copy ${TOPIC}.avsc to released/${TOPIC}/v2.avsc`,
    },
  ]);
  folder.release(2);
  expect(checkSchemas(folder.path)).toEqual([]);
});

test('a change is compared with every released version', () => {
  const folder = new SchemaFolder();
  folder.change((fields) => [...fields, NULLABLE_NOTE]);
  folder.release(2);
  folder.change((fields) => fields.slice(0, -1));
  folder.release(3);
  folder.change((fields) => [
    ...fields,
    { ...NULLABLE_NOTE, type: ['null', 'double'], doc: 'A remark. Null: none. Unit: none.' },
  ]);
  const problems = checkSchemas(folder.path).filter(({ level }) => level === 'problem');
  expect(problems.map(({ topic, rule, path, version, direction }) => [topic, rule, path, version, direction])).toEqual([
    [TOPIC, 'compatibility', 'note', 2, 'new reader, old data'],
    [TOPIC, 'compatibility', 'note', 2, 'old reader, new data'],
  ]);
});

test('versions are ordered as numbers: v10 comes after v9', () => {
  const folder = new SchemaFolder();
  for (const version of [2, 3, 4, 5, 6, 7, 8, 9]) folder.release(version);
  folder.change((fields) => [...fields, NULLABLE_NOTE]);
  folder.release(10);
  expect(checkSchemas(folder.path)).toEqual([]);
});

test('a new field that is required, and a bound that is tightened, are problems', () => {
  const folder = new SchemaFolder();
  const tight = { type: 'double', logicalType: 'bounded', minimum: 1, maximum: 1e15 };
  folder.change((fields) => [
    ...fields.map((field) => (field['name'] === 'remaining_quantity' ? { ...field, type: tight } : field)),
    { name: 'note', type: 'string', doc: 'A remark.' },
  ]);
  expect(checkSchemas(folder.path)).toMatchObject([
    { level: 'problem', path: 'remaining_quantity', rule: 'market-bound' },
    { level: 'problem', path: 'note', version: 1, direction: 'new reader, old data' },
    { level: 'problem', path: 'remaining_quantity', why: expect.stringContaining('tightened from at least 0') },
    { level: 'info' },
  ]);
});

test('bounds that a market has may be added where there were none: an info, and no problem', () => {
  const folder = new SchemaFolder();
  const released = join(folder.path, 'released', TOPIC, 'v1.avsc');
  const amount = /,\s*"logicalType": "bounded",\s*"minimum": -1e27,\s*"maximum": 1e27/g;
  writeFileSync(released, readFileSync(released, 'utf8').replaceAll(amount, ''));
  folder.release(2);
  expect(checkSchemas(folder.path)).toEqual([
    {
      level: 'info',
      topic: TOPIC,
      rule: 'compatibility',
      path: '(root)',
      version: 1,
      why: expect.stringContaining('bounds were added since v1, beyond which no truthful record lies'),
    },
  ]);
});

test('a lint problem names its rule', () => {
  const folder = new SchemaFolder();
  folder.change((fields) => fields.map((field) => (field['name'] === 'quantity' ? { ...field, doc: 'Size.' } : field)));
  expect(checkSchemas(folder.path)).toContainEqual(
    expect.objectContaining({ level: 'problem', topic: TOPIC, rule: 'unit', path: 'quantity' }),
  );
});

test('a topic without a released version is a problem: release it', () => {
  const folder = new SchemaFolder();
  rmSync(join(folder.path, 'released', TOPIC), { recursive: true });
  expect(checkSchemas(folder.path)).toEqual([
    expect.objectContaining({ level: 'problem', rule: 'release', why: expect.stringContaining('release it as') }),
  ]);
});

test.each<[string, (folder: SchemaFolder) => void, string, string]>([
  ['a schema that is missing', ({ path }) => rmSync(join(path, `${TOPIC}.avsc`)), 'structure', 'is missing'],
  ['one that is not JSON', ({ path }) => writeFileSync(join(path, `${TOPIC}.avsc`), '{'), 'structure', 'is not JSON'],
  ['one that is no record', ({ path }) => writeFileSync(join(path, `${TOPIC}.avsc`), '[]'), 'structure', 'a record'],
  ['a gap between versions', (folder) => folder.release(3), 'release', 'v2.avsc is missing'],
  [
    'a released version that is no schema',
    ({ path }) => writeFileSync(join(path, 'released', TOPIC, 'v2.avsc'), '{}'),
    'release',
    'v2.avsc is no schema of this topic',
  ],
  [
    'a file among the versions that is none',
    ({ path }) => writeFileSync(join(path, 'released', TOPIC, 'latest.avsc'), '{}'),
    'release',
    'is not named v<N>.avsc',
  ],
  [
    'a schema of no topic',
    ({ path }) => writeFileSync(join(path, 'trade.opened.avsc'), '{}'),
    'release',
    'the topic table has no such topic',
  ],
])('%s is one problem, and the other topics are checked', (_, damage, rule, why) => {
  const folder = new SchemaFolder();
  damage(folder);
  const problems = checkSchemas(folder.path).filter(({ level }) => level === 'problem');
  expect(problems).toEqual([expect.objectContaining({ rule, why: expect.stringContaining(why) })]);
});

test('a folder that is not there is wrong usage', () => {
  expect(() => checkSchemas(join(folderForTest(), 'absent'))).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
