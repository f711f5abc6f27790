import { expect, it, vi } from 'vitest';
import { DeskControlWatch } from '../../../pipelines/desk/desk-control.ts';
import { PROCESSORS } from '../../../cli/compose/build-processors.ts';
import { PrometheusMetrics } from '../../../connectors/metrics/prometheus-metrics.ts';
import { BUILT_IN_POLICIES, DEFAULT_POLICY_ID } from '../../../pipelines/scoring/policy.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { EVERY_ACCOUNT } from '../../../ports/worked-accounts.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { MINUTE_MS, OPENED_AT, anIntent } from '../../fixtures/an-intent.ts';
import { ExecutionLog } from '../../pipelines/execution/execution-log.ts';
import { ScriptedExchange, venueOrder } from '../../fixtures/scripted-exchange.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { memorySession } from '../../fixtures/memory-log.ts';

it('execution measures what it suppresses and whether anything is halted', async () => {
  const world = await memorySession();
  const ledger = await ExecutionLog.open();
  const policy = BUILT_IN_POLICIES.get(DEFAULT_POLICY_ID);
  if (policy === undefined) throw new Error('no default policy');
  const exchange = new ScriptedExchange();
  exchange.placements = [{ kind: 'accepted', order: venueOrder() }];
  const metrics = new PrometheusMetrics();
  const clock = new VirtualClock(OPENED_AT + 60 * MINUTE_MS + 1000);
  const execution = await PROCESSORS.execution({
    ...world,
    policy,
    exchange: () => Promise.resolve(exchange),
    limits: { maxClosesPerMinute: 1 },
    draining: new AbortController().signal,
    killSwitch: new DeskControlWatch(world, clock, SILENT_LOGGER),
    accounts: EVERY_ACCOUNT,
    openWatch: () => Promise.reject(new Error('nothing is watched')),
    clock,
    logger: SILENT_LOGGER,
    metrics,
  });
  await execution.restore?.(ledger.replay);
  const work = async (symbol: string, partition: number): Promise<void> => {
    await execution.process([ledger.addIntent(anIntent({ symbol }), partition)], ledger.append);
  };
  await work('AUSDT', 0);
  await work('BUSDT', 1);
  const text = (): Promise<string> => metrics.text();
  expect(await text()).toMatch(/^harvestline_halted 0$/m);

  await world.write(TOPICS.deskControl, GOOD_RECORDS[TOPICS.deskControl.name], OPENED_AT);
  // Nobody asks; the look that a scrape begins is what a later one shows.
  await vi.waitFor(async () => expect(await text()).toMatch(/^harvestline_halted 1$/m));
  clock.set(clock.now() + 250);
  await work('CUSDT', 2);
  const counted = (await text()).split('\n').filter((line) => /^harvestline_suppressed_total.* [1-9]/.test(line));
  expect(counted).toEqual([
    'harvestline_suppressed_total{reason="KILL_SWITCH"} 1',
    'harvestline_suppressed_total{reason="CLOSE_RATE"} 1',
  ]);
  expect(await text()).toContain('harvestline_suppressed_total{reason="OTHER_ACCOUNT"} 0');
});
