import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { executionProcessor } from '../../../pipelines/execution/execution-processor.ts';
import { perPartition } from '../../../pipelines/runtime/per-partition.ts';
import type { DecodedRecord, Processor, Replay } from '../../../pipelines/runtime/processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { type EncodedRecord, TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { MINUTE_MS, OPENED_AT, anIntent } from '../../fixtures/an-intent.ts';
import { ExecutionLog } from '../execution/execution-log.ts';
import { ScriptedExchange, venueOrder } from '../../fixtures/scripted-exchange.ts';

const INTENTS = TOPICS.harvestIntent;
const NOTHING: Replay = async function* none() {};

function delivered(partition: number, offset: number): DecodedRecord {
  const at: LogRecord = { topic: INTENTS.name, partition, offset, timestamp: 0, key: null, value: null, headers: [] };
  return { topic: INTENTS.name, record: GOOD_RECORDS[INTENTS.name], at };
}

/** A processor whose batches end only when told to, and that notes what happened. */
function slowProcessors() {
  const events: string[] = [];
  const waiting = new Map<string, () => void>();
  let instances = 0;
  const create = (): Processor => {
    const instance = instances++;
    let state = '?';
    return {
      name: 'execution',
      inputs: [INTENTS],
      restore: async (replay) => {
        state = 'empty';
        for await (const { at } of replay(INTENTS.name)) state = `to ${at.offset}`;
      },
      process: async ([first], write) => {
        const batch = `${first?.at.partition}@${first?.at.offset}`;
        events.push(`begin ${batch}`);
        await new Promise<void>((resolve) => waiting.set(batch, resolve));
        events.push(`end ${batch}`);
        const output: EncodedRecord = {
          topic: TOPICS.executionReport.name,
          key: Buffer.from(`${instance} ${state}`),
          value: Buffer.from(''),
          timestamp: 0,
        };
        await write([output]);
        return [output];
      },
    };
  };
  return { events, waiting, create, finish: (batch: string) => waiting.get(batch)?.() };
}

const turn = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

async function settle(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await turn();
}

describe('one instance for each partition', () => {
  it('RUN-13: batches of a partition run one after the other, those of others at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        async (partitions, choices) => {
          const { events, waiting, create } = slowProcessors();
          const processor = perPartition(create);
          await processor.restore?.(NOTHING);
          const batches = partitions.map((partition, offset) =>
            processor.process([delivered(partition, offset)], () => Promise.resolve()),
          );
          for (let left = batches.length; left > 0; left--) {
            await settle();
            expect(waiting.size).toBe(
              new Set(partitions.filter((p, offset) => !events.includes(`end ${p}@${offset}`))).size,
            );
            const open = [...waiting.keys()];
            const chosen = open[(choices.next().value ?? 0) % open.length] ?? '';
            waiting.get(chosen)?.();
            waiting.delete(chosen);
          }
          await Promise.all(batches);
          for (const partition of new Set(partitions)) {
            const own = events.filter((event) => event.includes(` ${partition}@`));
            const expected = partitions.flatMap((p, offset) =>
              p === partition ? [`begin ${p}@${offset}`, `end ${p}@${offset}`] : [],
            );
            expect(own).toEqual(expected);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('RUN-13: a batch that failed does not hold up the next', async () => {
    const processor = perPartition(() => ({
      name: 'execution',
      inputs: [INTENTS],
      process: ([first]) => (first?.at.offset === 0 ? Promise.reject(new Error('no')) : Promise.resolve([])),
    }));
    const first = processor.process([delivered(0, 0)], () => Promise.resolve());
    const second = processor.process([delivered(0, 1)], () => Promise.resolve());
    await expect(first).rejects.toThrow('no');
    await expect(second).resolves.toEqual([]);
  });

  it('RUN-14: an assignment makes instances anew, restored after the batch in hand, from their own partition', async () => {
    const { create, finish, events } = slowProcessors();
    const processor = perPartition(create);
    const asked: (readonly number[] | undefined)[] = [];
    let end = 5;
    const replay: Replay = async function* upToEnd(_topic: unknown, partitions?: readonly number[]) {
      asked.push(partitions);
      yield { at: { offset: end } };
    } as unknown as Replay;
    await processor.restore?.(replay);
    const before = processor.process([delivered(1, 0)], () => Promise.resolve());
    await settle();
    await processor.restore?.(replay);
    const after = processor.process([delivered(1, 1)], () => Promise.resolve());
    await settle();
    expect(events).toEqual(['begin 1@0']);
    end = 7;
    finish('1@0');
    await settle();
    finish('1@1');
    expect((await before).map(({ key }) => key.toString())).toEqual([expect.stringContaining('to 5')]);
    expect((await after).map(({ key }) => key.toString())).toEqual([expect.stringContaining('to 7')]);
    expect(asked).toEqual([[1], [1]]);
  });

  it('RUN-15: all that is written goes to the partition of the input', async () => {
    const { create, finish } = slowProcessors();
    const processor = perPartition(create);
    await processor.restore?.(NOTHING);
    const written: EncodedRecord[] = [];
    const batch = processor.process([delivered(4, 0)], (records) => {
      written.push(...records);
      return Promise.resolve();
    });
    await settle();
    finish('4@0');
    expect([...(await batch), ...written].map(({ partition }) => partition)).toEqual([4, 4]);
  });

  it('RUN-13, RUN-15: settles all its partitions at the same time, each before its batches, and writes to them', async () => {
    const events: string[] = [];
    const waiting = new Map<number, () => void>();
    const processor = perPartition(() => ({
      name: 'execution',
      inputs: [INTENTS],
      recover: async ([partition = -1], write) => {
        events.push(`recover ${partition}`);
        await new Promise<void>((resolve) => waiting.set(partition, resolve));
        const output = { topic: TOPICS.executionReport.name, key: Buffer.from(''), value: Buffer.from('') } as const;
        await write([{ ...output, timestamp: 0 }]);
      },
      process: async ([first]) => {
        events.push(`batch ${first?.at.partition}`);
        return [];
      },
    }));
    await processor.restore?.(NOTHING);
    const written: (number | undefined)[] = [];
    const recovering = processor.recover?.([2, 4], (records) => {
      written.push(...records.map(({ partition }) => partition));
      return Promise.resolve();
    });
    const batches = [2, 3].map((partition) => processor.process([delivered(partition, 0)], () => Promise.resolve()));
    await settle();
    expect(events).toEqual(['recover 2', 'recover 4', 'batch 3']);
    for (const go of waiting.values()) go();
    await Promise.all([recovering, ...batches]);
    expect(events.at(-1)).toBe('batch 2');
    expect(new Set(written)).toEqual(new Set([2, 4]));
  });

  it('a partition that cannot be recovered fails the whole, but only once the others are', async () => {
    const recovered: number[] = [];
    const processor = perPartition(() => ({
      name: 'execution',
      inputs: [INTENTS],
      recover: async ([partition = -1]) => {
        if (partition === 0) throw new Error('no');
        await settle();
        recovered.push(partition);
      },
      process: () => Promise.resolve([]),
    }));
    await processor.restore?.(NOTHING);
    await expect(processor.recover?.([0, 1, 2], () => Promise.resolve())).rejects.toThrow('no');
    expect(recovered).toEqual([1, 2]);
  });

  it('RUN-14, EXE-2: a member that is given a partition sees what the one before wrote, and sends nothing again', async () => {
    const log = await ExecutionLog.open();
    const exchange = new ScriptedExchange();
    exchange.placements = [{ kind: 'accepted', order: venueOrder() }];
    const member = (): Processor =>
      perPartition(() =>
        executionProcessor({
          writer: new TopicWriter('execution', log.codec),
          exchange,
          clock: new VirtualClock(OPENED_AT + 60 * MINUTE_MS + 1000),
          logger: SILENT_LOGGER,
        }),
      );
    const [first, second] = [member(), member()];
    await first.restore?.(log.replay);
    await second.restore?.(log.replay);
    const intent = log.addIntent(anIntent());
    await first.process([intent], log.append);
    await second.restore?.(log.replay);
    await second.process([intent], log.append);
    const later = log.addIntent(anIntent({ minute: 70 }));
    await second.process([later], log.append);
    await first.restore?.(log.replay);
    await first.process([intent, later], log.append);
    expect(exchange.calls.filter((call) => call.startsWith('place'))).toHaveLength(1);
    expect(log.reports.map(({ status }) => status)).toEqual(['SUBMITTED', 'FILLED', 'SUPPRESSED']);
  });

  it('RUN-16: it is in everything what it wraps, and has nothing that this has not', () => {
    const sample = {
      name: 'execution',
      inputs: [INTENTS],
      observes: [TOPICS.tradeClosed],
      broadcasts: [TOPICS.confidenceCalibration],
      maxBatchRecords: 7,
      splittable: true,
      process: () => Promise.resolve([]),
    } as const;
    // Every property that says something of a processor; `Required` fails to compile where one is missing here.
    const said: Omit<Required<Processor>, 'restore' | 'recover' | 'onBroadcast' | 'observe' | 'process'> = sample;
    expect(perPartition(() => sample)).toMatchObject({
      name: said.name,
      inputs: said.inputs,
      observes: said.observes,
      broadcasts: said.broadcasts,
      maxBatchRecords: said.maxBatchRecords,
      splittable: said.splittable,
    });
    const { observes: _o, broadcasts: _f, maxBatchRecords: _m, splittable: _i, ...plain } = sample;
    const wrapped = perPartition(() => plain);
    expect(Object.keys(wrapped).toSorted()).toEqual(
      ['onBroadcast', 'inputs', 'name', 'observe', 'process', 'recover', 'restore'].toSorted(),
    );
  });

  it('RUN-17: each instance is given every followed record once and in order, however late it is made, and what is observed of its partition', async () => {
    const told = new Map<number, string[]>();
    const restoring = Promise.withResolvers<undefined>();
    let instances = 0;
    const processor = perPartition(() => {
      const instance = instances++;
      const events: string[] = [];
      told.set(instance, events);
      return {
        name: 'execution',
        inputs: [INTENTS],
        restore: () => (instance === 1 ? Promise.resolve() : restoring.promise),
        onBroadcast: ({ at }) => void events.push(`followed ${at.offset}`),
        observe: ([first]) => {
          events.push(`observed ${first?.partition}@${first?.offset}`);
          return Promise.resolve([]);
        },
        process: ([first]) => {
          events.push(`record ${first?.at.partition}@${first?.at.offset}`);
          return Promise.resolve([]);
        },
      };
    });
    const nobody = (): Promise<void> => Promise.resolve();
    processor.onBroadcast?.(delivered(0, 0));
    await processor.restore?.(NOTHING);
    await processor.process([delivered(0, 5)], nobody);
    processor.onBroadcast?.(delivered(0, 1));
    const later = processor.process([delivered(1, 5)], nobody);
    await settle();
    // It is being restored.
    processor.onBroadcast?.(delivered(0, 2));
    restoring.resolve(undefined);
    await later;
    await processor.observe?.([delivered(1, 9).at], INTENTS.name);
    await processor.observe?.([delivered(0, 9).at], INTENTS.name);
    expect(told.get(1)).toEqual(['followed 0', 'record 0@5', 'followed 1', 'followed 2', 'observed 0@9']);
    expect(told.get(2)).toEqual(['followed 0', 'followed 1', 'followed 2', 'record 1@5', 'observed 1@9']);
  });
});
