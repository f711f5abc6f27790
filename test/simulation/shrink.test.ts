import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Plan, marketsOf, planOf } from './plan.ts';
import { shrink } from './shrink.ts';

it('SIM-15: what is left breaks as before, and no fault of it can go', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(fc.nat(), { minLength: 0, maxLength: 4 }), async (seed, picks) => {
      const plan = planOf(seed, { hours: 6, symbols: 7 });
      const needed = new Set(picks.map((pick) => plan.faults[pick % plan.faults.length]));
      const breaks = (one: Plan): boolean =>
        [...needed].every((fault) => fault === undefined || one.faults.includes(fault));
      const small = await shrink(
        plan,
        (one) => Promise.resolve(breaks(one)),
        () => {},
      );
      expect(new Set(small.faults)).toEqual(needed);
      // As few symbols as have those that it takes.
      const markets = marketsOf(plan.symbols).map(({ symbol }) => symbol);
      expect(small.symbols).toBe(Math.max(1, ...small.faults.map(({ on }) => markets.indexOf(on ?? '') + 1)));
    }),
    { numRuns: 25 },
  );
});

it('SIM-15: a plan that breaks without any fault loses all of them, and becomes as short as it can', async () => {
  const small = await shrink(
    planOf(1),
    () => Promise.resolve(true),
    () => {},
  );
  expect(small).toMatchObject({ faults: [], symbols: 1, hours: 1 });
});
