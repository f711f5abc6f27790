import { array, assert, asyncProperty, boolean, constantFrom, integer, nat, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRIORITIES, type Priority, RequestQueue } from '../../../../connectors/exchange/ccxt/request-queue.ts';
import type { Allowance } from '../../../../connectors/exchange/ccxt/venues/venue-traits.ts';
import { HandClock, settled } from './hand-clock.ts';

const MINUTE_MS = 60_000;
const ALLOWANCE: Allowance = { perMinute: 2400, burst: 600, usedHeader: 'x-mbx-used-weight-1m' };

const setUp = () => {
  const clock = new HandClock(30 * MINUTE_MS);
  const queue = new RequestQueue(ALLOWANCE, clock);
  const gone: { readonly priority: Priority; readonly name: number; readonly at: number; readonly cost: number }[] = [];
  const ask = (priority: Priority, name: number, cost = 5): void => {
    void queue.turn(priority, cost).then(() => gone.push({ priority, name, at: clock.now(), cost }));
  };
  return { clock, queue, gone, ask };
};

/** Uses up the allowance for everything but orders. */
const exhaust = async ({ ask, gone }: ReturnType<typeof setUp>): Promise<void> => {
  ask('place', 0, 10_000);
  await settled();
  gone.length = 0;
};

// Orders do not wait for weight.
const Question = constantFrom<Priority>('look-up', 'positions', 'history');
const Questions = array(Question, { maxLength: 40 });

describe('the queue of requests', () => {
  it('EXC-22: requests go by priority, and within a priority in the order of arrival', async () => {
    await assert(
      asyncProperty(Questions, async (asked) => {
        const world = setUp();
        await exhaust(world);
        asked.forEach((priority, name) => world.ask(priority, name));
        await settled();
        expect(world.gone).toEqual([]);
        await world.clock.pass(60 * MINUTE_MS);
        const order = asked
          .map((priority, name) => ({ priority, name }))
          .toSorted((one, other) => PRIORITIES.indexOf(one.priority) - PRIORITIES.indexOf(other.priority));
        expect(world.gone.map(({ priority, name }) => ({ priority, name }))).toEqual(order);
      }),
    );
  });

  it('EXC-23: an order goes at once, whatever waits and whatever is used up', async () => {
    const world = setUp();
    await exhaust(world);
    world.queue.noteUsage({ 'X-MBX-USED-WEIGHT-1M': '2400' });
    for (let name = 0; name < 100; name++) world.ask('history', name);
    world.ask('place', 100);
    world.ask('cancel', 101);
    await settled();
    expect(world.gone.map(({ name }) => name)).toEqual([100, 101]);
  });

  it('EXC-24, EXC-25: no minute costs more than the allowance, and history no more than its share', async () => {
    const Asked = record({
      priority: Question,
      cost: integer({ min: 1, max: 40 }),
      after: nat({ max: 3000 }),
    });
    await assert(
      asyncProperty(array(Asked, { minLength: 50, maxLength: 300 }), async (asked) => {
        const world = setUp();
        for (const [name, { priority, cost, after }] of asked.entries()) {
          world.ask(priority, name, cost);
          await world.clock.pass(after);
        }
        await world.clock.pass(60 * MINUTE_MS);
        expect(world.gone).toHaveLength(asked.length);
        const within = (from: number, priority?: Priority): number =>
          world.gone
            .filter(({ at }) => at >= from && at < from + MINUTE_MS)
            .filter((one) => priority === undefined || one.priority === priority)
            .reduce((sum, { cost }) => sum + cost, 0);
        for (const { at } of world.gone) {
          expect(within(at)).toBeLessThanOrEqual(ALLOWANCE.perMinute);
          // The burst, the share of a minute, and one request on credit.
          expect(within(at, 'history')).toBeLessThanOrEqual(0.15 * ALLOWANCE.perMinute + 40);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('EXC-24: the allowance that other programs have used is not spent until the minute ends', async () => {
    const world = setUp();
    world.queue.noteUsage({ 'x-mbx-used-weight-1m': '2000' });
    for (const priority of ['look-up', 'positions', 'history'] as const) world.ask(priority, 1);
    await world.clock.pass(MINUTE_MS - 1);
    expect(world.gone.map(({ priority }) => priority)).toEqual(['look-up']);
    await world.clock.pass(1);
    await settled();
    expect(world.gone.map(({ priority }) => priority)).toEqual(['look-up', 'positions', 'history']);
  });

  it('EXC-26: an aborted request leaves the queue, costs nothing, and delays nobody', async () => {
    await assert(
      asyncProperty(array(record({ priority: Question, isGivenUp: boolean() }), { maxLength: 40 }), async (asked) => {
        const world = setUp();
        await exhaust(world);
        const givenUp = new AbortController();
        const refused: number[] = [];
        asked.forEach(({ priority, isGivenUp }, name) => {
          if (!isGivenUp) return world.ask(priority, name);
          world.queue.turn(priority, 5, givenUp.signal).catch(() => refused.push(name));
        });
        givenUp.abort();
        await world.clock.pass(60 * MINUTE_MS);
        const names = (isGivenUp: boolean) => asked.flatMap((one, name) => (one.isGivenUp === isGivenUp ? [name] : []));
        expect(refused).toEqual(names(true));
        expect(world.gone.map(({ name }) => name).toSorted((one, other) => one - other)).toEqual(names(false));
        const { place, ...questions } = world.queue.spent;
        expect(place).toBe(10_000);
        expect(Object.values(questions).reduce((sum, cost) => sum + cost, 0)).toBe(5 * names(false).length);
        await expect(world.queue.turn('look-up', 5, givenUp.signal)).rejects.toThrow('given up');
      }),
    );
  });

  it('ignores headers that are no count', async () => {
    const world = setUp();
    for (const told of ['', 'n/a', '-3', undefined, ['2400']]) world.queue.noteUsage({ 'x-mbx-used-weight-1m': told });
    expect(world.queue.used).toBeNull();
    world.ask('history', 1);
    await settled();
    expect(world.gone).toHaveLength(1);
  });

  it('says whether a request would wait', async () => {
    const world = setUp();
    const isFree = (priority: Priority): boolean => {
      const turn = world.queue.reserve(priority);
      turn?.giveBack();
      return turn !== null;
    };
    expect(isFree('history')).toBe(true);
    for (let name = 0; name < 25; name++) world.ask('history', name);
    await settled();
    expect(isFree('history')).toBe(false);
    expect(isFree('positions')).toBe(true);
    await world.clock.pass(MINUTE_MS);
    expect(isFree('history')).toBe(true);
  });

  it('EXC-25: reserved turns count until they are taken or given back', async () => {
    const world = setUp();
    const kept = Array.from({ length: 30 }, () => world.queue.reserve('history'));
    expect(kept.filter((turn) => turn !== null)).toHaveLength(25);
    kept[0]?.giveBack();
    kept[0]?.giveBack();
    expect(world.queue.reserve('history')).not.toBeNull();
    expect(world.queue.reserve('history')).toBeNull();
    for (const turn of kept.slice(1)) turn?.take(5);
    expect(world.queue.spent.history).toBe(120);
    expect(world.queue.reserve('history')).toBeNull();
    await world.clock.pass(MINUTE_MS);
    expect(world.queue.reserve('history')).not.toBeNull();
  });
});
