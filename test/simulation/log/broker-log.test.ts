import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import type { MovedStart, SubscribeOptions } from '../../../ports/event-log.ts';
import { eventLogContract } from '../../event-log.contract.ts';
import { record, text, texts } from '../../event-log/open-log.ts';
import { MemoryRegistry } from '../../fixtures/memory-registry.ts';
import { type Fault, FaultBoard, type FaultKind, specOf } from '../faults.ts';
import { Host } from '../host.ts';
import { Kernel } from '../kernel.ts';
import { SimulatedBroker } from './broker.ts';
import { SimulatedLog } from './simulated-log.ts';
import { SimulatedRegistry } from './simulated-registry.ts';

const START = Date.UTC(2026, 0, 1);
const [TOPIC, OUTPUTS, GROUP] = ['source', 'outputs', 'group'] as const;
const FROM_BEGINNING = { group: GROUP, topics: [TOPIC], from: 'beginning' } as const satisfies SubscribeOptions;

/** A world with two topics of two partitions. The faults stand from its start on, as long as their kind does. */
function worldWith(...kinds: readonly FaultKind[]) {
  const kernel = new Kernel(1, START);
  const planned = kinds.map((kind): Fault => ({ kind, at: 0, forMs: specOf(kind).lastsMs, on: null, much: 0.5 }));
  const faults = new FaultBoard(
    planned,
    START,
    () => kernel.now,
    () => {},
  );
  const broker = new SimulatedBroker(kernel, faults);
  broker.createTopics(
    [TOPIC, OUTPUTS].map((name) => ({ name, key: 'as received', partitions: 2, cleanup: 'delete', retentionMs: null })),
  );
  const host = (name: string): Host => {
    const random = new SeededRandom(1).stream('host', name);
    return new Host({
      name,
      role: name,
      kernel,
      faults,
      random,
      skewMs: 0,
      grainMs: 1,
      onDeath: (one) => broker.gone(one),
    });
  };
  /** Virtual time goes on until the work is done. */
  const during = async <T>(work: Promise<T>): Promise<T> => {
    const done = new AbortController();
    void work.finally(() => done.abort()).catch(() => {});
    while (!done.signal.aborted) await kernel.run(kernel.now + 20);
    return work;
  };
  return {
    kernel,
    faults,
    broker,
    host,
    during,
    runFor: (ms: number) => kernel.run(kernel.now + ms),
    stored: (topic: string) => texts(broker.records(topic).flat()),
    committed: () => [...broker.committedOf(GROUP, TOPIC).values()].reduce((sum, offset) => sum + offset, 0),
  };
}

type World = ReturnType<typeof worldWith>;

/** A member that notes what happens to it, and writes each record to OUTPUTS once `mayGoOn`. */
async function memberOf({ broker, host }: World, name: string, mayGoOn: Promise<unknown> = Promise.resolve()) {
  const process = host(name);
  const seen: string[] = [];
  const events: string[] = [];
  const moved: MovedStart[] = [];
  const options: SubscribeOptions = {
    ...FROM_BEGINNING,
    onAssigned: (assigned) => Promise.resolve(void events.push(`assigned ${assigned[TOPIC]?.join(' ')}`)),
    onDropped: () => events.push('dropped'),
    onMoved: (moves) => Promise.resolve(void moved.push(...moves)),
  };
  const subscription = await new SimulatedLog(process, broker).subscribe(options, async (batch, append) => {
    seen.push(...texts(batch.records));
    await mayGoOn;
    await append(batch.records.map(({ value }) => record(OUTPUTS, name, text(value)))).catch((refusal: unknown) => {
      events.push(String(refusal));
      throw refusal;
    });
    return [];
  });
  return { process, subscription, seen, events, moved };
}

const at = (partition: number, value: string) => ({ ...record(TOPIC, 'k', value), partition });

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

describe('members', () => {
  it('SIM-21: a partition has two owners until the old one learns of it, whose append is refused then', async () => {
    const world = worldWith();
    const held = Promise.withResolvers<undefined>();
    const slow = await memberOf(world, 'one', held.promise);
    await world.runFor(1000);
    world.broker.append([at(0, 'zero'), at(1, 'one')]);
    await world.runFor(1000);
    const quick = await memberOf(world, 'two');
    await world.runFor(1000);
    expect(quick.events).toEqual([]);
    world.broker.rebalance(GROUP);
    await world.runFor(2000);
    expect([slow.seen, quick.seen].map((seen) => seen.toSorted())).toEqual([
      ['one', 'zero'],
      ['one', 'zero'],
    ]);
    held.resolve(undefined);
    await world.runFor(5000);
    expect(slow.events).toContain('HarvestlineError: group goes on without this member');
    expect(world.stored(OUTPUTS).toSorted()).toEqual(['one', 'zero']);
    expect([slow.events.at(-1), quick.events.at(-1)]).toEqual(['assigned 0', 'assigned 1']);
    expect(world.committed()).toBe(2);
  });

  it('a fenced member that does not know it yet still writes, commits nothing, drops out and comes back', async () => {
    const world = worldWith();
    const member = await memberOf(world, 'one');
    await world.runFor(1000);
    world.broker.append([at(0, 'one')]);
    world.broker.fence('one');
    await world.runFor(5000);
    expect(member.events).toEqual(['assigned 0 1', 'dropped', 'assigned 0 1']);
    expect(member.seen).toEqual(['one', 'one']);
    expect(world.committed()).toBe(1);
  });

  it('a group that goes on from older offsets receives records again', async () => {
    const world = worldWith();
    const member = await memberOf(world, 'one');
    world.broker.append([at(0, 'one'), at(0, 'two'), at(0, 'three')]);
    await world.runFor(1000);
    expect(world.committed()).toBe(3);
    world.broker.rewind(GROUP, 2);
    expect(world.committed()).toBe(1);
    await world.runFor(1000);
    expect(member.seen).toEqual(['one', 'two', 'three', 'two', 'three']);
    expect(world.committed()).toBe(3);
  });

  it('every batch is committed, also one that ends while a commit is on its way', async () => {
    const world = worldWith();
    await memberOf(world, 'one');
    let count = 0;
    // A commit leaves 200 ms after the first batch, and takes some milliseconds.
    for (let gap = 180; gap < 230; gap += 2) {
      world.broker.append([at(0, 'first')]);
      await world.runFor(gap);
      world.broker.append([at(0, 'second')]);
      await world.runFor(1000);
      expect(world.committed()).toBe((count += 2));
    }
  });

  it('a lost commit is repeated', async () => {
    const world = worldWith('commit_lost');
    world.broker.append([at(0, 'one')]);
    await memberOf(world, 'one');
    await world.runFor(20_000);
    expect(world.committed()).toBe(0);
    await world.runFor(40_000);
    expect(world.committed()).toBe(1);
  });

  it('what a dead member owned is worked a session timeout later, and not before', async () => {
    const world = worldWith();
    const first = await memberOf(world, 'one');
    await world.runFor(1000);
    const second = await memberOf(world, 'two');
    await world.runFor(2000);
    expect(second.events).toEqual(['assigned 1']);
    first.process.kill('for the test');
    world.broker.append([at(0, 'one')]);
    await world.runFor(9000);
    expect(second.seen).toEqual([]);
    await world.runFor(2000);
    expect(second.seen).toEqual(['one']);
  });

  it('a member that stood still for longer learns when it goes on that others own its partitions', async () => {
    const world = worldWith();
    const held = Promise.withResolvers<undefined>();
    const first = await memberOf(world, 'one', held.promise);
    await world.runFor(1000);
    world.broker.append([at(0, 'one')]);
    await world.runFor(100);
    first.process.stand();
    world.broker.silent(first.process);
    const second = await memberOf(world, 'two');
    await world.runFor(12_000);
    expect(second.seen).toEqual(['one']);
    first.process.goOn();
    await world.runFor(1000);
    held.resolve(undefined);
    await world.runFor(2000);
    expect(first.events).toContain('HarvestlineError: group goes on without this member');
    expect(world.stored(OUTPUTS)).toEqual(['one']);
  });

  it('KFK-46, PORT-11: a member that stood still asks before it writes, and an append of nothing is refused as one of records', async () => {
    const world = worldWith();
    const refusals: unknown[] = [];
    const process = world.host('one');
    const woken = Promise.withResolvers<undefined>();
    await new SimulatedLog(process, world.broker).subscribe(FROM_BEGINNING, async ({ records }, append) => {
      await woken.promise;
      // Both before it learns anything by itself.
      const appends = [[], records.map(({ value }) => record(OUTPUTS, 'one', text(value)))].map(append);
      for (const { status, ...end } of await Promise.allSettled(appends)) if (status === 'rejected') refusals.push(end);
      return [];
    });
    await world.runFor(1000);
    world.broker.append([at(0, 'one')]);
    await world.runFor(1000);
    const second = await memberOf(world, 'two');
    process.stand();
    world.broker.silent(process);
    await world.runFor(12_000);
    expect(second.seen).toEqual(['one']);
    process.goOn();
    woken.resolve(undefined);
    await world.runFor(5000);
    expect(refusals).toMatchObject([{ reason: { code: 'MEMBERSHIP_LOST' } }, { reason: { code: 'MEMBERSHIP_LOST' } }]);
    expect(world.stored(OUTPUTS)).toEqual(['one']);
  });

  it('KFK-47: near the end of a rebalance that waits for it a member gives up, and joins again', async () => {
    const world = worldWith();
    const held = Promise.withResolvers<undefined>();
    const first = await memberOf(world, 'one', held.promise);
    await world.runFor(1000);
    world.broker.append([at(0, 'one')]);
    await world.runFor(1000);
    const second = await memberOf(world, 'two');
    await world.runFor(55_000);
    expect(second.events).toEqual([]);
    held.resolve(undefined);
    await world.runFor(2000);
    expect(first.events).toContain('HarvestlineError: group goes on without this member');
    expect(second.events).toEqual(['assigned 1']);
    expect(world.stored(OUTPUTS)).toEqual(['one']);
  });

  it('of a broker that is away drop out, and come back', async () => {
    const world = worldWith('broker_away');
    const member = await memberOf(world, 'one');
    await world.runFor(150_000);
    expect(new Set(member.events)).toEqual(new Set(['dropped', 'assigned 0 1']));
    expect(member.events.at(-1)).toBe('assigned 0 1');
  });

  it('SIM-23: cost nothing while nothing comes', async () => {
    const world = worldWith();
    await memberOf(world, 'one');
    world.broker.append([at(0, 'one')]);
    await world.runFor(1000);
    const { events } = world.kernel;
    await world.runFor(24 * 60 * 60 * 1000);
    expect(world.kernel.events).toBe(events);
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
