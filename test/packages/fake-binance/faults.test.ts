import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { FaultPlan } from '../../../packages/fake-binance/faults.ts';

const ORDER = { method: 'POST', path: '/fapi/v1/order', symbol: 'BTCUSDT', clientOrderId: 'own-1' };
const LOOK_UP = { ...ORDER, method: 'GET' };
const TIME = { method: 'GET', path: '/fapi/v1/time', symbol: null, clientOrderId: null };

const aPlan = (seed = 1) => new FaultPlan(new SeededRandom(seed));

describe('faults', () => {
  it('that are asked for happen once, in their order, where they belong', () => {
    const plan = aPlan();
    plan.add({ fault: '-2022' }, { fault: '502' }, { fault: '-2013' });
    expect(plan.draw(TIME)?.fault).toBe('502');
    expect(plan.draw(LOOK_UP)?.fault).toBe('-2013');
    expect(plan.draw(LOOK_UP)).toBeNull();
    expect(plan.waiting).toBe(1);
    expect(plan.draw(ORDER)?.fault).toBe('-2022');
    expect(plan.draw(ORDER)).toBeNull();
  });

  it.each([
    [{ method: 'GET' }, false],
    [{ path: '/fapi/v1/order' }, true],
    [{ path: '/fapi/v1/time' }, false],
    [{ symbol: 'BTCUSDT' }, true],
    [{ symbol: 'ETHUSDT' }, false],
    [{ clientOrderId: 'own-1' }, true],
    [{ clientOrderId: 'own-2' }, false],
  ])('wait for a request that fits: %o', (wanted, fits) => {
    const plan = aPlan();
    plan.add({ fault: '502', ...wanted });
    expect(plan.draw(ORDER) !== null).toBe(fits);
  });

  it('by chance are about as frequent as they should be, and the same for the same seed', () => {
    const draws = (seed: number) => {
      const plan = aPlan(seed);
      plan.byChance({ '502': 0.1, '-2022': 0.2, 'empty-positions': 0.3 });
      return Array.from({ length: 2000 }, () => plan.draw(ORDER)?.fault ?? null);
    };
    const drawn = draws(1);
    const count = (fault: string) => drawn.filter((one) => one === fault).length;
    expect(count('502')).toBeGreaterThan(150);
    expect(count('502')).toBeLessThan(250);
    expect(count('-2022')).toBeGreaterThan(330);
    expect(count('-2022')).toBeLessThan(470);
    // Not an answer to an order.
    expect(count('empty-positions')).toBe(0);
    expect(draws(1)).toEqual(drawn);
    expect(draws(2)).not.toEqual(drawn);
  });

  it('of a name that does not exist are refused, and a calm ends all', () => {
    const plan = aPlan();
    expect(() => plan.add({ fault: 'nosuch' as never })).toThrow(/nosuch/);
    expect(() => plan.byChance({ nosuch: 1 } as never)).toThrow(/nosuch/);
    plan.add({ fault: '502' });
    plan.byChance({ '502': 1 });
    plan.clear();
    expect(plan.draw(ORDER)).toBeNull();
  });
});
