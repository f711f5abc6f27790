import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_FAULTS } from '../../../connectors/exchange/paper/fill-plan.ts';
import { DEFAULT_TERMS } from '../../../pipelines/execution/order-plan.ts';
import type { RestingOrder } from '../../../ports/exchange.ts';
import type { OrderId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aStory, expectGuarantees } from './execution-guarantees.ts';
import { OPENED_AT, anIntent } from '../../fixtures/an-intent.ts';
import type { Interruption } from './interruptions.ts';
import { ExecutionLog } from './execution-log.ts';
import { RoughWorld, type Story } from './rough-world.ts';

async function told(story: Story): Promise<RoughWorld> {
  const world = new RoughWorld(await ExecutionLog.open(), story);
  await world.run();
  return world;
}

describe('execution, however venue, log and process fail it', () => {
  it('EXE-1 to EXE-7 hold over random stories', async () => {
    await fc.assert(
      fc.asyncProperty(aStory, async (story) => {
        const world = await told(story);
        expectGuarantees(world, story);

        const reports = world.log.reports.length;
        await world.redeliverAll();
        expect(world.log.reports.length, 'EXE-5: finished intents again').toBe(reports);
        expectGuarantees(world, story);
        world.exchange.close();
      }),
      { numRuns: 150 },
    );
  });
});

/** One symbol with a partial close, one held back by the cooldown, and the rest; another with a late reply. */
const SCENARIO: Story = {
  seed: 7,
  faults: { ...DEFAULT_FAULTS, partialFill: 0, lostReply: 0.5 },
  intents: [
    { intent: anIntent({ minute: 60, fraction: 0.58 }), lagMs: 1000, growth: null },
    { intent: anIntent({ symbol: 'FHEUSDT', side: 'SHORT', minute: 60, fraction: 0.75 }), lagMs: 1000, growth: null },
    { intent: anIntent({ minute: 70, fraction: 0.25 }), lagMs: 1000, growth: null },
    { intent: anIntent({ minute: 90, fraction: 0.25 }), lagMs: 1000, growth: { id: 'g', quantity: '20' } },
    { intent: anIntent({ minute: 95, fraction: 1 }), lagMs: 1000, growth: null },
  ],
  backlog: 0,
  interruptions: new Map(),
};

describe('execution, interrupted at every single step', () => {
  it('EXE-1 to EXE-7: a crash or a retried error before or after any step changes no trade but that of an order never sent', async () => {
    const calm = await told(SCENARIO);
    const expected = tradesOf(calm);
    expect(calm.log.reports.map(({ status }) => status)).toContain('SUPPRESSED');
    expect(expected.length).toBe(4);
    let notPlaced = 0;
    for (let step = 0; step < calm.interruptions.count; step++) {
      for (const when of ['before', 'after'] satisfies Interruption['when'][]) {
        for (const how of ['crash', 'transient'] satisfies Interruption['how'][]) {
          const story: Story = { ...SCENARIO, interruptions: new Map([[step, { when, how }]]) };
          const world = await told(story);
          expectGuarantees(world, story);
          if (world.log.reports.some(({ reason }) => reason === 'NOT_PLACED')) notPlaced++;
          else expect(tradesOf(world), `step ${step}, ${how} ${when}`).toEqual(expected);
          world.exchange.close();
        }
      }
    }
    expect(notPlaced, 'some steps lie between SUBMITTED and the order').toBeGreaterThan(0);
    calm.exchange.close();
  });
});

describe.each(['ioc', 'sliced', 'post_only'] as const)('%s orders, interrupted at every single step', (style) => {
  it('EXE-1 to EXE-7: nothing is closed twice, nothing more than was asked for, and nothing rests', async () => {
    const order = { ...DEFAULT_TERMS, style, maxSlippageBps: 2, slices: 3, postOnlyMs: 5000 };
    const scenario: Story = { ...SCENARIO, order, seed: 3, intents: SCENARIO.intents.slice(0, 3) };
    const calm = await told(scenario);
    expectGuarantees(calm, scenario);
    expect(Math.max(...calm.log.reports.map(({ part }) => part ?? 0)), 'orders follow each other').toBeGreaterThan(0);
    let fewer = 0;
    for (let step = 0; step < calm.interruptions.count; step++) {
      for (const when of ['before', 'after'] satisfies Interruption['when'][]) {
        for (const how of ['crash', 'transient'] satisfies Interruption['how'][]) {
          const story: Story = { ...scenario, interruptions: new Map([[step, { when, how }]]) };
          const world = await told(story);
          expectGuarantees(world, story);
          if (tradesOf(world).length < tradesOf(calm).length) fewer++;
          world.exchange.close();
        }
      }
    }
    expect(fewer, 'some steps lie between two orders of an intent').toBeGreaterThan(0);
    calm.exchange.close();
  });
});

describe('what rests of a position that is closed whole, interrupted at every single step', () => {
  const stop = (orderId: string): RestingOrder => ({
    orderId: orderId as OrderId,
    isConditional: true,
    kind: 'STOP',
    quantity: null,
    price: '1',
    placedAt: OPENED_AT,
    wholePosition: true,
  });

  it('EXE-50: is taken off, and reported unless it was taken off before the crash', async () => {
    const intents = [{ intent: anIntent({ minute: 60, fraction: 1 }), lagMs: 1000, growth: null }];
    const scenario: Story = { ...SCENARIO, intents, resting: [stop('s1'), stop('s2')] };
    const calm = await told(scenario);
    const fates = new Map<string, number>();
    for (let step = 0; step < calm.interruptions.count; step++) {
      for (const when of ['before', 'after'] satisfies Interruption['when'][]) {
        const story: Story = { ...scenario, interruptions: new Map([[step, { when, how: 'crash' }]]) };
        const world = await told(story);
        expectGuarantees(world, story);
        const filled = world.log.reports.find(({ status }) => status === 'FILLED');
        const left = [...world.resting.values()].flat();
        const at = `step ${step}, crash ${when}`;
        if (filled === undefined) expect(left, at).toHaveLength(2);
        else expect(left, at).toEqual([]);
        const reported = filled?.resting?.map(({ order_id, fate }) => `${order_id} ${fate}`).join(', ') ?? 'not closed';
        fates.set(reported, (fates.get(reported) ?? 0) + 1);
        world.exchange.close();
      }
    }
    calm.exchange.close();
    // Each of the ways is met: all of it, the second after a crash between the two, none after a crash behind both.
    expect([...fates.keys()].toSorted()).toEqual(['', 'not closed', 's1 CANCELLED, s2 CANCELLED', 's2 CANCELLED']);
    expect(fates.get('s2 CANCELLED'), 'a crash between the two').toBeGreaterThan(0);
  });
});

function tradesOf(world: RoughWorld): object[] {
  return world.log
    .all(TOPICS.tradeClosed.name)
    .map(({ trade_id, quantity, exit_price, remaining_quantity }) => ({
      trade_id,
      quantity,
      exit_price,
      remaining_quantity,
    }))
    .toSorted((a, b) => a.trade_id.localeCompare(b.trade_id));
}
