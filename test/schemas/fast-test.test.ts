import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileExplanation } from '../../schemas/check-record.ts';
import { compileFastTest } from '../../schemas/fast-test.ts';
import { loadSchema } from '../../schemas/load-schema.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { ODD_VALUE, valueOf } from './arbitrary-value.ts';
import { countedBranches } from '../counted-branches.ts';

describe.each(Object.values(TOPICS))('$name', (topic) => {
  const schema = loadSchema(topic);
  const isGood = compileFastTest(schema);
  const explain = compileExplanation(schema);
  const record = valueOf(schema) as fc.Arbitrary<Record<string, unknown>>;

  test('lets every good record through: the slow way is for bad ones', () => {
    fc.assert(fc.property(record, (value) => isGood(value)));
  });

  test('F1: what it lets through has no problem, whatever one field is', () => {
    const hit = countedBranches({ 'let through': 1, refused: 20 });
    const field = fc.constantFrom(...schema.fields.map(({ name }) => name), '__proto__', 'constructor', 'undeclared');
    fc.assert(
      fc.property(record, field, ODD_VALUE, (value, name, odd) => {
        const changed = { ...value };
        Object.defineProperty(changed, name, { value: odd, enumerable: true, configurable: true, writable: true });
        if (isGood(changed)) {
          hit('let through');
          expect(explain(changed)).toEqual([]);
        } else if (odd !== undefined) {
          hit('refused');
          expect(explain(changed)).not.toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('F1: nor when a field is left out', () => {
    for (const { name } of schema.fields) {
      fc.assert(
        fc.property(record, (value) => {
          const sparse = Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));
          expect(isGood(sparse)).toBe(explain(sparse).length === 0);
        }),
        { numRuns: 3 },
      );
    }
  });
});

test.each([null, undefined, [], 'text', 7, true])('%j is no record', (value) => {
  expect(compileFastTest(loadSchema(TOPICS.positionSnapshot))(value)).toBe(false);
});
