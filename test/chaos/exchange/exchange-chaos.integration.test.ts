import { describe, expect, it } from 'vitest';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { FAULT_NAMES } from '../../../packages/fake-binance/faults.ts';
import { runExchange } from './exchange-run.ts';
import { runKills } from './kill-run.ts';
import { ALL_FAULTS } from './random-faults.ts';

// Most of the time is spent waiting for answers that do not come.
describe.concurrent('execution and reconciliation on an exchange that misbehaves', () => {
  it.each(FAULT_NAMES)('A1 to A5: %s alone', async (fault) => {
    // A look-up happens only where an order is in doubt.
    const doubt = fault === '-2013' ? { 'reset-after-taken': 0.3 } : {};
    const chances = { ...doubt, [fault]: 0.15 };
    const run = await runExchange({ intents: 16, seed: 3, chances, logger: SILENT_LOGGER });
    expect(run.violations).toEqual([]);
    expect(run.injected[fault]).toBeGreaterThan(0);
  });

  it('A1 to A5, H1: everything at random, and three of thirty symbols sick at any time', async () => {
    const desk = { positions: 30, sick: 3 };
    const run = await runExchange({ intents: 240, seed: 7, chances: ALL_FAULTS, logger: SILENT_LOGGER, ...desk });
    expect(run.violations).toEqual([]);
    expect(Object.keys(run.sick).length).toBeGreaterThan(5);
    // How many fit in depends on how long its faults take on this machine.
    expect(run.healthyLooks).toBeGreaterThan(40);
    expect(Object.keys(run.injected).length).toBeGreaterThan(20);
    expect(run.trades).toBeGreaterThan(60);
  });
});

it('A1 to A5: killed with -9 between any two steps', async () => {
  const run = await runKills({ kills: 5, seed: 5, sick: 3, say: () => {} });
  expect(run.violations).toEqual([]);
  expect(run.kills).toBe(5);
  expect(run.orders).toBeGreaterThan(3);
});
