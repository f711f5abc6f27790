import { expect, it } from 'vitest';
import type { Headers, LogRecord, OutgoingRecord } from '../../ports/event-log.ts';
import type { TopicSpec } from '../../schemas/topics.ts';
import { PARTITIONS, everything, type openForSuite, record, text, texts } from './open-log.ts';

/** The partitions of some keys as Kafka's Java client computes them (murmur2, masked to 31 bits, modulo 3). */
const MURMUR2_GOLDEN: readonly (readonly [key: string, partition: number])[] = [
  ['21', (murmur2Java('21') & 0x7fffffff) % PARTITIONS],
  ['foobar', (murmur2Java('foobar') & 0x7fffffff) % PARTITIONS],
  ['a-little-bit-long-string', (murmur2Java('a-little-bit-long-string') & 0x7fffffff) % PARTITIONS],
  ['a-little-bit-longer-string', (murmur2Java('a-little-bit-longer-string') & 0x7fffffff) % PARTITIONS],
];

/** Hashes published in Kafka's own UtilsTest.testMurmur2. */
function murmur2Java(key: string): number {
  const published: Readonly<Record<string, number>> = {
    '21': -973932308,
    foobar: -790332482,
    'a-little-bit-long-string': -985981536,
    'a-little-bit-longer-string': -1486304829,
  };
  return published[key] ?? Number.NaN;
}

/** What topics and records must be like on every log: creation, appends, reads and offsets. */
export function recordContract(world: ReturnType<typeof openForSuite>): void {
  const { newTopic } = world;

  it('creates a topic once and reports drift without touching it', async () => {
    const asked = await newTopic();
    const topic = world.nameOf(asked);
    const spec: TopicSpec = {
      name: asked,
      key: 'as received',
      partitions: PARTITIONS,
      cleanup: 'delete',
      retentionMs: null,
    };
    expect(await world.log.createTopics([spec])).toEqual([{ topic, state: 'unchanged' }]);
    const [drift] = await world.log.createTopics([{ ...spec, partitions: PARTITIONS + 1 }]);
    expect(drift).toMatchObject({ topic, state: 'drifted' });
    expect(drift?.detail).toContain('partitions');
    expect(await world.log.offsets(asked)).toHaveLength(PARTITIONS);
  });

  it('PORT-1: what append acknowledged, another client reads', async () => {
    const topic = await newTopic();
    await world.log.append([record(topic, 'k', 'one'), record(topic, 'k', 'two')]);
    expect(texts(await everything(world.other, topic))).toEqual(['one', 'two']);
  });

  it('PORT-2: keys go to the partitions that the Java client chooses', async () => {
    const topic = await newTopic();
    await world.log.append(MURMUR2_GOLDEN.map(([key]) => record(topic, key, key)));
    const found = new Map((await everything(world.log, topic)).map(({ key, partition }) => [text(key), partition]));
    expect(found).toEqual(new Map(MURMUR2_GOLDEN));
  });

  it('PORT-2: records of one key keep their order over several appends', async () => {
    const topic = await newTopic();
    for (let round = 0; round < 5; round++) {
      await world.log.append(['a', 'b', 'c', 'd'].map((key) => record(topic, key, `${key}${round}`)));
    }
    const all = await everything(world.log, topic);
    for (const key of ['a', 'b', 'c', 'd']) {
      expect(texts(all.filter((found) => text(found.key) === key))).toEqual(
        [0, 1, 2, 3, 4].map((round) => `${key}${round}`),
      );
    }
  });

  it('offsets are consecutive from 0 in each partition', async () => {
    const topic = await newTopic();
    await world.log.append(
      Array.from({ length: 10 }, (_, index) => ({ ...record(topic, 'k', String(index)), partition: 1 })),
    );
    expect((await everything(world.log, topic)).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect((await world.log.offsets(topic)).find(({ partition }) => partition === 1)).toEqual({
      partition: 1,
      begin: 0,
      end: 10,
    });
  });

  it('PORT-5: key, value, headers and timestamp come back byte for byte; null and empty stay different', async () => {
    const topic = await newTopic();
    const every = Uint8Array.from({ length: 256 }, (_, index) => index);
    const none = new Uint8Array(0);
    const sent: OutgoingRecord[] = [
      { topic, partition: 0, key: every, value: every, timestamp: 1_700_000_000_001, headers: [['h', every]] },
      { topic, partition: 0, key: none, value: none, timestamp: 1_700_000_000_002, headers: [['empty', none]] },
      { topic, partition: 0, key: null, value: null, timestamp: 1_700_000_000_003 },
    ];
    await world.log.append(sent);
    const found = await everything(world.other, topic);
    expect(found.map(plain)).toEqual(sent.map((one) => plain({ headers: [], ...one })));
  });

  it('PORT-5: a header name may occur more than once, and a header value may be null, which is not empty', async () => {
    const topic = await newTopic();
    const headers: Headers = [
      // Names of what every object inherits.
      ['constructor', Buffer.from('c')],
      ['__proto__', Buffer.from('p')],
      ['twice', Buffer.from('first')],
      ['twice', null],
      ['twice', Buffer.from('third')],
      ['null', null],
      ['empty', new Uint8Array(0)],
      ['long', new Uint8Array(300).fill(7)],
      ['Ünïcode', Buffer.from('ß')],
    ];
    const sent = [0, 1].map((index) => ({ ...record(topic, 'k', String(index)), headers }));
    await world.log.append(sent);
    expect((await everything(world.other, topic)).map(plain)).toEqual(sent.map(plain));
  });

  it('refuses a topic that does not exist, by its code', async () => {
    const topic = `contract-${process.pid}-missing`;
    await expect(world.log.append([record(topic, 'k', 'v')])).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
    await expect((async () => world.log.offsets(topic))()).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
    await expect(everything(world.log, topic)).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
  });

  it('tells what it would create, and creates nothing', async () => {
    const spec: TopicSpec = {
      name: `contract-${process.pid}-compared`,
      key: 'as received',
      partitions: PARTITIONS,
      cleanup: 'compact',
      retentionMs: 1000,
    };
    const topic = world.nameOf(spec.name);
    expect(await world.log.compareTopics([spec])).toEqual([{ topic, state: 'missing' }]);
    expect(await world.log.createTopics([spec])).toEqual([{ topic, state: 'created' }]);
    expect(await world.log.compareTopics([spec])).toEqual([{ topic, state: 'unchanged' }]);
    const [drift] = await world.log.compareTopics([{ ...spec, cleanup: 'delete', retentionMs: null }]);
    expect(drift).toMatchObject({ topic, state: 'drifted' });
    expect(drift?.detail).toMatch(/cleanup.*retention/);
  });

  it('PORT-6: a read ends at the end that stood when it began, in partitions that it comes to later too', async () => {
    const topic = await newTopic();
    const inEach = (value: string): OutgoingRecord[] =>
      Array.from({ length: PARTITIONS }, (_, partition) => ({ ...record(topic, 'k', value), partition }));
    await world.log.append([...inEach('one'), ...inEach('two')]);
    const seen: string[] = [];
    for await (const batch of world.log.read(topic)) {
      seen.push(...texts(batch.records));
      await world.log.append(inEach('later'));
    }
    expect(seen.toSorted()).toEqual(['one', 'one', 'one', 'two', 'two', 'two']);
  });

  it('a reader may leave in the middle, and read again', async () => {
    const topic = await newTopic();
    await world.log.append(
      Array.from({ length: 5000 }, (_, index) => ({ ...record(topic, 'k', String(index)), partition: index % 3 })),
    );
    for await (const batch of world.log.read(topic)) {
      expect(batch.records.length).toBeGreaterThan(0);
      break;
    }
    expect(await everything(world.log, topic)).toHaveLength(5000);
  });

  it('reads from given offsets and given partitions only', async () => {
    const topic = await newTopic();
    await world.log.append(
      [0, 1, 2].flatMap((partition) =>
        ['a', 'b', 'c'].map((value) => ({ ...record(topic, 'k', `${value}${partition}`), partition })),
      ),
    );
    const seen: string[] = [];
    const range = { from: new Map([[1, 2]]), partitions: [1, 2] };
    for await (const batch of world.log.read(topic, range)) seen.push(...texts(batch.records));
    expect(seen.toSorted()).toEqual(['a2', 'b2', 'c1', 'c2']);
  });

  it('finds the first offset at or after a time, and the end where there is none', async () => {
    const topic = await newTopic();
    await world.log.append(
      [1000, 2000, 3000].map((timestamp) => ({ ...record(topic, 'k', String(timestamp)), partition: 0, timestamp })),
    );
    expect((await world.log.offsetsAt(topic, 1001)).get(0)).toBe(1);
    expect((await world.log.offsetsAt(topic, 3001)).get(0)).toBe(3);
    expect((await world.log.offsetsAt(topic, 0)).get(1)).toBe(0);
    expect((await world.log.offsetsAt(topic, -176_400_009)).get(0)).toBe(0);
  });
}

function plain(one: Pick<LogRecord, 'key' | 'value' | 'timestamp' | 'headers'>): object {
  const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'));
  return {
    key: hex(one.key),
    value: hex(one.value),
    timestamp: one.timestamp,
    headers: one.headers.map(([name, value]) => [name, hex(value)]),
  };
}
