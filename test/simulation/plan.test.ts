import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { FAULT_KIND_NAMES } from './faults.ts';
import { HOUR_MS, planOf, planSchema } from './plan.ts';

it('a seed stands for one plan, which a file can hold', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const plan = planOf(seed);
      expect(planOf(seed)).toEqual(plan);
      expect(planSchema.parse(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
    }),
    { numRuns: 20 },
  );
});

it.each([{ hours: 3 }, { symbols: 2 }, { cycleMs: 60_000 }, { grainMs: 7 }])(
  'the seed decides everything but %j',
  (size) => {
    const { faults: _given, ...sized } = planOf(7, size);
    const { faults: _drawn, ...drawn } = planOf(7);
    expect(sized).toEqual({ ...drawn, ...size });
  },
);

it('SIM-14: the faults of a symbol are the same whatever other symbols there are', () => {
  const [few, many] = [planOf(7, { hours: 12, symbols: 3 }), planOf(7, { hours: 12, symbols: 9 })];
  const ofBitcoin = (plan: typeof few): object[] => plan.faults.filter(({ on }) => on === 'BTCUSDT');
  expect(ofBitcoin(few).length).toBeGreaterThan(5);
  expect(ofBitcoin(many)).toEqual(ofBitcoin(few));
});

it('SIM-14: no two seeds have a fault in common', () => {
  const faults = Array.from({ length: 100 }, (_, seed) => planOf(seed, { hours: 6, symbols: 8 }).faults).flat();
  expect(new Set(faults.map(({ kind, on, at, much }) => `${kind} ${on} ${at} ${much}`)).size).toBe(faults.length);
});

it('every kind comes in some seed, none in all, and all within the hours of the plan', () => {
  const plans = Array.from({ length: 60 }, (_, seed) => planOf(seed, { hours: 12, symbols: 4 }));
  for (const kind of FAULT_KIND_NAMES) {
    const having = plans.filter(({ faults }) => faults.some((fault) => fault.kind === kind)).length;
    expect({ kind, some: having > 0, all: having === plans.length }).toEqual({ kind, some: true, all: false });
  }
  const latest = Math.max(...plans.flatMap(({ faults }) => faults.map(({ at }) => at)));
  expect(latest).toBeLessThanOrEqual(12 * HOUR_MS);
});
