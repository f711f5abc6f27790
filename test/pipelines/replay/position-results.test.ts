import { expect, it } from 'vitest';
import { Realised } from '../../../pipelines/replay/position-results.ts';
import type { TradingCosts } from '../../../pipelines/replay/trading-costs.ts';
import type { ClmOutcome, PositionId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const COSTS: TradingCosts = { source: 'given', fee: 0.001, funding_per_8h: { LONG: 0, SHORT: 0 } };

function outcome(id: string, patch: Partial<ClmOutcome>): ClmOutcome {
  return {
    ...GOOD_RECORDS[TOPICS.clmOutcome.name],
    position_id: id as PositionId,
    status: 'FINAL',
    side: 'LONG',
    quantity: 10,
    entry_price: 100,
    exit_price: 104,
    pnl_quote: 40,
    pnl_net_quote: null,
    initial_risk_quote: null,
    ...patch,
  };
}

it('RPL-29, RPL-30: FINAL positions of the sample, once, net of recorded or reckoned costs, by the risk or the default one', () => {
  const sample = ['a', 'b', 'c'].map((id, at) => ({ position_id: id as PositionId, current: at, candidate: 10 * at }));
  const realised = new Realised(sample, COSTS, 0.02);
  expect(realised.results()).toBeNull();
  realised.add(outcome('a', { status: 'ACCUMULATING' }));
  realised.add(outcome('a', { pnl_net_quote: 30, initial_risk_quote: 10 }));
  realised.add(outcome('b', {}));
  realised.add(outcome('c', { status: 'ACCUMULATING' }));
  realised.add(outcome('other', {}));
  // a: 30 / 10; b: (40 - 0.001 * 10 * 204) / (100 * 10 * 0.02).
  const mean = (3 + (40 - 2.04) / 20) / 2;
  expect(realised.results()).toEqual({
    positions: 2,
    mean_r: expect.closeTo(mean, 12),
    current_mean_r: 0.5,
    candidate_mean_r: 5,
    costs_recorded: 1,
  });
});
