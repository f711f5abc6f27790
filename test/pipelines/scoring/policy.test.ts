import { describe, expect, it, test } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import {
  BUILT_IN_POLICIES,
  DEFAULT_POLICY_ID,
  parsePolicy,
  policyJsonSchema,
} from '../../../pipelines/scoring/policy.ts';

/** A deep copy to break. */
function copyOfDefault(): Record<string, unknown> {
  return structuredClone(BUILT_IN_POLICIES.get(DEFAULT_POLICY_ID)) as unknown as Record<string, unknown>;
}

function pathsOf(value: unknown): string[] {
  try {
    parsePolicy(value, 'mine.json');
  } catch (thrown) {
    if (thrown instanceof HarvestlineError) return thrown.problems.map(({ path }) => path);
    throw thrown;
  }
  return [];
}

describe('policies', () => {
  it('come with the program: legacy and the one that scores by default', () => {
    expect([...BUILT_IN_POLICIES.keys()].toSorted()).toEqual(['2026-02-07', 'legacy']);
  });

  it('accepts a copy of its own', () => {
    expect(pathsOf(copyOfDefault())).toEqual([]);
  });

  it('names every failing path at once', () => {
    const broken = {
      ...copyOfDefault(),
      id: 'has spaces',
      points: { regime_intact: -1, unheard_of: 3 },
      rules: [
        { name: 'x', when: { r_abvoe: 8 }, action: 'CLOSE' },
        { name: 'y', when: {}, action: 'PARTIAL_CLOSE', fraction: { kind: 'exit_share', divisor: 0, max: 1.5 } },
      ],
    };
    expect(pathsOf(broken)).toEqual(
      expect.arrayContaining([
        'id',
        'points.regime_intact',
        'points.old',
        'points.unheard_of',
        'rules[0].when.r_abvoe',
        'rules[1].fraction.divisor',
        'rules[1].fraction.max',
      ]),
    );
  });

  it('refuses rungs out of order: the first match decides', () => {
    const rungs = [
      { above_r: 2, points: 1 },
      { above_r: 8, points: 6 },
    ];
    expect(pathsOf({ ...copyOfDefault(), profit_rungs: rungs })).toEqual(['profit_rungs']);
  });

  it.each([null, 3, 'legacy', []])('refuses %j as a whole', (value) => {
    expect(pathsOf(value)).toEqual(['(root)']);
  });
});

/** Every named place of a JSON Schema, with its description. */
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

test('the JSON Schema describes every condition and setting', () => {
  const found = [...places(policyJsonSchema())];
  expect(found.length).toBeGreaterThan(40);
  expect(found.filter(({ description }) => typeof description !== 'string')).toEqual([]);
});
