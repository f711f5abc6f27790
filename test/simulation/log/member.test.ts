import { describe, expect, it } from 'vitest';
import { record, text } from '../../event-log/open-log.ts';
import { FROM_BEGINNING, GROUP, OUTPUTS, at, memberOf, worldWith } from './log-world.ts';
import { SimulatedLog } from './simulated-log.ts';

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
