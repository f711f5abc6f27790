import { describe, expect, test } from 'vitest';
import { accumulate } from '../../../pipelines/clm/accumulate.ts';
import type { ClmOutcome, TradeClosed } from '../../../schemas/generated/records.ts';
import { slice } from '../../fixtures/slices.ts';

function outcomeOf(...trades: readonly TradeClosed[]): ClmOutcome | undefined {
  let outcome: ClmOutcome | undefined;
  for (const trade of trades) outcome = accumulate(outcome, trade) ?? outcome;
  return outcome;
}

const COSTS = { fee_quote: 1.5, opening_fee_quote: 1.35, funding_quote: 0.15, risk_quote: 45 };

describe('U1: a sum is null once it is unknown for one slice, and the cost is named', () => {
  test('all known: R is the net profit over the risk', () => {
    const outcome = outcomeOf(
      slice('a', { ...COSTS, pnl_quote: 315 }),
      slice('b', { ...COSTS, pnl_quote: 225, risk_quote: 15, remaining_quantity: 0 }),
    );
    expect(outcome).toMatchObject({
      fee_quote: 3,
      opening_fee_quote: 2.7,
      funding_quote: 0.3,
      pnl_net_quote: 534,
      initial_risk_quote: 60,
      r_net: 8.9,
      unknown_costs: [],
    });
  });

  test('funding unknown for one slice', () => {
    const unknown = { funding_quote: null, unknown_costs: ['funding_quote: no answer'] };
    const outcome = outcomeOf(slice('a', COSTS), slice('b', { ...COSTS, ...unknown }), slice('c', COSTS));
    expect(outcome).toMatchObject({
      opening_fee_quote: 4.05,
      funding_quote: null,
      pnl_net_quote: null,
      r_net: null,
      initial_risk_quote: 135,
      unknown_costs: ['funding_quote'],
    });
  });

  test('a slice of an earlier version says nothing of what it does not know', () => {
    const earlier = { opening_fee_quote: null, funding_quote: null, unknown_costs: null, mae_r: null, mfe_r: null };
    expect(outcomeOf(slice('a', COSTS), slice('b', earlier))).toMatchObject({
      unknown_costs: null,
      r_net: null,
      mae_r: null,
      mfe_r: null,
    });
  });
});

test('excursions are those of the position, its regime at entry is that of any slice', () => {
  const outcome = outcomeOf(
    slice('a', { mae_r: -0.5, mfe_r: 2, regime_at_entry: null }),
    slice('b', { mae_r: -1.2, mfe_r: 5, regime_at_entry: 'trend' }),
  );
  expect(outcome).toMatchObject({ mae_r: -1.2, mfe_r: 5, regime_at_entry: 'trend' });
});

describe('U3: the policy at the close', () => {
  const closing = { remaining_quantity: 0, policy: 'b', closed_at: 1_770_003_700_000 };

  test('is that of the slice that left nothing, whenever it is counted', () => {
    const partial = slice('a', { policy: 'a', closed_at: 1_770_003_600_000 });
    expect(outcomeOf(partial)?.policy_at_close).toBeNull();
    expect(outcomeOf(partial, slice('z', closing))?.policy_at_close).toBe('b');
    expect(outcomeOf(slice('z', closing), partial)?.policy_at_close).toBe('b');
  });

  test('is null where nothing of ours decided it', () => {
    expect(outcomeOf(slice('z', { ...closing, policy: null }))?.policy_at_close).toBeNull();
  });
});
