import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, mutated } from './mutant-copy.ts';
import { MUTANTS } from './mutant-table.ts';

it('SIM-60: there are at least twenty mutants, each with a name of its own, and each dies within 1,000 seeds', () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  expect(MUTANTS.filter(({ diesAfter }) => diesAfter !== null && diesAfter > 1000)).toEqual([]);
});

it.each(MUTANTS)('SIM-61: $name replaces what occurs once in $file, by something else that Node can read', (mutant) => {
  const source = readFileSync(join(ROOT, mutant.file), 'utf8');
  expect(source.split(mutant.find)).toHaveLength(2);
  expect(stripTypeScriptTypes(mutated(source, mutant))).not.toBe(stripTypeScriptTypes(source));
});
