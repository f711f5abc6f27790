import { describe, expect, test } from 'vitest';
import { RETRY_HEADERS } from '../../pipelines/dlq/dead-letter.ts';
import { loadSchema, TOPICS, subjectOf } from '../../schemas/topics.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { inWireFormat } from '../../schemas/wire-format.ts';
import { failureOf } from '../fixtures/thrown-by.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { MemoryRegistry } from '../fixtures/memory-registry.ts';

const TOPIC = TOPICS.positionSnapshot;
const SNAPSHOT = GOOD_RECORDS[TOPIC.name];

const registry = await MemoryRegistry.withOwnSchemas();
const codec = await RecordCodec.open(registry);
const encoded = codec.encode(TOPIC.name, SNAPSHOT);

describe('the registry', () => {
  test('SCH-12: what it does not hold is refused at the start, all subjects at once, and nothing is registered', async () => {
    const empty = new MemoryRegistry();
    await expect(RecordCodec.open(empty)).rejects.toMatchObject({ code: 'SCHEMA_NOT_REGISTERED', kind: 'invariant' });
    await expect(RecordCodec.open(empty)).rejects.toThrow(Object.values(TOPICS).map(subjectOf).join(', '));
    expect(empty.subjects).toEqual([]);
  });

  test('a subject whose versions all differ from this program’s schema does not hold it', async () => {
    const other = await MemoryRegistry.withOwnSchemas();
    const stale = new MemoryRegistry();
    for (const topic of Object.values(TOPICS)) {
      const schema = loadSchema(topic);
      await stale.register(subjectOf(topic), JSON.stringify(topic === TOPIC ? { ...schema, doc: 'older' } : schema));
    }
    await expect(RecordCodec.open(other)).resolves.toBeInstanceOf(RecordCodec);
    await expect(RecordCodec.open(stale)).rejects.toThrow(`no version of ${subjectOf(TOPIC)} equal`);
  });

  test('SCH-14: away, it is transient and spoils nothing: the same record is read once it is back', async () => {
    const shaky = await MemoryRegistry.withOwnSchemas();
    const reader = await RecordCodec.open(shaky);
    const id = await shaky.register(subjectOf(TOPIC), JSON.stringify({ ...loadSchema(TOPIC), doc: 'newer' }));
    const value = inWireFormat(id, encoded.subarray(5));
    shaky.away = true;
    await expect(reader.prepare(TOPIC.name, [{ value }])).rejects.toMatchObject({
      code: 'REGISTRY_AWAY',
      kind: 'transient',
    });
    shaky.away = false;
    await reader.prepare(TOPIC.name, [{ value }]);
    expect(reader.decode(TOPIC.name, { value })).toEqual(SNAPSHOT);
  });

  test('SCH-13: it is asked once for an id, not once for a record, and never for what names none', async () => {
    const counting = await MemoryRegistry.withOwnSchemas();
    const reader = await RecordCodec.open(counting);
    const id = await counting.register(subjectOf(TOPIC), JSON.stringify({ ...loadSchema(TOPIC), doc: 'newer' }));
    const values = [
      encoded,
      inWireFormat(id, encoded.subarray(5)),
      inWireFormat(999, encoded),
      null,
      Buffer.from('{}'),
    ].map((value) => ({ value }));
    await reader.prepare(TOPIC.name, [...values, ...values]);
    await reader.prepare(TOPIC.name, values);
    expect(counting.schemaRequests).toBe(2);
  });

  /** A registry that does not have the schema of `record` yet, a reader of it, and its clock. */
  async function lateSchema() {
    const growing = await MemoryRegistry.withOwnSchemas();
    const time = { now: 0 };
    const reader = await RecordCodec.open(growing, { now: () => time.now });
    const record = { value: inWireFormat(Object.keys(TOPICS).length + 1, encoded.subarray(5)), headers: [] };
    const register = () => growing.register(subjectOf(TOPIC), JSON.stringify({ ...loadSchema(TOPIC), doc: 'late' }));
    return { growing, time, reader, record, register };
  }

  test('SCH-16: an unknown id is poison, and its records are read once the registry knows it, without a restart', async () => {
    const { time, reader, record, register } = await lateSchema();
    await reader.prepare(TOPIC.name, [record]);
    expect(failureOf(() => reader.decode(TOPIC.name, record)).code).toBe('SCHEMA_UNKNOWN');
    await register();
    time.now = 1_000;
    await reader.prepare(TOPIC.name, [record]);
    expect(reader.decode(TOPIC.name, record)).toEqual(SNAPSHOT);
  });

  test('SCH-16, SCH-17, SCH-18: it is asked for more and more rarely, a minute apart in the end, whatever many records name it', async () => {
    const { growing, time, reader, record } = await lateSchema();
    const askedAt: number[] = [];
    for (time.now = 0; time.now < 300_000; time.now += 500) {
      const before = growing.schemaRequests;
      await Promise.all([1, 2, 3].map(() => reader.prepare(TOPIC.name, [record, record, record])));
      if (growing.schemaRequests > before) askedAt.push(time.now);
    }
    expect(askedAt).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000, 183_000, 243_000]);
    expect(growing.schemaRequests).toBe(askedAt.length);
  });

  test('SCH-16: a clock that is set back does not put the next question off', async () => {
    const { time, reader, record, register } = await lateSchema();
    time.now = 3_600_000;
    await reader.prepare(TOPIC.name, [record]);
    await register();
    time.now = 0;
    await reader.prepare(TOPIC.name, [record]);
    expect(reader.decode(TOPIC.name, record)).toEqual(SNAPSHOT);
  });

  test('SCH-16: a letter that was put back makes it ask at once, once a batch', async () => {
    const { growing, time, reader, record, register } = await lateSchema();
    const putBack = { ...record, headers: [[RETRY_HEADERS.of, Buffer.from('position.snapshot.dlq/0/0')]] as const };
    for (time.now = 0; time.now < 60_000; time.now += 1_000) await reader.prepare(TOPIC.name, [record]);
    const before = growing.schemaRequests;
    await reader.prepare(TOPIC.name, [record, putBack, putBack, record]);
    expect(growing.schemaRequests).toBe(before + 1);
    await register();
    await reader.prepare(TOPIC.name, [record]);
    expect(growing.schemaRequests).toBe(before + 1);
    await reader.prepare(TOPIC.name, [record, putBack]);
    expect(reader.decode(TOPIC.name, putBack)).toEqual(SNAPSHOT);
    expect(reader.decode(TOPIC.name, record)).toEqual(SNAPSHOT);
  });

  test('SCH-14, SCH-19: a registry without an answer says nothing of an id: it is asked again at once', async () => {
    const { growing, reader, record, register } = await lateSchema();
    growing.away = true;
    await expect(reader.prepare(TOPIC.name, [record])).rejects.toMatchObject({ kind: 'transient' });
    growing.away = false;
    await register();
    await reader.prepare(TOPIC.name, [record]);
    expect(reader.decode(TOPIC.name, record)).toEqual(SNAPSHOT);
  });

  test('a topic that the codec was not opened for is refused', async () => {
    const narrow = await RecordCodec.open(registry, { topics: [TOPICS.tradeClosed] });
    expect(failureOf(() => narrow.encode(TOPIC.name, SNAPSHOT)).code).toBe('SCHEMA_NOT_REGISTERED');
  });
});
