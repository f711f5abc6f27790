import { describe, expect, it } from 'vitest';
import { eventLogContract } from '../../event-log.contract.ts';
import { record } from '../../event-log/open-log.ts';
import { MemoryRegistry } from '../../fixtures/memory-registry.ts';
import { specOf } from '../faults.ts';
import { FROM_BEGINNING, START, TOPIC, at, memberOf, worldWith } from './log-world.ts';
import { SimulatedLog } from './simulated-log.ts';
import { SimulatedRegistry } from './simulated-registry.ts';

eventLogContract('simulated', async () => {
  const { kernel, broker, host } = worldWith();
  const log = new SimulatedLog(host('one'), broker);
  const other = new SimulatedLog(host('other'), broker);
  const closing = new AbortController();
  const running = (async () => {
    while (!closing.signal.aborted) await kernel.run(kernel.now + 1);
  })();
  return {
    log,
    other,
    close: async () => {
      await log.close();
      await other.close();
      closing.abort();
      await running;
    },
  };
});

describe('SIM-22, SIM-24, SIM-62: an append', () => {
  it.each(['append_lost', 'append_reply_lost', 'append_late'] as const)('is stored once: %s', async (kind) => {
    const world = worldWith(kind);
    const log = new SimulatedLog(world.host('one'), world.broker);
    await world.during(Promise.all([log.append([at(0, 'one')]), log.append([at(0, 'two')])]));
    await world.during(log.append([at(0, 'three')]));
    await world.runFor(600_000);
    expect(world.stored(TOPIC)).toEqual(['one', 'two', 'three']);
    expect(world.faults.hits.get(kind)).toBe(1);
  });

  it('is refused while the disk is full, and nothing of it is stored: a group goes on later from what it had committed', async () => {
    const world = worldWith('disk_full');
    world.broker.append([at(0, 'one')]);
    const log = new SimulatedLog(world.host('one'), world.broker);
    await expect(world.during(log.append([at(0, 'two'), at(1, 'two')]))).rejects.toMatchObject({ code: 'DISK_FULL' });
    const subscribe = () => log.subscribe(FROM_BEGINNING, () => Promise.resolve([]));
    const refused = await world.during(subscribe());
    await expect(world.during(refused.done)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect([world.stored(TOPIC), world.committed()]).toEqual([['one'], 0]);
    await world.during(refused.stop());
    await world.runFor(specOf('disk_full').lastsMs);
    await world.during(subscribe());
    await world.runFor(60_000);
    expect(world.committed()).toBe(1);
  });

  it('of a process that has died meanwhile lands late', async () => {
    const world = worldWith('append_late');
    const process = world.host('one');
    void new SimulatedLog(process, world.broker).append([at(0, 'late')]);
    await world.runFor(1000);
    process.kill('for the test');
    expect(world.stored(TOPIC)).toEqual([]);
    await world.runFor(60_000);
    expect(world.stored(TOPIC)).toEqual(['late']);
  });

  it('waits while the broker is away, and a read says so', async () => {
    const world = worldWith('broker_away');
    const log = new SimulatedLog(world.host('one'), world.broker);
    const appended = log.append([at(0, 'one')]);
    await expect(world.during(log.offsets(TOPIC))).rejects.toMatchObject({ code: 'BROKER_AWAY' });
    await world.during(appended);
    expect(world.kernel.now - START).toBeGreaterThan(specOf('broker_away').lastsMs);
    expect(world.stored(TOPIC)).toEqual(['one']);
  });

  it('is told to listeners with its writer, null for the world', async () => {
    const world = worldWith();
    const writers: (string | null)[] = [];
    world.broker.onAppend((_, writer) => writers.push(writer));
    world.broker.append([at(0, 'one')]);
    await world.during(new SimulatedLog(world.host('one'), world.broker).append([at(0, 'two')]));
    expect(writers).toEqual([null, 'one']);
  });
});

describe('a group that cannot go on where it was', () => {
  it('is told what retention has removed, and goes on behind it', async () => {
    const world = worldWith();
    const held = Promise.withResolvers<undefined>();
    const member = await memberOf(world, 'one', held.promise);
    await world.runFor(1000);
    world.broker.append([at(0, 'one')]);
    await world.runFor(1000);
    world.broker.append([at(0, 'two'), { ...at(0, 'three'), timestamp: START }]);
    expect(world.broker.trim(TOPIC, START)).toBe(2);
    held.resolve(undefined);
    await world.runFor(2000);
    expect(member.moved).toEqual([{ topic: TOPIC, partition: 0, why: 'overtaken', from: 1, to: 2 }]);
    expect(member.seen).toEqual(['one', 'three']);
  });

  it('is told of a topic that was made anew, and reads it from its beginning', async () => {
    const world = worldWith();
    const member = await memberOf(world, 'one');
    world.broker.append([at(0, 'one')]);
    await world.runFor(1000);
    world.broker.recreate(TOPIC);
    world.broker.append([at(1, 'two')]);
    await world.runFor(2000);
    expect(member.moved.map(({ why, from, to }) => ({ why, from, to }))).toEqual(
      [0, 1].map(() => ({ why: 'made_anew', from: null, to: 0 })),
    );
    expect(member.seen).toEqual(['one', 'two']);
  });
});

it('compaction keeps the last record of a key, and loses nothing of it for a group', async () => {
  const world = worldWith();
  world.broker.append([at(0, 'one'), at(0, 'two'), { ...record(TOPIC, 'other', 'three'), partition: 0 }]);
  expect(world.broker.compact(TOPIC)).toBe(1);
  const member = await memberOf(world, 'one');
  await world.runFor(1000);
  expect(member.seen).toEqual(['two', 'three']);
  expect(member.moved).toEqual([]);
  const log = new SimulatedLog(world.host('reader'), world.broker);
  expect((await world.during(log.offsets(TOPIC)))[0]).toEqual({ partition: 0, begin: 0, end: 3 });
});

it('a registry that is away gives no answer', async () => {
  const world = worldWith('registry_away');
  const registry = new SimulatedRegistry(world.host('one'), await MemoryRegistry.withOwnSchemas(), world.faults);
  await expect(world.during(registry.schemaOf(1))).rejects.toMatchObject({ code: 'REGISTRY_AWAY' });
  await world.runFor(specOf('registry_away').lastsMs);
  expect(await world.during(registry.schemaOf(1))).toContain('record');
});
