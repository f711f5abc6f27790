import { tailFrom } from '../../pipelines/alerts/alerts.ts';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type TailOptions, tail, parseTailStart } from '../../cli/tail.ts';
import { LineWriter } from '../../render/output.ts';
import { VirtualClock } from '../../ports/clock.ts';
import { TOPICS, deadLetterTopicOf } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { brokenPipe, capturedLines, streamTo } from '../fixtures/captured-output.ts';
import { type MemorySession, memorySession } from '../fixtures/memory-log.ts';

const TOPIC = TOPICS.tradeClosed;
const TRADE = GOOD_RECORDS[TOPIC.name];
const START = 1_770_003_600_000;
const DEFAULTS: TailOptions = { topic: TOPIC.name, from: { kind: 'beginning' }, follow: false, json: true };

interface Line {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly error?: string;
  readonly value_base64?: string;
}

let world: MemorySession;

beforeEach(async () => {
  world = await memorySession();
});

async function tailed(options: Partial<TailOptions> = {}) {
  const { writer, lines } = capturedLines();
  const dependencies = { world, lines: writer, clock: new VirtualClock(START), signal: new AbortController().signal };
  const undecodable = await tail(dependencies, { ...DEFAULTS, ...options });
  const json = options.json ?? true;
  return { undecodable, records: json ? lines().map((line) => JSON.parse(line) as Line) : [], text: lines() };
}

/** A record of `partition`, `seconds` after START. */
const write = (partition: number, seconds: number) => world.write(TOPIC, TRADE, START + seconds * 1000, partition);

const byTimePartitionOffset = (a: Line, b: Line) =>
  a.timestamp - b.timestamp || a.partition - b.partition || a.offset - b.offset;

const where = (records: readonly Line[]) => records.map(({ partition, offset }) => `${partition}@${offset}`);

describe('tail --json', () => {
  it('prints exactly the promised fields, the value decoded, headers as text', async () => {
    const { key, value } = await encodedTrade();
    const headers = [
      ['trace', Buffer.from('äb')],
      ['hop', Buffer.from('1')],
      ['hop', null],
    ] as const;
    await world.log.append([{ topic: TOPIC.name, key, value, timestamp: START, partition: 2, headers }]);
    const { text } = await tailed();
    expect(text).toEqual([
      JSON.stringify({
        topic: TOPIC.name,
        partition: 2,
        offset: 0,
        timestamp: START,
        key: 'desk-1:BTCUSDT',
        value: await decoded(value),
        headers: { trace: 'äb', hop: ['1', null] },
      }),
    ]);
    expect(JSON.parse(text[0] ?? '')).toMatchObject({ value: TRADE });
  });

  it('merges partitions by timestamp, then partition, then offset, and loses nothing', async () => {
    const arrivals = fc.array(fc.record({ partition: fc.nat(5), seconds: fc.nat(8) }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(arrivals, async (records) => {
        world = await memorySession();
        // Within a partition timestamps ascend here; between partitions they are mixed and often equal.
        for (const { partition, seconds } of records.toSorted((a, b) => a.seconds - b.seconds)) {
          await write(partition, seconds);
        }
        const { records: shown } = await tailed();
        expect(shown).toHaveLength(records.length);
        expect(new Set(where(shown)).size).toBe(records.length);
        expect(where(shown)).toEqual(where(shown.toSorted(byTimePartitionOffset)));
      }),
      { numRuns: 40 },
    );
  });

  it('keeps the order of a partition whose timestamps go back', async () => {
    for (const seconds of [5, 1, 9, 2]) await write(0, seconds);
    await write(1, 3);
    const { records } = await tailed();
    expect(where(records.filter(({ partition }) => partition === 0))).toEqual(['0@0', '0@1', '0@2', '0@3']);
    expect(records).toHaveLength(5);
  });

  it('ends at the end that stood when it started', async () => {
    for (let i = 0; i < 8; i += 1) await write(i % 2, i);
    const offsets = world.log.offsets.bind(world.log);
    // The first look at the offsets fixes the end; what comes right after it is not shown.
    let looks = 0;
    world.log.offsets = async (topic) => {
      const ends = await offsets(topic);
      looks += 1;
      if (looks === 1) await write(0, 100);
      return ends;
    };
    expect((await tailed()).records).toHaveLength(8);
  });

  it('by default shows the last ten over all partitions', async () => {
    for (let i = 0; i < 30; i += 1) await write(i % 3, i);
    const { records } = await tailed({ from: { kind: 'last' } });
    expect(records.map(({ timestamp }) => (timestamp - START) / 1000)).toEqual([
      20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
    ]);
  });

  it('starts at an offset, at offsets of named partitions, or at a time', async () => {
    for (let i = 0; i < 8; i += 1) await write(i % 2, i);
    expect(where((await tailed({ from: { kind: 'offset', offset: 3 } })).records)).toEqual(['0@3', '1@3']);
    const offsets = new Map([[1, 2]]);
    expect(where((await tailed({ from: { kind: 'partition offsets', offsets } })).records)).toEqual(['1@2', '1@3']);
    const byTime = await tailed({ from: { kind: 'time', timestamp: START + 5000 } });
    expect(where(byTime.records)).toEqual(['1@2', '0@3', '1@3']);
  });

  it('shows what does not decode beside what does, and counts it', async () => {
    await write(0, 0);
    await world.log.append([
      { topic: TOPIC.name, key: null, value: Buffer.from([9, 9]), timestamp: START + 1, partition: 0 },
      { topic: TOPIC.name, key: null, value: null, timestamp: START + 2, partition: 0 },
    ]);
    await write(0, 3);
    const { records, undecodable } = await tailed();
    expect(undecodable).toBe(2);
    expect(records.map(({ value }) => value === null)).toEqual([false, true, true, false]);
    expect(records[1]).toMatchObject({ value: null, value_base64: 'CQk=', key: null });
    expect(records[1]?.error).toContain('NOT_WIRE_FORMAT');
    expect(records[2]).toMatchObject({ value: null, value_base64: null });
  });

  it('on a dead-letter topic gives base64, null as null, and is content with it', async () => {
    const topic = deadLetterTopicOf(TOPIC.name);
    const headers = [['__streams.errors.offset', Buffer.from('17')]] as const;
    await world.log.append([
      { topic, key: Buffer.from('k'), value: Buffer.from([0, 255]), timestamp: START, partition: 1, headers },
      { topic, key: null, value: null, timestamp: START + 1, partition: 1 },
    ]);
    const { records, undecodable } = await tailed({ topic });
    expect(undecodable).toBe(0);
    expect(records).toMatchObject([
      { key: 'k', value: 'AP8=', headers: { '__streams.errors.offset': '17' } },
      { key: null, value: null, headers: {} },
    ]);
  });
});

describe('tail', () => {
  it('follows: shows what comes later once, until interrupted', async () => {
    await write(0, 0);
    const { writer, lines } = capturedLines();
    const interrupt = new AbortController();
    let pauses = 0;
    const clock = new VirtualClock(START);
    clock.sleep = async () => {
      pauses += 1;
      if (pauses <= 3) await write(pauses % 2, pauses);
      else interrupt.abort();
    };
    await tail({ world, lines: writer, clock, signal: interrupt.signal }, { ...DEFAULTS, follow: true });
    expect(where(lines().map((line) => JSON.parse(line) as Line))).toEqual(['0@0', '1@0', '0@1', '1@1']);
  });

  it('follows from latest: only what comes later', async () => {
    await write(0, 0);
    const { writer, lines } = capturedLines();
    const interrupt = new AbortController();
    const clock = new VirtualClock(START);
    clock.sleep = async () => {
      if (lines().length > 0) interrupt.abort();
      else await write(0, 1);
    };
    const options: TailOptions = { ...DEFAULTS, from: { kind: 'latest' }, follow: true };
    await tail({ world, lines: writer, clock, signal: interrupt.signal }, options);
    expect(where(lines().map((line) => JSON.parse(line) as Line))).toEqual(['0@1']);
  });

  it('ends quietly, and early, when its reader goes away', async () => {
    for (let i = 0; i < 600; i += 1) await write(0, i);
    let chunks = 0;
    const gone = streamTo((_text, done) => {
      chunks += 1;
      done(brokenPipe());
    });
    const dependencies = { world, lines: new LineWriter(gone), clock: new VirtualClock(START) };
    await tail({ ...dependencies, signal: new AbortController().signal }, { ...DEFAULTS, follow: true });
    expect(chunks).toBe(1);
  });

  it('refuses an unknown topic and lists those there are; latest without follow too', async () => {
    await expect(tailed({ topic: 'nonsense' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(tailed({ topic: 'nonsense' })).rejects.toThrow(deadLetterTopicOf(TOPIC.name));
    await expect(tailed({ from: { kind: 'latest' } })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('on a terminal writes one line a record, whatever the record', async () => {
    for (const topic of Object.values(TOPICS)) {
      await world.write(topic, GOOD_RECORDS[topic.name], START, 0);
      const { text } = await tailed({ topic: topic.name, json: false });
      expect(text).toHaveLength(1);
      expect(text[0]).toContain('2026-02-02T03:40:00.000Z 0@0');
      expect(text[0]).not.toContain('undefined');
    }
    const dead = deadLetterTopicOf(TOPIC.name);
    const headers = [['harvestline.errors.code', Buffer.from('AVRO_CORRUPT\n\u001B[2J')]] as const;
    await world.log.append([{ topic: dead, key: null, value: Buffer.from([1]), timestamp: START, headers }]);
    const { text } = await tailed({ topic: dead, json: false });
    expect(text).toHaveLength(1);
    expect(text[0]).toContain('AVRO_CORRUPT');
    expect(text[0]).not.toContain('\u001B[2J');
  });
});

async function encodedTrade() {
  await world.write(TOPIC, TRADE, START, 0);
  for await (const { records } of world.log.read(TOPIC.name)) {
    const { key, value } = records[0] ?? { key: null, value: null };
    world = await memorySession();
    return { key, value };
  }
  throw new Error('nothing was written');
}

/** Fields in the order of the schema, as a reader gets them. */
async function decoded(value: Uint8Array | null) {
  await world.codec.prepare(TOPIC.name, [{ value }]);
  return world.codec.decode(TOPIC.name, { value });
}

describe('--from', () => {
  it.each([
    ['beginning', { kind: 'beginning' }],
    ['latest', { kind: 'latest' }],
    ['0', { kind: 'offset', offset: 0 }],
    ['99999999999', { kind: 'offset', offset: 99_999_999_999 }],
    ['100000000000', { kind: 'time', timestamp: 100_000_000_000 }],
    ['1770003600000', { kind: 'time', timestamp: 1_770_003_600_000 }],
    ['2026-02-02T03:40:00Z', { kind: 'time', timestamp: 1_770_003_600_000 }],
    ['2026-02-02T05:40:00+02:00', { kind: 'time', timestamp: 1_770_003_600_000 }],
    ['2026-02-02T03:40:00', { kind: 'time', timestamp: 1_770_003_600_000 }],
    ['2026-02-02 03:40', { kind: 'time', timestamp: 1_770_003_600_000 }],
    ['2026-02-02t05:40+0200', { kind: 'time', timestamp: 1_770_003_600_000 }],
    ['2026-02-02', { kind: 'time', timestamp: 1_769_990_400_000 }],
    ['3:17', { kind: 'partition offsets', offsets: new Map([[3, 17]]) }],
    [
      '3:17,0:4',
      {
        kind: 'partition offsets',
        offsets: new Map([
          [3, 17],
          [0, 4],
        ]),
      },
    ],
  ])('%s', (text, start) => {
    expect(parseTailStart(text)).toEqual(start);
  });

  it.each([
    '',
    'yesterday',
    '-1',
    '1.5',
    '3:',
    '3:1,',
    '2026-13-45',
    '2026-02-30',
    '2026-02-02T25:00',
    '2026-02-02x',
    '0x10',
    '1e3',
  ])('refuses "%s"', (text) => {
    expect(() => parseTailStart(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('the tail command of an alert', () => {
  const startOf = (since: number): string => tailFrom('position.snapshot', since).commands[0]?.args[2] ?? '';

  it.each([1_770_003_600_000, 5, Date.parse('9999-12-31T23:59:59.999Z') + 1, 8.64e15, 8.64e15 + 1])(
    'starts at the time %d',
    (since) => {
      const timestamp = Math.min(since, 999_999_999_999_999);
      expect(parseTailStart(startOf(since))).toEqual({ kind: 'time', timestamp });
    },
  );

  it('starts at the beginning for years that ISO 8601 does not have', () => {
    expect(startOf(-8e15)).toBe('beginning');
  });
});
