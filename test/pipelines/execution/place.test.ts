import { beforeEach, describe, expect, it } from 'vitest';
import type { ExecutionOptions } from '../../../pipelines/execution/execution-processor.ts';
import { DEFAULT_TERMS } from '../../../pipelines/execution/order-plan.ts';
import type { Placement, VenueOrder } from '../../../ports/exchange.ts';
import { type KillSwitch, NEVER_HALTED } from '../../../ports/kill-switch.ts';
import type { ClientOrderId, OrderStyle } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf, tradeIdOf } from '../../../schemas/ids.ts';
import { OPENED_AT, anIntent } from '../../fixtures/an-intent.ts';
import { DeskOfTests } from './desk-of-tests.ts';
import { venueOrder } from '../../fixtures/scripted-exchange.ts';

const HALT = { scope: 'desk', by: 'alice', reason: 'maintenance', since: OPENED_AT };

let desk: DeskOfTests;

beforeEach(async () => {
  desk = await DeskOfTests.open();
});

/** So much of 500 asked for is filled, of 1000 that were open; `price` in quote currency. */
function filling(quantity: number, left: number, price = '107'): Placement {
  const order = venueOrder({
    filledQuantity: String(quantity),
    averagePrice: quantity === 0 ? null : price,
    fee: quantity === 0 ? null : '1',
    positionAfter: String(left),
  });
  return { kind: 'accepted', order };
}

const refused = (meaning: 'would-take' | 'price'): Placement => ({
  kind: 'rejected',
  meaning,
  code: '-1',
  message: 'no',
});
const resting: VenueOrder = venueOrder({ state: 'OPEN', filledQuantity: '0', averagePrice: null, fee: null });

async function work(style: OrderStyle, options: Partial<ExecutionOptions> = {}, intent = anIntent()): Promise<void> {
  const limits = { ...options.limits, order: { ...DEFAULT_TERMS, style, slices: 2 } };
  await desk.work(await desk.execution({ ...options, limits }), intent);
}

const ordersSent = (): string[] =>
  desk.exchange.sent.map(({ quantity, pricing }) => {
    const price = pricing.kind === 'market' ? '' : pricing.kind === 'ioc' ? pricing.limitPrice : pricing.price;
    return `${quantity} ${pricing.kind} ${price}`.trim();
  });

describe('an intent that leads to several orders', () => {
  it('EXE-37: announces each by itself, and reports all of them at its end', async () => {
    desk.exchange.placements = [filling(300, 700, '106.9'), filling(200, 500, '106.5')];
    await work('ioc');
    expect(ordersSent()).toEqual(['500 ioc 106.465', '200 ioc 106.465']);
    expect(desk.outcomes).toEqual(['SUBMITTED ORDER_SENT', 'SUBMITTED ORDER_SENT', 'FILLED FILLED']);
    const [first, second, end] = desk.log.reports;
    const ids = [0, 1].map((part) => clientOrderIdOf(anIntent().intent_id, part));
    expect([first?.client_order_id, second?.client_order_id]).toEqual(ids);
    expect(ids.every((id) => /^[.A-Z:/a-z0-9_-]{1,36}$/.test(id))).toBe(true);
    expect([first?.order_quantity, second?.order_quantity]).toEqual([500, 200]);
    expect(end).toMatchObject({
      client_order_id: ids[1],
      order_style: 'ioc',
      part: 1,
      rounded_quantity: 500,
      filled_quantity: 500,
      average_price: 106.74,
      fee: 2,
      remaining_quantity: 500,
      mark_price: 107,
      limit_price: 106.465,
      slippage_quote: 130,
    });
    expect(end?.slippage_bps).toBeCloseTo(24.299, 3);
    expect(desk.log.trades.map(({ trade_id, quantity }) => [trade_id, quantity])).toEqual([
      [tradeIdOf(ids[0] as ClientOrderId), 300],
      [tradeIdOf(ids[1] as ClientOrderId), 200],
    ]);
  });

  it('EXE-38: the next is announced in one write behind the trade of the one before', async () => {
    desk.exchange.placements = [filling(300, 700), filling(200, 500)];
    const writes: string[][] = [];
    const limits = { order: { ...DEFAULT_TERMS, style: 'ioc' as const } };
    const execution = await desk.execution({ limits });
    await execution.process([desk.log.addIntent(anIntent())], async (records) => {
      writes.push(records.map(({ topic }) => topic));
      await desk.log.append(records);
    });
    expect(writes).toEqual([
      ['execution.report'],
      ['trade.closed', 'execution.report'],
      ['trade.closed', 'execution.report'],
    ]);
  });

  it('a SHORT is bought back above the mark, and better is negative', async () => {
    desk.exchange.placements = [filling(500, 500, '106.9')];
    await work('ioc', {}, anIntent({ side: 'SHORT' }));
    expect(ordersSent()).toEqual(['500 ioc 107.535']);
    expect(desk.log.reports[1]).toMatchObject({ slippage_quote: -50 });
  });

  it('asks for no more than is open by then', async () => {
    desk.exchange.placements = [filling(300, 150), filling(150, 0)];
    await work('ioc');
    expect(ordersSent()).toEqual(['500 ioc 106.465', '150 ioc 106.465']);
    expect(desk.log.reports.at(-1)).toMatchObject({ reason: 'PARTIALLY_FILLED', filled_quantity: 450 });
  });

  it('leaves what never fills to the next intent', async () => {
    desk.exchange.placements = [filling(0, 1000)];
    await work('ioc');
    expect(desk.exchange.sent).toHaveLength(5);
    expect(desk.outcomes.at(-1)).toBe('REJECTED NO_FILL');
    expect(desk.log.reports.filter(({ status }) => status !== 'SUBMITTED')).toHaveLength(1);
  });

  it('EXE-39: nothing follows a doubt', async () => {
    desk.exchange.placements = [filling(300, 700), { kind: 'in-doubt', message: 'time-out' }];
    desk.exchange.lookUps = [{ kind: 'unavailable', message: 'no route' }];
    await work('sliced');
    expect(desk.exchange.sent).toHaveLength(2);
    expect(desk.outcomes.at(-1)).toBe('UNKNOWN NO_ANSWER');
    expect(desk.log.trades, 'what is known is told all the same').toHaveLength(1);
    expect(desk.log.reports.at(-1)?.client_order_id).toBe(desk.exchange.sent[1]?.clientOrderId);
  });

  it('a refusal ends it, with what was filled before', async () => {
    desk.exchange.placements = [filling(300, 700), refused('price')];
    await work('ioc');
    expect(desk.log.reports.at(-1)).toMatchObject({
      status: 'FILLED',
      reason: 'PARTIALLY_FILLED',
      detail: '200 of 500 were not filled: PRICE_REJECTED: -1: no',
      filled_quantity: 300,
    });
  });

  it('EXE-40: the kill switch, the close rate and the age of the intent are asked for each order', async () => {
    let halted = false;
    const killSwitch: KillSwitch = { ...NEVER_HALTED, halted: () => Promise.resolve(halted ? HALT : null) };
    desk.exchange.placements = [filling(300, 700)];
    const processor = await desk.execution({
      killSwitch,
      limits: { order: { ...DEFAULT_TERMS, style: 'ioc' } },
      exchange: Object.assign(desk.exchange, {
        markPrice: (() => {
          let asked = 0;
          return async () => {
            halted = asked > 0;
            asked += 1;
            return '107';
          };
        })(),
      }),
    });
    await desk.work(processor, anIntent());
    expect(desk.exchange.sent).toHaveLength(1);
    expect(desk.log.reports.at(-1)).toMatchObject({ status: 'FILLED', filled_quantity: 300 });
    expect(desk.log.reports.at(-1)?.detail).toContain('KILL_SWITCH: desk halted by alice');
  });

  it('EXE-40: the close rate counts orders, not intents', async () => {
    desk.exchange.placements = [filling(300, 700)];
    await work('ioc', { limits: { maxClosesPerMinute: 1 } });
    expect(desk.exchange.sent).toHaveLength(1);
    expect(desk.log.reports.at(-1)?.detail).toContain('CLOSE_RATE: 1 orders in the last minute');
  });

  it('EXE-41: a drain lets none follow', async () => {
    const drain = new AbortController();
    desk.exchange.placements = [filling(300, 700)];
    drain.abort();
    await work('sliced', { draining: drain.signal });
    expect(desk.exchange.sent).toHaveLength(1);
    expect(desk.log.reports.at(-1)?.detail).toBe('200 of 500 were not filled: the process ends');
  });
});

describe('an order that rests', () => {
  it('is taken off the book when its time is over, and the rest is sent at once', async () => {
    const some = venueOrder({ filledQuantity: '100', averagePrice: '107.1', positionAfter: '900', fee: '1' });
    desk.exchange.placements = [{ kind: 'accepted', order: resting }, filling(400, 500)];
    desk.exchange.lookUps = [
      ...Array.from({ length: 10 }, () => ({ kind: 'found', order: resting }) as const),
      { kind: 'found', order: some },
    ];
    await work('post_only');
    expect(ordersSent()).toEqual(['500 post-only 107', '400 ioc 106.465']);
    expect(desk.exchange.calls.filter((call) => !['rules', 'position', 'lookUp'].includes(call))).toEqual([
      'place 500',
      'cancel',
      'place 400',
    ]);
    expect(desk.log.reports.map(({ order_style }) => order_style)).toEqual(['post_only', 'ioc', 'ioc']);
    expect(desk.log.reports.at(-1)).toMatchObject({ filled_quantity: 500, status: 'FILLED' });
  });

  it('that is filled before needs no other', async () => {
    desk.exchange.placements = [{ kind: 'accepted', order: resting }];
    desk.exchange.lookUps = [
      { kind: 'found', order: resting },
      { kind: 'found', order: venueOrder() },
    ];
    await work('post_only');
    expect(desk.exchange.calls).not.toContain('cancel');
    expect(desk.log.reports.at(-1)).toMatchObject({ order_style: 'post_only', filled_quantity: 500 });
  });

  it('that would take is sent as ioc', async () => {
    desk.exchange.placements = [refused('would-take'), filling(500, 500)];
    await work('post_only');
    expect(ordersSent()).toEqual(['500 post-only 107', '500 ioc 106.465']);
    expect(desk.outcomes.at(-1)).toBe('FILLED FILLED');
  });

  it('EXE-35: a CLOSE is sent as ioc, and the report says so', async () => {
    desk.exchange.placements = [filling(1000, 0)];
    await work('post_only', {}, { ...anIntent({ fraction: 1 }), order: 'post_only' });
    expect(ordersSent()).toEqual(['1000 ioc 106.465']);
    expect(desk.log.reports.at(-1)).toMatchObject({ order_style: 'ioc' });
  });

  it('EXE-41: a drain takes it off the book at once', async () => {
    const drain = new AbortController();
    drain.abort();
    desk.exchange.placements = [{ kind: 'accepted', order: resting }];
    desk.exchange.lookUps = [{ kind: 'found', order: { ...resting, state: 'DONE' } }];
    const before = desk.clock.now();
    await work('post_only', { draining: drain.signal });
    expect(desk.exchange.calls).toContain('cancel');
    expect(desk.clock.now() - before).toBeLessThan(1000);
    expect(desk.outcomes.at(-1)).toBe('REJECTED NO_FILL');
  });

  it('a halt takes it off the book, and nothing follows', async () => {
    let asked = 0;
    const halted = () => Promise.resolve((asked += 1) > 2 ? HALT : null);
    desk.exchange.placements = [{ kind: 'accepted', order: resting }];
    desk.exchange.lookUps = [
      { kind: 'found', order: resting },
      { kind: 'found', order: { ...resting, state: 'DONE' } },
    ];
    await work('post_only', { killSwitch: { ...NEVER_HALTED, halted } });
    expect(desk.exchange.calls).toContain('cancel');
    expect(desk.outcomes.at(-1)).toBe('REJECTED KILL_SWITCH');
  });

  it('EXE-47: is taken off the book by the next start where the process died', async () => {
    const limits = { order: { ...DEFAULT_TERMS, style: 'post_only' as const } };
    const crash = new Error('killed');
    const died = (await desk.execution({ limits })).process([desk.log.addIntent(anIntent())], async (records) => {
      await desk.log.append(records);
      throw crash;
    });
    await expect(died).rejects.toBe(crash);
    desk.exchange.calls.length = 0;
    const partly = venueOrder({ filledQuantity: '120', positionAfter: '880' });
    desk.exchange.lookUps = [
      { kind: 'found', order: resting },
      { kind: 'found', order: partly },
    ];
    await (await desk.execution({ limits })).recover?.([0], desk.log.append);
    expect(desk.exchange.calls).toEqual(['lookUp', 'cancel', 'lookUp']);
    expect(desk.log.reports.at(-1)).toMatchObject({ status: 'FILLED', filled_quantity: 120 });
    expect(desk.exchange.sent, 'a restart sends nothing of an intent that it finds announced').toEqual([]);
  });
});

it('a policy that asks for an order is obeyed before the desk', async () => {
  desk.exchange.placements = [filling(500, 500)];
  await work('market', {}, { ...anIntent(), order: 'ioc' });
  expect(ordersSent()).toEqual(['500 ioc 106.465']);
});
