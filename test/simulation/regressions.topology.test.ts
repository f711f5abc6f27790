/** Every plan that once broke an invariant (regressions/), shrunk. What each was about stands in its name. */
import { readFileSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { planSchema, strangersIn } from './plan.ts';
import { World } from './world.ts';

const FOLDER = new URL('regressions/', import.meta.url);

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

it.each(files)('%s', async (file) => {
  const plan = planSchema.parse(JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')));
  expect(strangersIn(plan)).toEqual([]);
  const { violations } = await World.run(plan);
  expect(violations).toEqual([]);
});
