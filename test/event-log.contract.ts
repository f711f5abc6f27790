import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  Assigned,
  Batch,
  BatchHandler,
  EventLog,
  Headers,
  LogRecord,
  OutgoingRecord,
  SubscribeOptions,
  Subscription,
  TopicAdmin,
} from '../ports/event-log.ts';
import type { TopicSpec } from '../schemas/topics.ts';

/** An open log under test, and a second client on the same records, as another process would have. */
export interface LogUnderTest {
  readonly log: EventLog & TopicAdmin;
  readonly other: EventLog;
  /** What the broker calls a topic, where that is another name. */
  nameOf?(topic: string): string;
  close(): Promise<void>;
}

const PARTITIONS = 3;

/** Partitions of 24 keys as Kafka's Java client computes them (murmur2, masked to 31 bits, modulo 3). */
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

let topicNumber = 0;

/**
 * What every EventLog must do (PORT-1 to PORT-6 of ports/event-log.ts), whatever it is made of. The embedded log and Kafka run
 * the same suite.
 */
export function eventLogContract(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`${name}: EventLog contract`, () => {
    let world: LogUnderTest;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    async function newTopic(cleanup: TopicSpec['cleanup'] = 'delete'): Promise<string> {
      topicNumber += 1;
      const topic = `contract-${process.pid}-${topicNumber}`;
      await world.log.createTopics([
        { name: topic, key: 'as received', partitions: PARTITIONS, cleanup, retentionMs: null },
      ]);
      return topic;
    }

    it('creates a topic once and reports drift without touching it', async () => {
      const asked = await newTopic();
      const topic = world.nameOf?.(asked) ?? asked;
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
      const topic = world.nameOf?.(spec.name) ?? spec.name;
      expect(await world.log.compareTopics([spec])).toEqual([{ topic, state: 'missing' }]);
      expect(await world.log.createTopics([spec])).toEqual([{ topic, state: 'created' }]);
      expect(await world.log.compareTopics([spec])).toEqual([{ topic, state: 'unchanged' }]);
      const [drift] = await world.log.compareTopics([{ ...spec, cleanup: 'delete', retentionMs: null }]);
      expect(drift).toMatchObject({ topic, state: 'drifted' });
      expect(drift?.detail).toMatch(/cleanup.*retention/);
    });

    it('PORT-3: a group goes on where it committed, in another client too', async () => {
      const topic = await newTopic();
      const group = `${topic}-group`;
      await world.log.append([record(topic, 'k', 'one'), record(topic, 'k', 'two')]);
      expect(await consumeUntil(world.log, { group, topics: [topic], from: 'beginning' }, 2)).toEqual(['one', 'two']);
      await world.log.append([record(topic, 'k', 'three')]);
      expect(await consumeUntil(world.other, { group, topics: [topic], from: 'beginning' }, 1)).toEqual(['three']);
      const committed = [...(await world.log.committed(group, topic)).values()];
      expect(Math.max(...committed)).toBe(3);
    });

    it('PORT-3: a batch whose handler fails is not committed and comes again, and its outputs are not there', async () => {
      const topic = await newTopic();
      const outputs = await newTopic();
      const group = `${topic}-group`;
      await world.log.append([record(topic, 'k', 'one')]);
      const failing = await world.log.subscribe({ group, topics: [topic], from: 'beginning' }, () =>
        Promise.reject(new Error('no')),
      );
      await expect(failing.done).rejects.toThrow('no');
      await failing.stop();
      expect(await consumeUntil(world.log, { group, topics: [topic], from: 'beginning' }, 1)).toEqual(['one']);
      expect(await everything(world.log, outputs)).toEqual([]);
    });

    it('PORT-3: when an offset is committed, the outputs of its batch are there', async () => {
      const topic = await newTopic();
      const outputs = await newTopic();
      const group = `${topic}-group`;
      await world.log.append(Array.from({ length: 50 }, (_, index) => record(topic, 'k', String(index))));
      const subscription = await world.log.subscribe(
        { group, topics: [topic], from: 'beginning', maxBatchRecords: 7 },
        (batch) =>
          Promise.resolve(
            batch.records.map((one) => ({ ...record(outputs, 'k', text(one.value)), partition: batch.partition })),
          ),
      );
      await until(async () => sum((await world.other.committed(group, topic)).values()) === 50);
      expect(texts(await everything(world.other, outputs))).toEqual(
        Array.from({ length: 50 }, (_, index) => String(index)),
      );
      await subscription.stop();
      await subscription.done;
    });

    it('what is written ahead with append is durable before the handler goes on, even when it fails then', async () => {
      const topic = await newTopic();
      const ahead = await newTopic();
      await world.log.append([record(topic, 'k', 'one')]);
      const handler: BatchHandler = async (_batch, append) => {
        await append([record(ahead, 'k', 'ahead')]);
        throw new Error('after the write-ahead');
      };
      const subscription = await world.log.subscribe(
        { group: `${topic}-group`, topics: [topic], from: 'beginning' },
        handler,
      );
      await expect(subscription.done).rejects.toThrow('after the write-ahead');
      await subscription.stop();
      expect(texts(await everything(world.other, ahead))).toEqual(['ahead']);
    });

    it('a group that starts at the latest sees only what comes after', async () => {
      const topic = await newTopic();
      await world.log.append([record(topic, 'k', 'old')]);
      const seen: string[] = [];
      const assigned = Promise.withResolvers<undefined>();
      const subscription = await world.log.subscribe(
        {
          group: `${topic}-group`,
          topics: [topic],
          from: 'latest',
          onAssigned: () => Promise.resolve(assigned.resolve(undefined)),
        },
        (batch) => {
          seen.push(...texts(batch.records));
          return Promise.resolve([]);
        },
      );
      await assigned.promise;
      await until(async () => {
        await world.log.append([record(topic, 'k', 'new')]);
        return seen.length > 0;
      });
      expect(new Set(seen)).toEqual(new Set(['new']));
      await subscription.stop();
    });

    it('KFK-29: a group that starts at the latest commits where at once, so that a crash skips nothing', async () => {
      const topic = await newTopic();
      const group = `${topic}-group`;
      await world.log.append([{ ...record(topic, 'k', 'old'), partition: 0 }]);
      const crashed = await world.log.subscribe({ group, topics: [topic], from: 'latest' }, () =>
        Promise.reject(new Error('crashed')),
      );
      await until(async () => (await world.other.committed(group, topic)).size === PARTITIONS);
      expect((await world.other.committed(group, topic)).get(0)).toBe(1);
      await world.log.append([{ ...record(topic, 'k', 'new'), partition: 0 }]);
      await expect(crashed.done).rejects.toThrow('crashed');
      await crashed.stop();
      expect(await consumeUntil(world.other, { group, topics: [topic], from: 'latest' }, 1)).toEqual(['new']);
    });

    it('no batch comes before onAssigned is done, for each member; when it fails, none comes at all', async () => {
      const topic = await newTopic();
      await world.log.append([record(topic, 'k', 'one')]);
      const events: string[] = [];
      const restored = Promise.withResolvers<undefined>();
      const options = { group: `${topic}-group`, topics: [topic], from: 'beginning' } as const;
      const failing = await world.log.subscribe(
        { ...options, onAssigned: () => Promise.reject(new Error('cannot restore')) },
        () => Promise.resolve([]),
      );
      await expect(failing.done).rejects.toThrow('cannot restore');
      await failing.stop();
      const subscription = await world.other.subscribe(
        {
          ...options,
          onAssigned: async () => {
            events.push('restoring');
            await restored.promise;
            events.push('restored');
          },
        },
        () => {
          events.push('batch');
          return Promise.resolve([]);
        },
      );
      await until(() => Promise.resolve(events.length > 0));
      // Whatever is fetched meanwhile has to wait: a read takes longer than a fetch of the same record.
      expect(texts(await everything(world.log, topic))).toEqual(['one']);
      restored.resolve(undefined);
      await until(() => Promise.resolve(events.includes('batch')));
      expect(events).toEqual(['restoring', 'restored', 'batch']);
      await subscription.stop();
    });

    it('onAssigned is told the partitions, of equal numbers in all topics, and what it appends is durable before the first batch', async () => {
      const topics = [await newTopic(), await newTopic()];
      const [topic = '', second = ''] = topics;
      const ahead = await newTopic();
      const given: Assigned[] = [];
      const seen: string[] = [];
      await world.log.append([record(topic, 'k', 'one')]);
      const subscribe = (log: EventLog): Promise<Subscription> => {
        const options = { group: `${topic}-group`, topics, from: 'beginning' } as const;
        const onAssigned: SubscribeOptions['onAssigned'] = async (assigned, append) => {
          given.push(assigned);
          await append([{ ...record(ahead, 'k', 'ahead'), partition: 0 }]);
        };
        return log.subscribe({ ...options, onAssigned }, async () => {
          seen.push(...texts(await everything(world.other, ahead)));
          return [];
        });
      };
      const first = await subscribe(world.log);
      await until(() => Promise.resolve(seen.length > 0));
      const other = await subscribe(world.other);
      await first.stop();
      const numbers = Array.from({ length: PARTITIONS }, (_, partition) => partition);
      const isWhole = (assigned: Assigned | undefined): boolean => assigned?.[topic]?.length === PARTITIONS;
      await until(() => Promise.resolve(given.length > 1 && isWhole(given.at(-1))));
      await other.stop();
      for (const assigned of given) expect(assigned[second]).toEqual(assigned[topic]);
      expect([given[0]?.[topic], given.at(-1)?.[topic]].map((own) => own?.toSorted())).toEqual([numbers, numbers]);
      expect(seen[0]).toBe('ahead');
    });

    it('PORT-4: two members of a group share the records, each delivered once; the second goes on when the first leaves', async () => {
      const topic = await newTopic();
      const group = `${topic}-group`;
      const seen: string[] = [];
      const collect: BatchHandler = (batch) => {
        seen.push(...texts(batch.records));
        return Promise.resolve([]);
      };
      const first = await world.log.subscribe({ group, topics: [topic], from: 'beginning' }, collect);
      const second = await world.other.subscribe({ group, topics: [topic], from: 'beginning' }, collect);
      const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`);
      await world.log.append(keys.map((key) => record(topic, key, `${key} first`)));
      await until(() => Promise.resolve(seen.length >= 30));
      await first.stop();
      await world.log.append(keys.map((key) => record(topic, key, `${key} second`)));
      await until(() => Promise.resolve(seen.length >= 60));
      await second.stop();
      expect(seen.toSorted()).toEqual(keys.flatMap((key) => [`${key} first`, `${key} second`]).toSorted());
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

    it('stop finishes the batch in hand and commits it', async () => {
      const topic = await newTopic();
      const group = `${topic}-group`;
      await world.log.append([record(topic, 'k', 'one')]);
      const started = Promise.withResolvers<undefined>();
      const finish = Promise.withResolvers<undefined>();
      const subscription = await world.log.subscribe({ group, topics: [topic], from: 'beginning' }, async () => {
        started.resolve(undefined);
        await finish.promise;
        return [];
      });
      await started.promise;
      const stopped = subscription.stop();
      finish.resolve(undefined);
      await stopped;
      await subscription.done;
      expect(sum((await world.log.committed(group, topic)).values())).toBe(1);
    });
  });
}

function record(topic: string, key: string, value: string): OutgoingRecord {
  return { topic, key: Buffer.from(key), value: Buffer.from(value), timestamp: 1_700_000_000_000 };
}

function text(bytes: Uint8Array | null): string {
  return bytes === null ? '' : Buffer.from(bytes).toString();
}

function texts(records: readonly LogRecord[]): string[] {
  return records.map((one) => text(one.value));
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

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0);
}

async function everything(log: EventLog, topic: string): Promise<LogRecord[]> {
  const found: Batch[] = [];
  for await (const batch of log.read(topic)) found.push(batch);
  return found.flatMap((batch) => [...batch.records]);
}

/** Consumes until `count` records came, then leaves the group. */
async function consumeUntil(log: EventLog, options: SubscribeOptions, count: number): Promise<string[]> {
  const seen: string[] = [];
  const enough = Promise.withResolvers<undefined>();
  const subscription = await log.subscribe(options, (batch) => {
    seen.push(...texts(batch.records));
    if (seen.length >= count) enough.resolve(undefined);
    return Promise.resolve([]);
  });
  await Promise.race([enough.promise, subscription.done]);
  await subscription.stop();
  return seen;
}

/** Waits for a condition, letting the event loop turn in between. The runner's time limit ends a wait for nothing. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const turn = new Int32Array(new SharedArrayBuffer(4));
  while (!(await condition())) await Atomics.waitAsync(turn, 0, 0, 5).value;
}
