import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { accumulate, labelOf } from '../../../pipelines/clm/accumulate.ts';
import type { ClmOutcome, TradeClosed } from '../../../schemas/generated/records.ts';
import { recordChecker } from '../../../schemas/record-rules.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { OTHER_MODEL, slice } from '../../fixtures/slices.ts';

const problemsOf = recordChecker(TOPICS.clmOutcome);

function outcomeOf(trades: readonly TradeClosed[]): ClmOutcome {
  let outcome: ClmOutcome | undefined;
  for (const trade of trades) outcome = accumulate(outcome, trade) ?? outcome;
  if (outcome === undefined) throw new Error('no trades');
  return outcome;
}

/** What CLM-2 says is equal in any order, with the lists that keep the order of arrival as sets. */
function comparable({
  slices,
  exit_reasons,
  entry_price,
  exit_price,
  pnl_percent,
  pnl_quote,
  fee_quote,
  opening_fee_quote,
  funding_quote,
  pnl_net_quote,
  initial_risk_quote,
  r_net,
  ...exact
}: ClmOutcome) {
  const sums = [fee_quote, opening_fee_quote, funding_quote, pnl_net_quote, initial_risk_quote, r_net];
  return {
    ...exact,
    slices: slices.toSorted(),
    exit_reasons: exit_reasons.toSorted(),
    known: sums.map((sum) => sum !== null),
    near: [entry_price, exit_price, pnl_percent, pnl_quote, ...sums.map((sum) => sum ?? 0)],
  };
}

const hundredths = (min: number, max: number) => fc.integer({ min, max }).map((units) => units / 100);

const orUnknown = (known: fc.Arbitrary<number>) =>
  fc.oneof({ weight: 9, arbitrary: known }, { weight: 1, arbitrary: fc.constant(null) });

const arbitraryTrade = fc
  .record({
    quantity: fc.integer({ min: 1, max: 100_000 }).map((units) => units / 1000),
    entry_price: hundredths(9_000, 11_000),
    exit_price: hundredths(9_000, 11_000),
    remaining_quantity: fc.constantFrom(0, 1, 2.5),
    fee_quote: orUnknown(hundredths(-10, 100)),
    opening_fee_quote: orUnknown(hundredths(-10, 100)),
    funding_quote: orUnknown(hundredths(-100, 100)),
    risk_quote: orUnknown(hundredths(1, 10_000)),
    mae_r: orUnknown(hundredths(-300, -100)),
    mfe_r: orUnknown(hundredths(-100, 1000)),
    unknown_costs: fc.constantFrom(
      [],
      [],
      ['opening_fee_quote: out of reach'],
      ['funding_quote: no answer', 'fee_quote: no price of BNB'],
      null,
    ),
    policy: fc.constantFrom('2026-02-07', 'legacy', null),
    regime_at_entry: fc.constantFrom('trend', 'trend', null, 'range'),
    closed_at: fc.integer({ min: 1_770_003_600_000, max: 1_770_003_600_020 }),
    confidence: fc.constantFrom(0.62, 0.62, 0.62, null, 0.7),
    model_id: fc.constantFrom(slice('x').model_id, slice('x').model_id, null, OTHER_MODEL),
    origin: fc.constantFrom('HARVEST', 'HARVEST', 'HARVEST', 'EXTERNAL', 'LIQUIDATION'),
    exit_reason: fc.constantFrom('exit_over_hold', 'emergency', 'by hand'),
  } as const)
  .map((fields) => fields satisfies Partial<TradeClosed>);

const arbitraryTrades = fc
  .array(arbitraryTrade, { minLength: 1, maxLength: 8 })
  .map((list) => list.map((fields, index) => slice(`trade-${index}`, fields)));

describe('accumulate', () => {
  it('CLM-1, CLM-2: any order with any duplicates gives the same outcome', () => {
    const shuffled = arbitraryTrades.chain((trades) =>
      fc.record({
        trades: fc.constant(trades),
        again: fc
          .tuple(fc.shuffledSubarray(trades, { minLength: trades.length }), fc.shuffledSubarray(trades))
          .chain(([all, some]) => fc.shuffledSubarray([...all, ...some], { minLength: all.length + some.length })),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ trades, again }) => {
        const { near: expected, ...exact } = comparable(outcomeOf(trades));
        const { near, ...rest } = comparable(outcomeOf(again));
        expect(rest).toEqual(exact);
        for (const [index, value] of near.entries()) {
          const reference = expected[index] ?? Number.NaN;
          expect(Math.abs(value - reference)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(reference)));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('every outcome on the way is a valid record', () => {
    fc.assert(
      fc.property(arbitraryTrades, (trades) => {
        let outcome: ClmOutcome | undefined;
        for (const trade of trades) {
          outcome = accumulate(outcome, trade) ?? outcome;
          expect(problemsOf(outcome)).toEqual([]);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('CLM-1: a duplicate is null, so that nothing is written for it', () => {
    const first = outcomeOf([slice('a')]);
    expect(accumulate(first, slice('a', { exit_price: 200 }))).toBeNull();
  });

  it('CLM-3: quantities add as decimals, prices are weighted by quantity', () => {
    const outcome = outcomeOf([
      slice('a', { quantity: 0.1, exit_price: 110 }),
      slice('b', { quantity: 0.2, exit_price: 104, remaining_quantity: 0 }),
    ]);
    expect(outcome.quantity).toBe(0.3);
    expect(outcome.exit_price).toBeCloseTo(106, 12);
    expect(outcome.pnl_percent).toBeCloseTo(6, 12);
    expect(outcome).toMatchObject({ status: 'FINAL', label: 'WIN', slices: ['a', 'b'] });
  });

  it('CLM-3: the deployment report: LONG from 0.186 to 0.1832 is -1.51 %, a LOSS; the same SHORT is a WIN', () => {
    const prices = { entry_price: 0.186, exit_price: 0.1832, remaining_quantity: 0 };
    const long = outcomeOf([slice('a', prices)]);
    expect(long.pnl_percent).toBeCloseTo(-1.505376344, 9);
    expect(long.label).toBe('LOSS');
    const short = outcomeOf([slice('a', { ...prices, side: 'SHORT' })]);
    expect(short.pnl_percent).toBeCloseTo(1.505376344, 9);
    expect(short.label).toBe('WIN');
  });

  it('CLM-4: FINAL by the slice that left nothing, and a later slice is still added', () => {
    const closing = slice('a', { remaining_quantity: 0, closed_at: 1_770_003_700_000 });
    const late = slice('b', { remaining_quantity: 1, closed_at: 1_770_003_800_000 });
    expect(outcomeOf([late])).toMatchObject({ status: 'ACCUMULATING', label: null, closed_at: null });
    expect(outcomeOf([closing, late])).toMatchObject({
      status: 'FINAL',
      quantity: 2,
      closed_at: closing.closed_at,
      last_slice_at: late.closed_at,
    });
  });

  it('CLM-5: a fee that is unknown for one slice is unknown for the position', () => {
    expect(outcomeOf([slice('a', { fee_quote: 0.1 }), slice('b', { fee_quote: 0.2 })]).fee_quote).toBe(0.3);
    expect(outcomeOf([slice('a', { fee_quote: null }), slice('b', { fee_quote: 0.2 })]).fee_quote).toBeNull();
  });

  it('CLM-6: one BACKFILL slice keeps what was recorded, against its own prices', () => {
    const recorded = slice('a', { origin: 'BACKFILL', exit_price: 90, pnl_percent: 2, remaining_quantity: 0 });
    expect(outcomeOf([recorded])).toMatchObject({ pnl_percent: 2, label: 'WIN', excluded_from_calibration: null });
    expect(outcomeOf([slice('a', { exit_price: 90, pnl_percent: 2, remaining_quantity: 0 })]).label).toBe('LOSS');
  });
});

describe('labelOf', () => {
  it.each([
    [0.5, 'NEUTRAL'],
    [0.5000001, 'WIN'],
    [-0.5, 'NEUTRAL'],
    [-0.5000001, 'LOSS'],
    [0, 'NEUTRAL'],
    [0.1 * 5 + 2e-16, 'NEUTRAL'],
  ])('%d %% is %s', (percent, label) => {
    expect(labelOf(percent)).toBe(label);
  });
});

describe('excluded_from_calibration', () => {
  it.each([
    ['a complete harvest takes part', [{}], null],
    ['no confidence', [{ confidence: null, model_id: null }], 'NO_CONFIDENCE'],
    ['a confidence of no known model', [{ model_id: null }], 'NO_MODEL'],
    ['one slice closed by hand', [{}, { origin: 'EXTERNAL' }, {}], 'EXTERNAL'],
    ['liquidated after a close by hand', [{ origin: 'EXTERNAL' }, { origin: 'LIQUIDATION' }], 'LIQUIDATION'],
    ['a later slice brings the confidence', [{ confidence: null, model_id: null }, {}], null],
    ['slices disagree', [{ confidence: 0.6 }, { confidence: 0.7 }, { confidence: 0.6 }], 'CONFLICTING_MODEL'],
  ] as const)('%s', (_story, slices, code) => {
    const outcome = outcomeOf(slices.map((fields, index) => slice(`trade-${index}`, fields)));
    expect(outcome.excluded_from_calibration).toBe(code);
  });

  it('believes no confidence once slices disagreed', () => {
    const outcome = outcomeOf([
      slice('a', { confidence: 0.6 }),
      slice('b', { confidence: 0.7 }),
      slice('c', { confidence: 0.6 }),
    ]);
    expect(outcome.confidence).toBeNull();
    expect(outcome.model_id).toBeNull();
  });

  it('keeps a code that this version does not know', () => {
    const newer = { ...outcomeOf([slice('a')]), excluded_from_calibration: 'FROM_THE_FUTURE' };
    expect(accumulate(newer, slice('b', { origin: 'LIQUIDATION' }))?.excluded_from_calibration).toBe('FROM_THE_FUTURE');
  });
});

function totalsOf(...trades: readonly TradeClosed[]): ClmOutcome | undefined {
  let outcome: ClmOutcome | undefined;
  for (const trade of trades) outcome = accumulate(outcome, trade) ?? outcome;
  return outcome;
}

const COSTS = { fee_quote: 1.5, opening_fee_quote: 1.35, funding_quote: 0.15, risk_quote: 45 };

describe('CLM-5: a sum is null once it is unknown for one slice, and the cost is named', () => {
  test('CLM-7: all known: R is the net profit over the risk', () => {
    const outcome = totalsOf(
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
    const outcome = totalsOf(slice('a', COSTS), slice('b', { ...COSTS, ...unknown }), slice('c', COSTS));
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
    expect(totalsOf(slice('a', COSTS), slice('b', earlier))).toMatchObject({
      unknown_costs: null,
      r_net: null,
      mae_r: null,
      mfe_r: null,
    });
  });
});

test('excursions are those of the position, its regime at entry is that of any slice', () => {
  const outcome = totalsOf(
    slice('a', { mae_r: -0.5, mfe_r: 2, regime_at_entry: null }),
    slice('b', { mae_r: -1.2, mfe_r: 5, regime_at_entry: 'trend' }),
  );
  expect(outcome).toMatchObject({ mae_r: -1.2, mfe_r: 5, regime_at_entry: 'trend' });
});

describe('CLM-8: the policy at the close', () => {
  const closing = { remaining_quantity: 0, policy: 'b', closed_at: 1_770_003_700_000 };

  test('is that of the slice that left nothing, whenever it is counted', () => {
    const partial = slice('a', { policy: 'a', closed_at: 1_770_003_600_000 });
    expect(totalsOf(partial)?.policy_at_close).toBeNull();
    expect(totalsOf(partial, slice('z', closing))?.policy_at_close).toBe('b');
    expect(totalsOf(slice('z', closing), partial)?.policy_at_close).toBe('b');
  });

  test('is null where nothing of ours decided it', () => {
    expect(totalsOf(slice('z', { ...closing, policy: null }))?.policy_at_close).toBeNull();
  });
});
