import { describe, expect, it } from 'vitest';
import type { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { DEAD_LETTER_HEADERS } from '../../../pipelines/runtime/dead-letter.ts';
import type { Processor } from '../../../pipelines/runtime/processor.ts';
import { wireProcessor } from '../../../pipelines/runtime/wire-processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { SNAPSHOTS, DEAD, AT, preparedLog, scoring, run, all, headersOf, laxEncoder } from './wired-processor.ts';

describe('dead letters', () => {
  it('RUN-21: poison lands in the dead-letter topic byte for byte with its headers, and the stream goes on', async () => {
    const { log, codec, source } = await preparedLog();
    const good = source.encode(SNAPSHOTS, aSnapshot({ r: 9 }), AT + 1);
    const unknownId = Buffer.from(good.value);
    unknownId.writeInt32BE(4711, 1);
    const lie = Buffer.from(good.value.subarray(0, -3));
    const bad: (Uint8Array | null)[] = [Buffer.from('not avro'), unknownId, new Uint8Array(0), null, lie];
    await log.append([
      ...bad.map((value) => ({
        topic: SNAPSHOTS.name,
        key: good.key,
        value,
        timestamp: 7,
        headers: [['trace', Buffer.from('abc')]] as const,
      })),
      good,
    ]);
    await run(scoring(codec), log, codec);

    const dead = await all(log, DEAD);
    expect(dead.map(({ value }) => (value === null ? null : Buffer.from(value).toString('hex')))).toEqual(
      bad.map((value) => (value === null ? null : Buffer.from(value).toString('hex'))),
    );
    expect(dead.map((letter) => headersOf(letter)[DEAD_LETTER_HEADERS.code])).toEqual([
      'NOT_WIRE_FORMAT',
      'SCHEMA_UNKNOWN',
      'RECORD_EMPTY',
      'RECORD_EMPTY',
      'AVRO_CORRUPT',
    ]);
    const [source0] = await all(log, SNAPSHOTS.name);
    expect(headersOf(dead[0] as LogRecord)).toMatchObject({
      trace: 'abc',
      [DEAD_LETTER_HEADERS.exception]: 'HarvestlineError',
      [DEAD_LETTER_HEADERS.topic]: SNAPSHOTS.name,
      [DEAD_LETTER_HEADERS.partition]: String(source0?.partition),
      [DEAD_LETTER_HEADERS.offset]: '0',
    });
    // RUN-6: it is kept from when it was set aside on, by a clock that stands at 0 here.
    expect(dead.every((letter) => letter.timestamp === 0 && letter.partition === source0?.partition)).toBe(true);
    expect(headersOf(dead[0] as LogRecord)[DEAD_LETTER_HEADERS.timestamp]).toBe('7');
    expect(await all(log, TOPICS.harvestIntent.name)).toHaveLength(1);
  });

  it('RUN-21: a batch larger than a part loses nothing, keeps its order, and buries the poison of every part', async () => {
    const { log, codec, source } = await preparedLog();
    const records = 200;
    const observed = (index: number): number => aSnapshot({ r: 9 }).observed_at + index;
    const isPoison = (index: number): boolean => index % 50 === 0;
    await log.append(
      Array.from({ length: records }, (_, index) => {
        const good = source.encode(SNAPSHOTS, { ...aSnapshot({ r: 9 }), observed_at: observed(index) }, AT + 1);
        // A byte too many: the record before it is whole, and still not what was written.
        return isPoison(index) ? { ...good, value: Buffer.concat([good.value, Buffer.alloc(1)]) } : good;
      }),
    );
    await run(scoring(codec), log, codec);

    const intents = await all(log, TOPICS.harvestIntent.name);
    const indices = Array.from({ length: records }, (_, index) => index);
    expect(intents.map((at) => codec.decode(TOPICS.harvestIntent.name, at).observed_at)).toEqual(
      indices.filter((index) => !isPoison(index)).map(observed),
    );
    const dead = await all(log, DEAD);
    expect(dead.map((letter) => headersOf(letter)[DEAD_LETTER_HEADERS.offset])).toEqual(
      indices.filter(isPoison).map(String),
    );
    expect(dead.map((letter) => headersOf(letter)[DEAD_LETTER_HEADERS.code])).toEqual(Array(4).fill('AVRO_CORRUPT'));
  });

  it('RUN-21: a record whose values break the rules is dead-lettered with every path', async () => {
    const { log, codec } = await preparedLog();
    // A foreign client that skipped the checks: the bytes are Avro, the content is not what the schema allows.
    const lax = await laxEncoder(log);
    await log.append([
      {
        topic: SNAPSHOTS.name,
        key: Buffer.from('k'),
        timestamp: 0,
        value: lax({ ...aSnapshot(), mark_price: Number.NaN, confidence: 1.2, peak_price: 1 }),
      },
      { topic: SNAPSHOTS.name, key: Buffer.from('k'), timestamp: AT, value: lax({ ...aSnapshot({ r: 9 }) }) },
    ]);
    await run(scoring(codec), log, codec);
    const [letter] = await all(log, DEAD);
    const paths = JSON.parse(headersOf(letter as LogRecord)[DEAD_LETTER_HEADERS.paths] ?? '[]') as { path: string }[];
    expect(paths.map(({ path }) => path)).toEqual(['mark_price', 'confidence']);
    expect(await all(log, TOPICS.harvestIntent.name)).toHaveLength(1);
  });

  it('RUN-21: one record that makes the processor fail is set aside alone, its neighbours are processed', async () => {
    const { log, codec, source } = await preparedLog();
    const extreme = aSnapshot(
      {},
      { entry_price: 1e-12, initial_stop_price: null, mark_price: 1, peak_price: 1, worst_price: 1 },
    );
    await log.append([
      source.encode(SNAPSHOTS, aSnapshot({ r: 9 }), AT + 1),
      source.encode(SNAPSHOTS, extreme, AT + 2),
      source.encode(SNAPSHOTS, aSnapshot({ r: 9, age: 4 }), AT + 3),
    ]);
    await run(scoring(codec), log, codec);
    expect(await all(log, DEAD)).toHaveLength(1);
    expect(await all(log, TOPICS.harvestIntent.name)).toHaveLength(2);
  });
});

describe('what an earlier run left unfinished', () => {
  const recovering = (log: EmbeddedLog, inputs: Processor['inputs'], recover: NonNullable<Processor['recover']>) => {
    const events: string[] = [];
    const processor: Processor = {
      name: 'execution',
      inputs,
      restore: () => Promise.resolve(void events.push('restored')),
      recover: async (partitions, write) => {
        events.push(`recovering ${partitions.join(' ')}`);
        await recover(partitions, write);
      },
      process: (records) => {
        events.push(`batch of ${records.length}`);
        return Promise.resolve([]);
      },
    };
    return { processor, events, log };
  };

  it('is recovered after the restore and before the first batch, durably, and without any record too', async () => {
    const { log, codec, source } = await preparedLog();
    const [good] = [source.encode(SNAPSHOTS, aSnapshot(), AT + 1)];
    const { processor, events } = recovering(log, [SNAPSHOTS], (_, write) => write([{ ...good, partition: 3 }]));
    await run(processor, log, codec);
    expect(events).toEqual(['restored', 'recovering 0 1 2 3 4 5', 'batch of 1']);
    expect((await all(log, SNAPSHOTS.name)).map(({ partition }) => partition)).toEqual([3]);
  });

  it('RUN-22: is recovered again after a transient error', async () => {
    const { log, codec } = await preparedLog();
    let tries = 0;
    const { processor, events } = recovering(log, [SNAPSHOTS], () => {
      tries += 1;
      return tries < 3 ? Promise.reject(new HarvestlineError('LOG_BUSY', 'busy')) : Promise.resolve();
    });
    await run(processor, log, codec);
    expect(events).toEqual(['restored', ...Array(3).fill('recovering 0 1 2 3 4 5')]);
  });

  it('is recovered only where all inputs of a partition are here', async () => {
    const { log, codec } = await preparedLog();
    const inputs = [TOPICS.harvestIntent, TOPICS.positionReconciled];
    const { processor, events } = recovering(log, inputs, () => Promise.resolve());
    const { options } = wireProcessor({ processor, log, codec, clock: new VirtualClock(0), logger: SILENT_LOGGER });
    const [intents, reconciled] = inputs.map(({ name }) => name);
    await options.onAssigned?.({ [intents ?? '']: [0, 2, 5], [reconciled ?? '']: [5, 1, 2] }, () => Promise.resolve());
    await options.onAssigned?.({ [intents ?? '']: [4] }, () => Promise.resolve());
    expect(events).toEqual(['restored', 'recovering 2 5', 'restored', 'recovering ']);
  });
});

describe('errors that are not the record’s fault', () => {
  it('RUN-22: a transient error repeats the batch and dead-letters nothing', async () => {
    const { log, codec, source } = await preparedLog();
    await log.append([source.encode(SNAPSHOTS, aSnapshot(), AT + 1)]);
    let tries = 0;
    const flaky: Processor = {
      name: 'scoring',
      inputs: [SNAPSHOTS],
      process() {
        tries += 1;
        if (tries < 4) throw new HarvestlineError('EXCHANGE_AWAY', 'no answer');
        return Promise.resolve([]);
      },
    };
    await run(flaky, log, codec);
    expect(tries).toBe(4);
    expect(await all(log, DEAD)).toEqual([]);
    expect(sum((await log.committed('scoring', SNAPSHOTS.name)).values())).toBe(1);
  });

  it('RUN-22: the registry away for the schema of one record: nothing of its batch is worked before it answers', async () => {
    const { log, source } = await preparedLog();
    const { registry } = log;
    let refusals = 1;
    const codec = await RecordCodec.open({
      idOf: (subject, schema) => registry.idOf(subject, schema),
      versions: (subject) => registry.versions(subject),
      register: (subject, schema) => registry.register(subject, schema),
      schemaOf: (id) =>
        refusals-- > 0 ? Promise.reject(new HarvestlineError('REGISTRY_AWAY', 'no answer')) : registry.schemaOf(id),
    });
    const batch = Array.from({ length: 200 }, (_, index) =>
      source.encode(SNAPSHOTS, { ...aSnapshot({ r: 9 }), observed_at: aSnapshot().observed_at + index }, AT + index),
    );
    const foreign = Buffer.from(batch[150]?.value ?? []);
    foreign.writeInt32BE(4711, 1);
    await log.append(batch.map((record, index) => (index === 150 ? { ...record, value: foreign } : record)));
    const processor = scoring(codec);
    let worked = 0;
    const counting: Processor = {
      ...processor,
      process: (records, append) => {
        worked += records.length;
        return processor.process(records, append);
      },
    };
    await run(counting, log, codec);

    expect(worked).toBe(199);
    expect(await all(log, TOPICS.harvestIntent.name)).toHaveLength(199);
    expect(await all(log, DEAD)).toHaveLength(1);
  });

  it('RUN-23: any other error ends the subscription and commits nothing', async () => {
    const { log, codec, source } = await preparedLog();
    await log.append([source.encode(SNAPSHOTS, aSnapshot(), AT + 1)]);
    const broken: Processor = {
      name: 'scoring',
      inputs: [SNAPSHOTS],
      process: () => Promise.reject(new TypeError('a bug')),
    };
    await expect(run(broken, log, codec)).rejects.toThrow('a bug');
    expect(sum((await log.committed('scoring', SNAPSHOTS.name)).values())).toBe(0);
  });

  it('a processor may not write a topic that another owns', async () => {
    const { codec } = await preparedLog();
    const intruder = new TopicWriter('clm', codec);
    expect(() => intruder.encode(SNAPSHOTS, aSnapshot(), 1)).toThrow(
      expect.objectContaining({ code: 'TOPIC_NOT_OWNED' }),
    );
  });
});

it('scoring the same snapshots twice gives the same intents, and the decision that evaluate gives', async () => {
  const { log, codec, source } = await preparedLog();
  const snapshots = [9, 5.33, 0.5, -3].map((r, index) => aSnapshot({ symbol: `S${index}USDT`, r }));
  await log.append(snapshots.map((snapshot) => source.encode(SNAPSHOTS, snapshot, snapshot.observed_at)));
  await run(scoring(codec), log, codec);
  const once = await all(log, TOPICS.harvestIntent.name);
  log.database.exec('DELETE FROM committed_offsets');
  await run(scoring(codec), log, codec);
  const twice = await all(log, TOPICS.harvestIntent.name);
  expect(twice).toHaveLength(2 * once.length);
  const idsOf = (records: readonly LogRecord[]): string[] =>
    records.map((at) => codec.decode(TOPICS.harvestIntent.name, at).intent_id);
  expect(new Set(idsOf(twice))).toEqual(new Set(idsOf(once)));
});

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0);
}
