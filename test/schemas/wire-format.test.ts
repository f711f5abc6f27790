import { describe, expect, test } from 'vitest';
import { loadSchema, TOPICS, subjectOf } from '../../schemas/topics.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import type { SchemaRegistry } from '../../schemas/registry.ts';
import { failureOf } from '../fixtures/thrown-by.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { MemoryRegistry } from '../fixtures/memory-registry.ts';

const TOPIC = TOPICS.positionSnapshot;
const SNAPSHOT = GOOD_RECORDS[TOPIC.name];

const registry = await MemoryRegistry.withOwnSchemas();
const codec = await RecordCodec.open(registry);
const encoded = codec.encode(TOPIC.name, SNAPSHOT);

describe('SCH-28: a schema that is named in a header', () => {
  const GUID = '89791762-2336-4186-9674-299b90a802e2';
  const bare = encoded.subarray(5);
  const guidHeader = Buffer.concat([Buffer.from([1]), Buffer.from(GUID.replaceAll('-', ''), 'hex')]);

  async function outcomeOf(
    value: Uint8Array,
    headers: readonly (readonly [string, Uint8Array | null])[],
    known: readonly string[] = [GUID],
  ): Promise<unknown> {
    const theirs = await MemoryRegistry.withOwnSchemas();
    const text = JSON.stringify({ ...loadSchema(TOPIC), doc: 'theirs' });
    await theirs.register(subjectOf(TOPIC), text);
    for (const guid of known) theirs.guids.set(guid, text);
    const reader = await RecordCodec.open(theirs);
    const record = { value, headers };
    await reader.prepare(TOPIC.name, [record]);
    try {
      return reader.decode(TOPIC.name, record);
    } catch (thrown) {
      return thrown;
    }
  }

  const idHeader = Buffer.from([0, 0, 0, 0, Object.keys(TOPICS).length + 1]);

  test.each([
    ['its id', bare, [['__value_schema_id', idHeader]]],
    ['its GUID', bare, [['__value_schema_id', guidHeader]]],
    [
      'the last of two',
      bare,
      [
        ['__value_schema_id', Buffer.from([0, 0, 0, 0, 1])],
        ['__value_schema_id', guidHeader],
      ],
    ],
    ['the prefix, beside a header without a value', encoded, [['__value_schema_id', null]]],
    [
      'the prefix, beside headers of other things',
      encoded,
      [
        ['traceparent', Buffer.from('00')],
        ['__key_schema_id', idHeader],
      ],
    ],
  ] as const)('is read by %s', async (_, value, headers) => {
    expect(await outcomeOf(value, headers)).toEqual(SNAPSHOT);
  });

  test.each([
    ['a GUID that the registry does not know', bare, [['__value_schema_id', guidHeader]], 'SCHEMA_ID_IN_HEADER', GUID],
    [
      'the same beside a prefix that would be read',
      encoded,
      [['__value_schema_id', guidHeader]],
      'SCHEMA_ID_IN_HEADER',
      GUID,
    ],
    [
      'an id that the registry does not know',
      bare,
      [['__value_schema_id', Buffer.from([0, 0xff, 0, 0, 7])]],
      'SCHEMA_UNKNOWN',
      'schema id 4278190087 (header __value_schema_id)',
    ],
    [
      'a magic byte of neither',
      bare,
      [['__value_schema_id', Buffer.from([2, 0, 0, 0, 1])]],
      'SCHEMA_ID_IN_HEADER',
      '0x0200000001',
    ],
    ['an id that is cut', bare, [['__value_schema_id', Buffer.from([0, 0, 1])]], 'SCHEMA_ID_IN_HEADER', '0x000001'],
    ['no byte', bare, [['__value_schema_id', Buffer.alloc(0)]], 'SCHEMA_ID_IN_HEADER', '0 bytes'],
    ['an id as text', bare, [['__value_schema_id', Buffer.from('17')]], 'SCHEMA_ID_IN_HEADER', '0x3137'],
    [
      'Apicurio’s global id',
      bare,
      [['apicurio.value.globalId', Buffer.from([0, 0, 0, 0, 0, 0, 0, 9])]],
      'SCHEMA_ID_IN_HEADER',
      'apicurio.value.globalId',
    ],
    [
      'Apicurio’s content id, and a value that begins as a prefix',
      encoded,
      [['apicurio.value.contentId', Buffer.alloc(8, 1)]],
      'SCHEMA_ID_IN_HEADER',
      'apicurio.value.contentId',
    ],
    [
      'an id of 8 bytes in front',
      Buffer.concat([Buffer.alloc(8), Buffer.from([3]), bare]),
      [],
      'NOT_WIRE_FORMAT',
      'a schema id of 8 bytes',
    ],
  ] as const)('%s is refused by that name', async (_, value, headers, code, text) => {
    expect(await outcomeOf(value, headers, [])).toMatchObject({
      code,
      kind: 'poison',
      message: expect.stringContaining(text),
    });
  });

  test('a header of another schema is believed before the prefix, and what the prefix says is never decoded', async () => {
    const record = { value: encoded, headers: [['__value_schema_id', idHeader]] as const };
    expect(await outcomeOf(record.value, record.headers)).toMatchObject({ code: 'AVRO_CORRUPT', kind: 'poison' });
  });
});

test.each([2 ** 31, 2 ** 32 - 1])('SCH-29: the id %i is one like others', async (id) => {
  const far: SchemaRegistry = {
    idOf: () => Promise.resolve(id),
    schemaOf: (asked) => Promise.resolve(asked === id ? JSON.stringify(loadSchema(TOPIC)) : null),
    versions: () => Promise.resolve([]),
    register: () => Promise.resolve(id),
  };
  const own = await RecordCodec.open(far, { topics: [TOPIC] });
  const value = own.encode(TOPIC.name, SNAPSHOT);
  expect(Buffer.from(value).readUInt32BE(1)).toBe(id);
  expect(own.decode(TOPIC.name, { value })).toEqual(SNAPSHOT);
  const reader = await RecordCodec.open({ ...far, idOf: () => Promise.resolve(1) }, { topics: [TOPIC] });
  await reader.prepare(TOPIC.name, [{ value }]);
  expect(reader.decode(TOPIC.name, { value })).toEqual(SNAPSHOT);
  expect(failureOf(() => own.encode(TOPIC.name, { ...SNAPSHOT, quantity: -1 })).code).toBe('RECORD_INVALID');
});
