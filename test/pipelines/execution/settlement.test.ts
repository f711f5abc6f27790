import { describe, expect, it } from 'vitest';
import { settlesNow } from '../../../pipelines/execution/settlement.ts';
import type { MarketEnding } from '../../../ports/exchange.ts';
import { anIntent } from './an-intent.ts';
import { DeskOfTests } from './desk-of-tests.ts';

const NOW = 1_770_000_000_000;
const MINUTE_MS = 60_000;
const ending = (traits: Partial<MarketEnding>): MarketEnding => ({
  settlesAt: null,
  takesOrders: true,
  status: null,
  ...traits,
});

describe('the last minutes of a contract', () => {
  it.each([
    ['nothing is announced', undefined, false],
    ['it settles tomorrow', ending({ settlesAt: NOW + 24 * 60 * MINUTE_MS }), false],
    ['it settles in six minutes', ending({ settlesAt: NOW + 6 * MINUTE_MS }), false],
    ['it settles in five minutes', ending({ settlesAt: NOW + 5 * MINUTE_MS }), true],
    ['it has settled', ending({ settlesAt: NOW - 1 }), true],
    ['its market takes no orders', ending({ takesOrders: false, status: 'SETTLING' }), true],
  ])('%s', (_, given, suppressed) => {
    expect(settlesNow(given, NOW)?.reason).toBe(suppressed ? 'SETTLES_NOW' : undefined);
  });

  it('no order is announced in them, and the report says why', async () => {
    const desk = await DeskOfTests.open();
    const { marketRules } = desk.exchange;
    if (marketRules === null) throw new Error('the scripted exchange has rules');
    desk.exchange.marketRules = { ...marketRules, ending: ending({ settlesAt: desk.clock.now() + MINUTE_MS }) };
    await desk.work(await desk.execution(), anIntent({ fraction: 1 }));
    expect(desk.outcomes).toEqual(['SUPPRESSED SETTLES_NOW']);
    expect(desk.log.reports[0]?.detail).toMatch(/^settles in \d+ ms: no order is sent in the last 300000 ms$/);
    expect(desk.exchange.calls.filter((call) => call.startsWith('place'))).toEqual([]);
  });
});
