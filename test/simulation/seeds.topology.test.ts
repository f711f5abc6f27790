/** The first seeds, small; `npm run simulate` runs as many as one likes. */
import { expect, it } from 'vitest';
import { FAULT_KIND_NAMES, type FaultKind } from './faults.ts';
import { planOf } from './plan.ts';
import { World } from './world.ts';

const SEEDS = Array.from({ length: 8 }, (_, index) => index + 1);
const SIZE = { hours: 2, symbols: 5 };

const struck = new Set<FaultKind>();

it.each(SEEDS)('seed %i: every invariant holds', async (seed) => {
  const { violations, hits } = await World.run(planOf(seed, SIZE));
  for (const kind of hits.keys()) struck.add(kind);
  expect(violations).toEqual([]);
});

it('most kinds of faults have struck', () => {
  expect(struck.size).toBeGreaterThan(FAULT_KIND_NAMES.length / 2);
});

it('the same seed is the same run, record by record', async () => {
  const plan = planOf(3, { hours: 1, symbols: 3 });
  const [one, other] = [await World.run(plan), await World.run(plan)];
  expect(other.hash).toBe(one.hash);
  expect((await World.run({ ...plan, seed: 4 })).hash).not.toBe(one.hash);
});
