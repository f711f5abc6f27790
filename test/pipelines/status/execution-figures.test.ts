import { describe, expect, it } from 'vitest';
import {
  OpenOrders,
  OrderCosts,
  orderCostLines,
  unknownReportsAlert,
} from '../../../pipelines/status/execution-figures.ts';
import { AccountWatermarks, SeriesWatermark, SignalSeries } from '../../../pipelines/watch/account-watermarks.ts';
import type { ExecutionReport, IntentId } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf, intentIdOf, positionIdOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const FILLED: ExecutionReport = {
  ...GOOD_RECORDS[TOPICS.executionReport.name],
  order_style: 'ioc',
  mark_price: 100,
  filled_quantity: 10,
  average_price: 99.9,
  slippage_quote: 1,
};

it('adds up what fills cost, by style, weighted by what was filled', () => {
  const costs = new OrderCosts();
  costs.add(FILLED);
  costs.add({ ...FILLED, filled_quantity: 30, average_price: 100.1, slippage_quote: -3 });
  costs.add({ ...FILLED, order_style: 'market', slippage_quote: 5 });
  // No fill, and a report of an earlier version, without slippage.
  costs.add({ ...FILLED, status: 'SUBMITTED', filled_quantity: 0, average_price: null, slippage_quote: null });
  costs.add({ ...FILLED, order_style: null, mark_price: null, slippage_quote: null });
  const { ioc, market } = costs.byStyle();
  expect(ioc).toEqual({ fills: 2, filled_quote: 4002, slippage_quote: -2, slippage_bps: -5 });
  expect(market?.slippage_bps).toBeCloseTo(50);
  expect(orderCostLines(costs.byStyle())).toEqual([
    'ioc: 2 fills of 4,002, -5.0 bps (-2.00) against the mark',
    'market: 1 fill of 999, 50.0 bps (5.00) against the mark',
  ]);
});

const START = 1_770_003_600_000;

it('unknown_reports: is not raised without one; names the latest three, since the oldest', () => {
  expect(unknownReportsAlert(new Map())).toBeNull();
  const orders = [1, 2, 3, 4].map((time) => {
    const intent_id = intentIdOf(positionIdOf('desk-1', 'BTCUSDT', 'LONG', START), time);
    return { intent_id, client_order_id: clientOrderIdOf(intent_id), at: START + time };
  });
  const alert = unknownReportsAlert(new Map(orders.toReversed().map((order) => [order.client_order_id, order])));
  expect(alert).toMatchObject({ name: 'unknown_reports', since: START + 1 });
  for (const { intent_id, client_order_id } of orders.slice(1)) {
    expect(alert?.evidence).toContain(intent_id);
    expect(alert?.evidence).toContain(client_order_id);
  }
  expect(alert?.evidence).not.toContain(orders[0]?.intent_id);
});

describe('open_orders', () => {
  const MINUTE_MS = 60_000;
  const announced = (name: string, at: number, orders: OpenOrders): void =>
    orders.add({ ...FILLED, status: 'SUBMITTED', intent_id: name as IntentId }, at);
  const watermarks = (at: number) =>
    new AccountWatermarks(
      new Map([[FILLED.account, new SeriesWatermark(MINUTE_MS, [{ last: { at }, confirmed: true }])]]),
      new SignalSeries(MINUTE_MS),
      MINUTE_MS,
      null,
    );

  it("is raised after a minute of the account's time, since the oldest order", () => {
    const orders = new OpenOrders();
    expect(orders.alert(watermarks(START))).toBeNull();
    announced('second', START + 5, orders);
    announced('first', START, orders);
    expect(orders.alert(watermarks(START + MINUTE_MS))).toBeNull();
    const alert = orders.alert(watermarks(START + MINUTE_MS + 1));
    expect(alert).toMatchObject({ name: 'open_orders', since: START });
    expect(alert?.evidence).toMatch(/^2 orders /);
  });

  it('is over when the order has an end, also where the end is read first', () => {
    const orders = new OpenOrders();
    announced('a', START, orders);
    orders.add({ ...FILLED, intent_id: 'a' as IntentId }, START);
    orders.add({ ...FILLED, intent_id: 'b' as IntentId }, START);
    announced('b', START, orders);
    expect([orders.count, orders.alert(watermarks(START + 10 * MINUTE_MS))]).toEqual([0, null]);
  });
});
