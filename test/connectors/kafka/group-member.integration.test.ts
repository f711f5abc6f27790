import { beforeAll, describe, expect, it } from 'vitest';
import { GroupMember, type MemberOptions } from '../../../connectors/kafka/group-member.ts';
import { clusterClient, kafkaClient } from '../../../connectors/kafka/kafka-client.ts';
import { groupConsumer } from '../../../connectors/kafka/kafka-consumer.ts';
import type { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import type { Broker } from '../../../connectors/kafka/kafkajs-internals.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Append, BatchHandler, OutgoingRecord, Subscription } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { until } from '../../fixtures/until.ts';
import { sharedTestBroker, started } from '../../tools/kafka/test-broker.ts';
import { copyOf, faultsOf, numberedRange, numbersByKey } from './numbered-records.ts';
import { twoLogs } from './two-logs.ts';

/** Enough to prove that heartbeats continue, and not only one that was in flight. */
const HEARTBEATS = 4;

const broker = await sharedTestBroker();

describe.skipIf('skipped' in broker)('a member of a consumer group', () => {
  const { options, log, other, newTopic, withAdmin, committedSum } = twoLogs(started(broker).brokers ?? []);
  const { clock } = options;

  // A new broker creates the topic of committed offsets at the first request. A membership alone does not wait for that.
  beforeAll(async () => {
    const topic = await newTopic(1);
    await until(() =>
      log.committed('nobody', topic).then(
        () => true,
        () => false,
      ),
    );
  });

  /** A member, and how many heartbeats the coordinator has answered it. */
  function memberOf(membership: MemberOptions, handler: BatchHandler, own: Clock = clock) {
    const consumer = groupConsumer(kafkaClient(options), membership);
    let answered = 0;
    consumer.on(consumer.events.REQUEST, ({ payload }) => {
      if (payload.apiName === 'Heartbeat') answered += 1;
    });
    const member = new GroupMember(consumer, membership, handler, {
      log,
      clock: own,
      logger: SILENT_LOGGER,
      known: new Set(),
    });
    return { member, heartbeats: () => answered };
  }

  function stateOf(group: string): Promise<string | undefined> {
    return withAdmin(async (admin) => (await admin.describeGroups([group])).groups[0]?.state);
  }

  /** Removes the only member of a group, as its coordinator does with one that sends no heartbeats. */
  async function removeMember(groupId: string): Promise<void> {
    const { groups } = await withAdmin((admin) => admin.describeGroups([groupId]));
    const cluster = clusterClient(options);
    await cluster.connect();
    const coordinator = (await cluster.findGroupCoordinator({ groupId })) as Broker & {
      leaveGroup(leaving: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
    };
    await coordinator.leaveGroup({ groupId, memberId: groups[0]?.members[0]?.memberId ?? '' });
    await cluster.disconnect();
  }

  it('KFK-25: while a handler works, its member goes on sending heartbeats and keeps its assignment', async () => {
    const topic = await newTopic(1);
    const group = `${topic}-group`;
    await log.append(numberedRange(topic, 0, 3));
    let assignments = 0;
    let batches = 0;
    const onAssigned = (): Promise<void> => Promise.resolve(void (assignments += 1));
    const { member, heartbeats } = memberOf({ group, topics: [topic], from: 'beginning', onAssigned }, async () => {
      batches += 1;
      const before = heartbeats();
      await until(() => heartbeats() >= before + HEARTBEATS);
      return [];
    });
    const ended = member.run();
    await Promise.race([until(async () => (await committedSum(group, topic)) === 3), ended]);
    member.stop();
    expect(await ended).toEqual({ kind: 'stopped' });
    expect({ assignments, batches }).toEqual({ assignments: 1, batches: 1 });
  });

  it('KFK-25: a batch in progress at a stop is finished as a member: the next member begins after it', async () => {
    const topic = await newTopic(1);
    const group = `${topic}-group`;
    await log.append(numberedRange(topic, 0, 3));
    const membership = { group, topics: [topic], from: 'beginning' } as const;
    const events: string[] = [];
    const finish = Promise.withResolvers<undefined>();
    const { member, heartbeats } = memberOf(membership, async () => {
      events.push('begun');
      await finish.promise;
      events.push('finished');
      return [];
    });
    const ended = member.run();
    await Promise.race([until(() => events.length > 0), ended]);
    member.stop();
    const onAssigned = (): Promise<void> => Promise.resolve(void events.push('next'));
    const second = await other.subscribe({ ...membership, onAssigned }, () => {
      events.push('again');
      return Promise.resolve([]);
    });
    await until(async () => events.includes('next') || (await stateOf(group)) === 'PreparingRebalance');
    // The second member waits for the first, whose heartbeats the group still receives.
    const before = heartbeats();
    await until(() => heartbeats() >= before + HEARTBEATS);
    finish.resolve(undefined);
    expect(await ended).toEqual({ kind: 'stopped' });
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

  it('KFK-28: a member that the group has removed appends nothing more, commits nothing, and joins again', async () => {
    const topic = await newTopic(1);
    const outputs = await newTopic(1);
    const group = `${topic}-group`;
    await log.append(numberedRange(topic, 0, 3));
    const refusals: unknown[] = [];
    let calls = 0;
    const subscription = await log.subscribe({ group, topics: [topic], from: 'beginning' }, async (batch, append) => {
      calls += 1;
      if (calls > 1) return batch.records.map((record) => copyOf(record, outputs));
      await removeMember(group);
      await until(() =>
        append([]).then(
          () => false,
          (error: unknown) => refusals.push(error) > 0,
        ),
      );
      return batch.records.map((record) => ({ ...copyOf(record, outputs), value: Buffer.from('999') }));
    });
    await until(async () => (await committedSum(group, topic)) === 3);
    await subscription.stop();
    await subscription.done;
    expect(refusals).toMatchObject([{ code: 'MEMBERSHIP_LOST' }]);
    expect([...(await numbersByKey(log, outputs)).values()].flat()).toEqual([0, 1, 2]);
  });

  it('KFK-46, PORT-11: a member that stood still while the group removed it writes nothing, though no heartbeat has told it yet', async () => {
    const topic = await newTopic(1);
    const outputs = await newTopic(1);
    const group = `${topic}-group`;
    await log.append(numberedRange(topic, 0, 1));
    const membership = { group, topics: [topic], from: 'beginning' } as const;
    let stoodStillMs = 0;
    const waiting = Promise.withResolvers<undefined>();
    /** A clock as of a machine that stood still: what its heartbeats wait for does not come. */
    const halting: Clock = {
      now: () => clock.now() + stoodStillMs,
      sleep: (ms, signal) => (stoodStillMs > 0 && ms >= 100 ? waiting.promise : clock.sleep(ms, signal)),
    };
    const refusals: unknown[] = [];
    const { member } = memberOf(
      membership,
      async (batch, append) => {
        await removeMember(group);
        stoodStillMs = 56_000;
        const records = batch.records.map((one) => copyOf(one, outputs));
        for (const { status, ...end } of await Promise.allSettled([append(records), append([])])) {
          if (status === 'rejected') refusals.push(end);
        }
        stoodStillMs = 0;
        waiting.resolve(undefined);
        member.stop();
        return [];
      },
      halting,
    );
    await member.run();
    expect(refusals).toMatchObject([{ reason: { code: 'MEMBERSHIP_LOST' } }, { reason: { code: 'MEMBERSHIP_LOST' } }]);
    expect([...(await numbersByKey(log, outputs)).values()].flat()).toEqual([]);
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
        // Appended here, so that the acknowledged offset is known before it may be committed.
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

  it('KFK-30, KFK-4: while a batch is in flight the next fetch begins, its own partition waits, and it is not committed', async () => {
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
});
