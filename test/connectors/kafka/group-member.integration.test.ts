import type { Admin } from 'kafkajs';
import { afterAll, describe, expect, it } from 'vitest';
import { GroupMember } from '../../../connectors/kafka/group-member.ts';
import { groupConsumer } from '../../../connectors/kafka/kafka-consumer.ts';
import { kafkaClient } from '../../../connectors/kafka/kafka-client.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { Append, BatchHandler, MovedStart, OutgoingRecord, Subscription } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { sharedTestBroker, started } from '../../tools/kafka/test-broker.ts';
import { PARTITIONS, copyOf, faultsOf, freeze, numberedRange, numbersByKey, until } from './numbered-records.ts';

/** The shortest that a broker allows by default (group.min.session.timeout.ms). Unit: milliseconds. */
const SESSION_TIMEOUT_MS = 6000;

const broker = await sharedTestBroker();
const clock = new SystemClock();
let topics = 0;

describe.skipIf('skipped' in broker)('a member of a consumer group', () => {
  const options = { brokers: started(broker).brokers ?? [], clock, logger: SILENT_LOGGER };
  const log = KafkaLog.open(options);
  const other = KafkaLog.open(options);
  afterAll(async () => {
    await log.close();
    await other.close();
  });

  async function newTopic(partitions = PARTITIONS): Promise<string> {
    topics += 1;
    const name = `member-${process.pid}-${topics}`;
    await log.createTopics([{ name, key: 'as received', partitions, cleanup: 'delete', retentionMs: null }]);
    return name;
  }

  async function withAdmin(work: (admin: Admin) => Promise<unknown>): Promise<void> {
    const admin = kafkaClient(options).admin();
    await admin.connect();
    await work(admin);
    await admin.disconnect();
  }

  function deleteBefore(topic: string, offset: number): Promise<void> {
    return withAdmin(async (admin) => {
      // kafkajs deletes records only of topics it has heard of.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
    });
  }

  async function committedSum(group: string, topic: string): Promise<number> {
    return [...(await log.committed(group, topic)).values()].reduce((sum, offset) => sum + offset, 0);
  }

  it('KFK-25: a handler that takes longer than the session keeps its membership', async () => {
    const topic = await newTopic(1);
    const group = `${topic}-group`;
    await log.append(numberedRange(topic, 0, 3));
    let assignments = 0;
    let batches = 0;
    const subscription = await log.subscribe(
      {
        group,
        topics: [topic],
        from: 'beginning',
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        onAssigned: () => Promise.resolve(void (assignments += 1)),
      },
      async () => {
        batches += 1;
        const end = clock.now() + SESSION_TIMEOUT_MS + 2000;
        await until(() => clock.now() > end);
        return [];
      },
    );
    await until(async () => (await committedSum(group, topic)) === 3);
    await subscription.stop();
    expect({ assignments, batches }).toEqual({ assignments: 1, batches: 1 });
  });

  it('KFK-25: what is in hand at a stop is finished as a member: the next one begins after it', async () => {
    const topic = await newTopic(1);
    const group = `${topic}-group`;
    await log.append(numberedRange(topic, 0, 3));
    const membership = { group, topics: [topic], from: 'beginning', sessionTimeoutMs: SESSION_TIMEOUT_MS } as const;
    const events: string[] = [];
    const first = await log.subscribe(membership, async () => {
      events.push('begun');
      const end = clock.now() + SESSION_TIMEOUT_MS + 2000;
      await until(() => clock.now() > end);
      events.push('finished');
      return [];
    });
    await until(() => events.length > 0);
    const stopped = first.stop();
    const onAssigned = (): Promise<void> => Promise.resolve(void events.push('next'));
    const second = await other.subscribe({ ...membership, onAssigned }, () => {
      events.push('again');
      return Promise.resolve([]);
    });
    await stopped;
    await first.done;
    await until(() => events.includes('next'));
    expect(await committedSum(group, topic)).toBe(3);
    await second.stop();
    expect(events).toEqual(['begun', 'finished', 'next']);
  });

  it('KFK-28: a stop does not wait for onAssigned, which then appends nothing more', async () => {
    const topic = await newTopic(1);
    const assigned = Promise.withResolvers<Append>();
    const released = Promise.withResolvers<undefined>();
    const subscription = await log.subscribe(
      {
        group: `${topic}-group`,
        topics: [topic],
        from: 'beginning',
        onAssigned: async (_, append) => {
          assigned.resolve(append);
          await released.promise;
        },
      },
      () => Promise.resolve([]),
    );
    const append = await assigned.promise;
    await append(numberedRange(topic, 0, 1));
    await subscription.stop();
    await expect(append(numberedRange(topic, 1, 2))).rejects.toMatchObject({ code: 'MEMBERSHIP_LOST' });
    released.resolve(undefined);
    expect([...(await numbersByKey(log, topic)).values()].flat()).toEqual([0]);
  });

  it('KFK-28: a member that was silent too long appends nothing more, commits nothing, and joins again', async () => {
    const topic = await newTopic(1);
    const outputs = await newTopic(1);
    const group = `${topic}-group`;
    await log.append(numberedRange(topic, 0, 3));
    const refusals: unknown[] = [];
    let calls = 0;
    const subscription = await log.subscribe(
      { group, topics: [topic], from: 'beginning', sessionTimeoutMs: SESSION_TIMEOUT_MS },
      async (batch, append) => {
        calls += 1;
        if (calls > 1) return batch.records.map((record) => copyOf(record, outputs));
        freeze(SESSION_TIMEOUT_MS + 2000);
        await until(() =>
          append([]).then(
            () => false,
            (error: unknown) => refusals.push(error) > 0,
          ),
        );
        return batch.records.map((record) => ({ ...copyOf(record, outputs), value: Buffer.from('999') }));
      },
    );
    await until(async () => (await committedSum(group, topic)) === 3);
    await subscription.stop();
    await subscription.done;
    expect(refusals).toMatchObject([{ code: 'MEMBERSHIP_LOST' }]);
    expect([...(await numbersByKey(log, outputs)).values()].flat()).toEqual([0, 1, 2]);
  });

  it.each([
    ['TypeError', new TypeError('x is not a function')],
    ['RangeError', new RangeError('out of bounds')],
  ])("KFK-27: a handler's %s ends the subscription, where kafkajs would live on doing nothing", async (_, error) => {
    const topic = await newTopic();
    const group = `${topic}-group`;
    await log.append(numberedRange(topic, 0, 50));
    const subscription = await log.subscribe({ group, topics: [topic], from: 'beginning' }, () =>
      Promise.reject(error),
    );
    await expect(subscription.done).rejects.toBe(error);
    expect(await committedSum(group, topic)).toBe(0);
    await subscription.stop();
  });

  it('KFK-24, KFK-26: while members come and go under load, nothing is lost, and no commit is ahead of the outputs', async () => {
    const topic = await newTopic();
    const outputs = await newTopic();
    const group = `${topic}-group`;
    const acknowledged = new Map<number, number>();
    let assignments = 0;
    const subscribe = (member: KafkaLog): Promise<Subscription> => {
      let restored = false;
      const handler: BatchHandler = async ({ partition, records, nextOffset }, append) => {
        if (!restored) throw new Error('a batch came before the restore');
        // Written here, so that what was acknowledged is known before the offset may be committed.
        await append(records.map((record) => copyOf(record, outputs)));
        acknowledged.set(partition, Math.max(acknowledged.get(partition) ?? 0, nextOffset));
        return [];
      };
      const onAssigned = async (): Promise<void> => {
        assignments += 1;
        restored = false;
        await member.offsets(outputs);
        restored = true;
      };
      return member.subscribe({ group, topics: [topic], from: 'beginning', maxBatchRecords: 50, onAssigned }, handler);
    };
    const ahead: string[] = [];
    const committed = async (): Promise<number> => {
      let sum = 0;
      for (const [partition, offset] of await log.committed(group, topic)) {
        sum += offset;
        if (offset > (acknowledged.get(partition) ?? 0)) ahead.push(`partition ${partition}: ${offset}`);
      }
      return sum;
    };
    let written = 0;
    /** Writes while the group changes, until every member has its new assignment. */
    const during = async <T>(change: () => Promise<T>, newAssignments: number): Promise<T> => {
      const wanted = assignments + newAssignments;
      const settled = (): boolean => assignments >= wanted && written % 2000 === 0;
      const changed = change();
      while (!settled()) {
        await other.append(numberedRange(topic, written, written + 200));
        written += 200;
        await committed();
      }
      return changed;
    };
    const first = await during(() => subscribe(log), 1);
    const second = await during(() => subscribe(other), 2);
    const third = await during(() => subscribe(log), 3);
    await during(() => first.stop(), 2);
    await during(() => second.stop(), 1);
    await until(async () => (await committed()) === written);
    await third.stop();
    await Promise.all([first.done, second.done, third.done]);
    expect(ahead).toEqual([]);
    expect(await faultsOf(log, outputs, written)).toEqual([]);
  });

  it('KFK-30, KFK-4: while a batch is on its way the next fetch begins, its own partition waits, and it is not committed', async () => {
    const topic = await newTopic(2);
    const group = `${topic}-group`;
    const value = Buffer.alloc(100_000, 'x');
    // Several fetches of each partition.
    for (let number = 0; number < 40; number++)
      await log.append([0, 1].map((partition) => ({ topic, key: null, value, timestamp: clock.now(), partition })));
    const gate = Promise.withResolvers<undefined>();
    const worked: Record<number, number[]> = { 0: [], 1: [] };
    let batches = 0;
    const unacknowledged = new Set<string>();
    let overtaken = 0;
    const context = {
      log: {
        append: async (records: readonly OutgoingRecord[]) => {
          const key = String(records[0]?.key);
          unacknowledged.add(key);
          if (key === '0') await gate.promise;
          unacknowledged.delete(key);
        },
        groupPosition: (...asked: Parameters<KafkaLog['groupPosition']>) => log.groupPosition(...asked),
      },
      clock,
      logger: SILENT_LOGGER,
      known: new Set<string>(),
    };
    const member = new GroupMember(
      groupConsumer(kafkaClient(options), { group }),
      { group, topics: [topic], from: 'beginning' },
      ({ partition, records }) => {
        if (unacknowledged.has(String(partition))) overtaken += 1;
        for (const { offset } of records) worked[partition]?.push(offset);
        if (partition === 1) batches += 1;
        return Promise.resolve([{ topic, key: Buffer.from(String(partition)), value: null, timestamp: 0 }]);
      },
      context,
    );
    const ended = member.run();
    await until(() => batches >= 2);
    const there = worked[1]?.length;
    await until(async () => ((await log.committed(group, topic)).get(1) ?? 0) >= (there ?? Infinity));
    expect(worked[0]?.length).toBeLessThan(there ?? 0);
    expect((await log.committed(group, topic)).get(0)).toBe(0);
    gate.resolve(undefined);
    await until(() => Object.values(worked).every(({ length }) => length === 40));
    member.stop();
    expect(await ended).toEqual({ kind: 'stopped' });
    expect(await committedSum(group, topic)).toBe(80);
    expect(overtaken).toBe(0);
    for (const offsets of Object.values(worked)) expect(offsets).toEqual(Array.from({ length: 40 }, (_, at) => at));
  });

  it('KFK-2, KFK-3: what retention removes before a group reads it is said, while it is away and while it lags, and no offset is below 0', async () => {
    const topic = await newTopic(2);
    const group = `${topic}-group`;
    const seen: number[] = [];
    const moved: MovedStart[] = [];
    const gates = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const member = (handler: BatchHandler): Promise<Subscription> => {
      const onMoved = (starts: readonly MovedStart[]) => Promise.resolve(void moved.push(...starts));
      return log.subscribe({ group, topics: [topic], from: 'latest', onMoved }, handler);
    };
    const write = (from: number, to: number): Promise<void> =>
      log.append(numberedRange(topic, from, to).map((record) => ({ ...record, partition: 0 })));
    const empty = await member(() => Promise.resolve([]));
    await until(async () => (await log.committed(group, topic)).size === 2);
    await empty.stop();
    await write(0, 10);
    await deleteBefore(topic, 4);
    // A crash on the way back must not make it look like a group that has never committed, nor as if nothing had been said.
    const crashed = await member(() => Promise.reject(new Error('crashed')));
    await expect(crashed.done).rejects.toThrow('crashed');
    await crashed.stop();
    const again = await member(async ({ records }) => {
      seen.push(...records.map(({ offset }) => offset));
      gates[0]?.resolve(undefined);
      await gates[1]?.promise;
      return [];
    });
    await gates[0]?.promise;
    await write(10, 30);
    await deleteBefore(topic, 25);
    gates[1]?.resolve(undefined);
    await until(() => seen.length >= 11);
    await again.stop();
    expect(seen).toEqual([4, 5, 6, 7, 8, 9, 25, 26, 27, 28, 29]);
    expect(moved).toEqual([
      { topic, partition: 0, why: 'overtaken', from: 0, to: 4 },
      { topic, partition: 0, why: 'overtaken', from: 10, to: 25 },
    ]);
    expect(await log.committed(group, topic)).toEqual(
      new Map([
        [0, 30],
        [1, 0],
      ]),
    );
  });

  it('KFK-3: a topic that is made anew while a group works is said to be, and read from its beginning', async () => {
    const topic = await newTopic(1);
    const group = `${topic}-group`;
    const seen: string[] = [];
    const moved: MovedStart[] = [];
    const handler: BatchHandler = ({ records }) => {
      seen.push(...records.map(({ offset }) => String(offset)));
      return Promise.resolve([]);
    };
    const asked = { group, topics: [topic], from: 'latest' as const };
    const onMoved = (starts: readonly MovedStart[]) => Promise.resolve(void moved.push(...starts));
    const subscription = await log.subscribe({ ...asked, onMoved }, handler);
    await until(async () => (await log.committed(group, topic)).size === 1);
    await log.append(numberedRange(topic, 0, 10));
    await until(() => seen.length === 10);
    await withAdmin(async (admin) => {
      await admin.deleteTopics({ topics: [topic] });
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    });
    await other.append(numberedRange(topic, 0, 3));
    const ended = subscription.done.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    const outcome = await Promise.race([until(() => seen.length === 13).then(() => 'went on'), ended]);
    expect([outcome, seen.slice(10), moved]).toEqual([
      'went on',
      ['0', '1', '2'],
      [expect.objectContaining({ topic, why: 'made_anew', to: 0 })],
    ]);
    await subscription.stop();
  });

  it('passes over what foreign producers wrote in transactions and aborted, and the lag comes to 0', async () => {
    const topic = await newTopic(1);
    const group = `${topic}-group`;
    const producer = kafkaClient(options).producer({
      transactionalId: topic,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    const write = async (value: string): Promise<void> => {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ key: 'k', value }] });
      await (value === 'aborted' ? transaction.abort() : transaction.commit());
    };
    for (const value of ['0', 'aborted', '1', 'aborted']) await write(value);
    // PORT-6: the last offset below the end is a marker, behind which nothing will ever come.
    expect([...(await numbersByKey(log, topic)).values()]).toEqual([[0, 1]]);
    const seen: string[] = [];
    const subscription = await log.subscribe({ group, topics: [topic], from: 'beginning' }, ({ records }) => {
      seen.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
      return Promise.resolve([]);
    });
    const noLag = async (): Promise<boolean> =>
      (await committedSum(group, topic)) === (await log.offsets(topic))[0]?.end;
    await until(noLag);
    // Nothing that a handler would be called for.
    await write('aborted');
    await until(noLag);
    await subscription.stop();
    await producer.disconnect();
    expect(seen).toEqual(['0', '1']);
  });

  it('appends 5 MB of one key at once, in order', async () => {
    const topic = await newTopic();
    const records = numberedRange(topic, 0, 50).map((record, index) => ({
      ...record,
      key: Buffer.from('one key'),
      value: Buffer.from(String(index).padStart(100_000, '0')),
    }));
    await log.append(records);
    expect([...(await numbersByKey(other, topic)).values()]).toEqual([Array.from({ length: 50 }, (_, index) => index)]);
  });

  it('KFK-36: a record that no broker takes is refused alone, whatever is appended at the same time', async () => {
    const topic = await newTopic(1);
    const tooLarge = {
      ...numberedRange(topic, 7, 8)[0],
      topic,
      key: null,
      value: Buffer.alloc(3_000_000),
      timestamp: 0,
    };
    const [before, refused, after, nowhere] = await Promise.allSettled([
      log.append(numberedRange(topic, 0, 2)),
      log.append([tooLarge]),
      log.append(numberedRange(topic, 2, 4)),
      log.append([{ ...tooLarge, value: null, partition: 9 }]),
    ]);
    expect([before?.status, after?.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'RECORD_TOO_LARGE' } });
    expect(nowhere).toMatchObject({ status: 'rejected', reason: { code: 'PARTITION_MISSING' } });
    expect(await faultsOf(log, topic, 4)).toEqual([]);
  });
});
