import { describe, expect, test } from 'vitest';
import { examineLetter } from '../../../pipelines/dlq/examine-letter.ts';
import { reportLines } from '../../../pipelines/dlq/view.ts';
import { listLetters } from '../../../pipelines/dlq/list-letters.ts';
import { lastHeader, RETRY_HEADERS } from '../../../pipelines/dlq/dead-letter.ts';
import { statusReport } from '../../../pipelines/status/status-reader.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { SCHEMA_ID_HEADER } from '../../../schemas/wire-format.ts';
import { DEAD, DeadLetterLog, RECEIVED_AT, SNAPSHOTS } from './dead-letter-log.ts';

const ALL = { kind: 'all' } as const;

/** The id that the embedded registry gives to the next schema: one for each topic is taken. */
const NEXT_ID = Object.values(TOPICS).length + 1;

describe('dlq retry', () => {
  test('DLQ-3: refused with every failing path while the cause stands, and nothing is written', async () => {
    const world = await DeadLetterLog.open();
    await world.deadLetter(Buffer.from('not avro'), world.snapshot(NEXT_ID), null);
    const { retried, refused, outcomes } = await world.retry(ALL);
    expect({ retried, refused }).toEqual({ retried: 0, refused: 3 });
    expect(outcomes.map((outcome) => outcome.refused?.code)).toEqual([
      'NOT_WIRE_FORMAT',
      'SCHEMA_UNKNOWN',
      'RECORD_EMPTY',
    ]);
    expect(await world.records(SNAPSHOTS.name)).toHaveLength(3);
    expect(await world.records(DEAD)).toHaveLength(3);
  });

  test('DLQ-4: once the cause is gone it goes back byte for byte, is scored, and is not offered again', async () => {
    const world = await DeadLetterLog.open();
    await world.deadLetter(world.snapshot(NEXT_ID), Buffer.from('not avro'));
    expect(await world.registerNewer()).toBe(NEXT_ID);

    expect(await world.retry({ kind: 'code', code: 'SCHEMA_UNKNOWN' })).toMatchObject({ retried: 1, refused: 0 });
    const [original, , back] = await world.records(SNAPSHOTS.name);
    if (original === undefined || back === undefined) throw new Error('the letter did not go back');
    expect([back.key, back.value, back.timestamp, back.partition]).toEqual([
      original.key,
      original.value,
      original.timestamp,
      original.partition,
    ]);
    expect(lastHeader(back.headers, 'trace')).toBe('abc');
    expect(lastHeader(back.headers, RETRY_HEADERS.count)).toBe('1');
    await world.score();
    expect(await world.records(TOPICS.harvestIntent.name)).toHaveLength(1);

    expect(await world.retry(ALL)).toMatchObject({ retried: 0, refused: 1 });
    const { partition } = back;
    const named = await world.retry({
      kind: 'places',
      places: [
        { partition, offset: 0 },
        { partition, offset: 99 },
      ],
    });
    expect(named.outcomes.map((outcome) => outcome.refused?.message)).toEqual([
      'it was put back already',
      'there is no letter at this offset',
    ]);
    expect(await listLetters(world.log, [SNAPSHOTS], new Map())).toMatchObject([{ code: 'NOT_WIRE_FORMAT', count: 1 }]);
    const { log, codec } = world;
    const { alerts } = await statusReport({ log, codec, counts: (topic) => log.count(topic), liveNow: () => null });
    expect(alerts[0]?.evidence).toContain(`1 in ${DEAD}`);
  });

  test('DLQ-5: a crash before the mark offers the letter again, and both records name it', async () => {
    const world = await DeadLetterLog.open();
    await world.deadLetter(world.snapshot(NEXT_ID));
    await world.registerNewer();
    const append = world.log.append.bind(world.log);
    world.log.append = async (records) => {
      // PORT-1: what is there after a crash is a prefix by topics.
      await append(records.filter(({ topic }) => topic === records[0]?.topic));
      throw new HarvestlineError('LOG_BUSY', 'crashed');
    };
    await expect(world.retry(ALL)).rejects.toThrow('crashed');
    world.log.append = append;
    expect(await world.retry(ALL)).toMatchObject({ retried: 1 });
    const [, first, second, ...more] = await world.records(SNAPSHOTS.name);
    expect(more).toEqual([]);
    expect(lastHeader(first?.headers ?? [], RETRY_HEADERS.of)).toBe(`${DEAD}/${first?.partition}/0`);
    expect(second?.headers).toEqual(first?.headers);
    expect(await world.retry(ALL)).toMatchObject({ retried: 0 });
    await world.score();
    // The two have one intent_id: whoever consumes intents acts once.
    const intents = await world.records(TOPICS.harvestIntent.name);
    const ids = intents.map((at) => world.codec.decode(TOPICS.harvestIntent.name, at).intent_id);
    expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
  });

  test('DLQ-6: without an answer from the registry nothing goes back', async () => {
    const world = await DeadLetterLog.open();
    await world.deadLetter(world.snapshot(NEXT_ID));
    await world.registerNewer();
    const schemaOf = world.registry.schemaOf.bind(world.registry);
    world.registry.schemaOf = () => Promise.reject(new HarvestlineError('REGISTRY_AWAY', 'connection refused'));
    await expect(world.retry(ALL)).rejects.toMatchObject({ code: 'REGISTRY_AWAY' });
    expect(await world.records(SNAPSHOTS.name)).toHaveLength(1);
    world.registry.schemaOf = schemaOf;
    expect(await world.retry(ALL)).toMatchObject({ retried: 1 });
  });

  test('a dry run says the same and writes nothing', async () => {
    const world = await DeadLetterLog.open();
    await world.deadLetter(world.snapshot(NEXT_ID), null);
    await world.registerNewer();
    const { outcomes } = await world.retry(ALL, { dryRun: true });
    expect(outcomes.map(({ state }) => state)).toEqual(['would retry', 'refused']);
    expect(await world.records(SNAPSHOTS.name)).toHaveLength(2);
    expect(await world.records(DEAD)).toHaveLength(2);
  });
});

describe('dlq list and show', () => {
  test('groups by topic and code, over all partitions, with the first and last time', async () => {
    const world = await DeadLetterLog.open();
    await world.deadLetter(Buffer.from('one'), Buffer.from('two'), world.snapshot(NEXT_ID));
    await world.log.append([{ topic: DEAD, partition: 5, key: null, value: Buffer.from('x'), timestamp: 99 }]);
    const groups = await listLetters(world.log, Object.values(TOPICS), new Map());
    expect(groups.map(({ topic, code, count, first, last }) => ({ topic, code, count, first, last }))).toEqual([
      { topic: SNAPSHOTS.name, code: 'NOT_WIRE_FORMAT', count: 2, first: RECEIVED_AT, last: RECEIVED_AT },
      { topic: SNAPSHOTS.name, code: 'SCHEMA_UNKNOWN', count: 1, first: RECEIVED_AT, last: RECEIVED_AT },
      { topic: SNAPSHOTS.name, code: null, count: 1, first: 99, last: 99 },
    ]);
    expect(groups[0]?.example).toMatchObject({ topic: DEAD, offset: 1, source: { topic: SNAPSHOTS.name, offset: 1 } });
  });

  test('shows how far a letter decodes, its bytes, and every failing path', async () => {
    const world = await DeadLetterLog.open();
    const bad = Buffer.from(world.snapshot());
    // The last field is source; its length is zigzag 4 -> 8. An empty text breaks its bound.
    const cut = Buffer.concat([bad.subarray(0, -5), Buffer.from([0])]);
    await world.deadLetter(cut, world.snapshot(NEXT_ID), Buffer.from('\u0007not avro'));
    const [letter] = await world.records(DEAD);
    const show = (offset: number) => examineLetter(world, SNAPSHOTS, { partition: letter?.partition ?? -1, offset });

    expect(await show(0)).toMatchObject({
      refused: { code: 'RECORD_INVALID', problems: [{ path: 'source' }] },
      value: { bytes: cut.length, hex: cut.toString('hex'), base64: cut.toString('base64') },
      attempt: {
        schema_known: true,
        schema_name: 'harvestline.PositionSnapshot',
        schema_version: 1,
        record: { symbol: 'BTCUSDT', source: '' },
        check: { passes: false, problems: [{ path: 'source', why: 'must not be empty' }] },
      },
    });
    expect((await show(1))?.attempt).toMatchObject({ schema_id: NEXT_ID, schema_known: false, record: null });
    const foreign = await show(2);
    if (foreign === null) throw new Error('the letter is not there');
    expect(foreign.attempt).toMatchObject({ schema_id: null, check: { code: 'NOT_WIRE_FORMAT' } });
    expect(reportLines(foreign).join('\n')).toContain('07 6e 6f 74');
    expect(reportLines(foreign).join('')).not.toContain('\u0007');
    expect(await show(3)).toBeNull();
  });

  test('a schema that is named in a header is shown so, and the letter goes back with the header and is read by it', async () => {
    const world = await DeadLetterLog.open();
    const value = Buffer.from(world.snapshot()).subarray(5);
    const id = Buffer.from([0, 0, 0, 0, NEXT_ID]);
    await world.log.append([
      { topic: SNAPSHOTS.name, key: null, value, timestamp: RECEIVED_AT, headers: [[SCHEMA_ID_HEADER, id]] },
    ]);
    await world.score();
    const [letter] = await world.records(DEAD);
    const place = { partition: letter?.partition ?? -1, offset: 0 };
    const before = await examineLetter(world, SNAPSHOTS, place);
    if (before === null) throw new Error('the letter is not there');
    expect(before).toMatchObject({
      refused: { code: 'SCHEMA_UNKNOWN' },
      attempt: { schema_id: NEXT_ID, schema_guid: null, schema_id_in: 'header', schema_known: false },
    });
    expect(reportLines(before).join('\n')).toContain(`schema id ${NEXT_ID} in a header`);
    await world.registerNewer();
    const fresh = { log: world.log, registry: world.registry, codec: await RecordCodec.open(world.registry) };
    const after = await examineLetter(fresh, SNAPSHOTS, place);
    expect(after?.attempt).toMatchObject({ schema_version: 2, record: { symbol: 'BTCUSDT' }, check: { passes: true } });
    expect(await world.retry({ kind: 'code', code: 'SCHEMA_UNKNOWN' })).toMatchObject({ retried: 1, refused: 0 });
    await world.score();
    expect(await world.records(TOPICS.harvestIntent.name)).toHaveLength(1);
    expect(await world.records(DEAD)).toHaveLength(2);
  });
});
