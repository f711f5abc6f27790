import { expect, test } from 'vitest';
import { policyJsonSchema } from '../../../pipelines/scoring/policy-schema.ts';

/** Every place of a JSON Schema that has a name, with what is said of it. */
function* places(schema: unknown, path = ''): Generator<{ path: string; description: unknown }> {
  if (typeof schema !== 'object' || schema === null) return;
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties') {
      for (const [name, inner] of Object.entries(value as Record<string, object>)) {
        const { description, const: literal } = inner as { description?: unknown; const?: unknown };
        // A literal that tells the kinds of a union apart says it itself.
        yield { path: `${path}.${name}`, description: description ?? literal };
        yield* places(inner, `${path}.${name}`);
      }
    } else yield* places(value, path);
  }
}

test('editors are told of every condition and setting what it is', () => {
  const found = [...places(policyJsonSchema())];
  expect(found.length).toBeGreaterThan(40);
  expect(found.filter(({ description }) => typeof description !== 'string')).toEqual([]);
});
