import { expect, it } from 'vitest';
import { OrderCosts, orderCostLines } from '../../../pipelines/status/execution-figures.ts';
import type { ExecutionReport } from '../../../schemas/generated/records.ts';
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
  // No fill, and an older report, which tells nothing of it.
  costs.add({ ...FILLED, status: 'SUBMITTED', filled_quantity: 0, average_price: null, slippage_quote: null });
  costs.add({ ...FILLED, order_style: null, mark_price: null, slippage_quote: null });
  const { ioc, market } = costs.byStyle();
  expect(ioc).toEqual({ fills: 2, filled_quote: 4002, slippage_quote: -2, slippage_bps: -5 });
  expect(market?.slippage_bps).toBeCloseTo(50);
  expect(orderCostLines(costs.byStyle())).toEqual([
    'ioc: 2 fills of 4,002, -5.0 bps (-2.00) against the mark',
    'market: 1 fills of 999, 50.0 bps (5.00) against the mark',
  ]);
});
