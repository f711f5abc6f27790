import { describe, expect, it } from 'vitest';
import { FAULT_NAMES } from '../../../packages/fake-binance/faults.ts';
import { runExchange } from './exchange-run.ts';
import { runKills } from './kill-run.ts';
import { ALL_FAULTS } from './exchange-settings.ts';

describe('execution and reconciliation on an exchange that misbehaves', () => {
  it.each(FAULT_NAMES)('CHX-4 to CHX-10: %s alone', async (fault) => {
    // Look-ups happen only for orders in doubt.
    const doubt = fault === '-2013' ? { 'reset-after-taken': 0.3 } : {};
    const chances = { ...doubt, [fault]: 0.15 };
    const run = await runExchange({ intents: 16, seed: 3, chances });
    expect(run.violations).toEqual([]);
    expect(run.faults[fault]).toBeGreaterThan(0);
  });

  it.each(['market', 'ioc', 'sliced', 'post_only'] as const)(
    'CHX-4 to CHX-10, CHX-11, CHX-12: everything at random with %s orders, and three of thirty symbols sick at any time',
    async (order) => {
      const run = await runExchange({ intents: 100, seed: 7, chances: ALL_FAULTS, positions: 30, sick: 3, order });
      expect(run.violations).toEqual([]);
      expect(run.neverHit).toEqual([]);
      expect(run.intents).toBe(100);
      // Every healthy position in every cycle, except where a fault delayed a new or changed one.
      expect(run.observed + run.excused).toBe(run.healthy);
      expect(run.healthy).toBeGreaterThan(run.cycles * 15);
    },
  );
});

it('CHX-4 to CHX-10, CHX-11, CHX-12: killed with -9 between any two steps', async () => {
  const run = await runKills({ intents: 40, kills: 4, seed: 5, chances: ALL_FAULTS, positions: 30, sick: 3 });
  expect(run.violations).toEqual([]);
  expect(run.kills).toBe(4);
  expect(run.orders).toBeGreaterThan(3);
});
