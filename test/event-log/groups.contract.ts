import { expect, it } from 'vitest';
import type {
  Append,
  Assigned,
  BatchHandler,
  EventLog,
  SubscribeOptions,
  Subscription,
} from '../../ports/event-log.ts';
import { until } from '../fixtures/until.ts';
import { PARTITIONS, everything, type openForSuite, record, text, texts } from './open-log.ts';

/** What consumer groups must do on every log: delivery, commits and assignments. */
export function groupContract(world: ReturnType<typeof openForSuite>): void {
  const { newTopic } = world;

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

  it('PORT-11: an append of nothing writes nothing, in a handler as in onAssigned', async () => {
    const topic = await newTopic();
    const group = `${topic}-group`;
    await world.log.append([record(topic, 'k', 'one')]);
    let confirmed = 0;
    const confirm = async (append: Append): Promise<void> => {
      await append([]);
      confirmed += 1;
    };
    const subscription = await world.log.subscribe(
      { group, topics: [topic], from: 'beginning', onAssigned: (_, append) => confirm(append) },
      async (_, append) => {
        await confirm(append);
        return [];
      },
    );
    await until(async () => sum((await world.other.committed(group, topic)).values()) === 1);
    await subscription.stop();
    expect(confirmed).toBe(2);
    expect(texts(await everything(world.other, topic))).toEqual(['one']);
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
    // A batch that is fetched meanwhile has to wait. The read takes longer than a fetch of the same record.
    expect(texts(await everything(world.log, topic))).toEqual(['one']);
    restored.resolve(undefined);
    await until(() => Promise.resolve(events.includes('batch')));
    expect(events).toEqual(['restoring', 'restored', 'batch']);
    await subscription.stop();
  });

  it('onAssigned receives the partitions, of equal numbers in all topics, and what it appends is durable before the first batch', async () => {
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

  it('stop finishes the batch in progress and commits it', async () => {
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
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0);
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
