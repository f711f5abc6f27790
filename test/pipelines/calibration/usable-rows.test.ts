import { describe, expect, test } from 'vitest';
import { samplesOf, selectRows, slicesOf, unmetConditions } from '../../../pipelines/calibration/usable-rows.ts';
import type { ClmOutcome, TradeId } from '../../../schemas/generated/records.ts';
import { finalOutcome, rowsOf } from './final-outcomes.ts';

/** The trade of p8. */
const TWICE = ['t8' as TradeId];

describe('what is usable', () => {
  const rows = rowsOf([
    finalOutcome(0),
    finalOutcome(1),
    finalOutcome(2, { label: 'NEUTRAL' }),
    finalOutcome(3, { excluded_from_calibration: 'EXTERNAL' }),
    finalOutcome(4, { confidence: null }),
    finalOutcome(5, { label: 'NEUTRAL', excluded_from_calibration: 'LIQUIDATION' }),
  ]);

  test('NEUTRAL is left out and counted, or counts as a loss', () => {
    const left = selectRows(rows, 'exclude');
    expect(left.counts).toEqual({ final: 6, usable: 2, wins: 1, losses: 1, neutral: 1, excluded: 3, symbols: 2 });
    expect(left.excluded).toEqual(
      expect.arrayContaining([
        { reason: 'NEUTRAL', n: 1 },
        { reason: 'EXTERNAL', n: 1 },
        { reason: 'NO_CONFIDENCE', n: 1 },
        { reason: 'LIQUIDATION', n: 1 },
      ]),
    );
    const counted = selectRows(rows, 'loss');
    expect(counted.counts).toMatchObject({ usable: 3, wins: 1, losses: 2, neutral: 1, excluded: 3 });
    expect(Array.from(samplesOf(counted).y)).toEqual([1, 0, 0]);
  });

  test('is counted by label, model, symbol, side and exit reason', () => {
    const slices = slicesOf(selectRows(rows, 'exclude'));
    expect(slices).toContainEqual({ by: 'symbol', name: 'BTCUSDT', n: 1, wins: 1, confidence: 0.5 });
    expect(slices).toContainEqual({ by: 'exit_reason', name: 'exit_over_hold', n: 2, wins: 1, confidence: 0.525 });
  });
});

describe('the conditions', () => {
  const enough = Array.from({ length: 60 }, (_, index) => finalOutcome(index));
  const unmet = (outcomes: readonly ClmOutcome[]) => {
    const rows = rowsOf(outcomes);
    return unmetConditions('m', rows, selectRows(rows, 'exclude')).map(({ condition, have, need }) => [
      condition,
      have,
      need,
    ]);
  };

  test('all hold for sixty ordinary outcomes', () => {
    expect(unmet(enough)).toEqual([]);
  });

  test('every unmet one is named at once', () => {
    const constant = enough
      .slice(0, 10)
      .map((outcome) => ({ ...outcome, confidence: 0.7, label: 'LOSS' as const, symbol: 'A' }));
    expect(unmet(constant)).toEqual([
      ['usable_outcomes', 10, 50],
      ['symbols', 1, 2],
      ['wins', 0, 10],
      ['distinct_confidences', 1, 2],
    ]);
    expect(unmet([])).toEqual([
      ['usable_outcomes', 0, 50],
      ['symbols', 0, 2],
      ['wins', 0, 10],
      ['losses', 0, 10],
      ['distinct_confidences', 0, 2],
    ]);
  });

  test('fifty are enough and forty-nine are not', () => {
    expect(unmet(enough.slice(0, 50))).toEqual([]);
    expect(unmet(enough.slice(0, 49))).toEqual([['usable_outcomes', 49, 50]]);
  });

  test('a trade in two positions, and a price that cannot be, are refused', () => {
    const doubled = enough.map((outcome, index) => (index === 7 ? { ...outcome, slices: TWICE } : outcome));
    expect(unmet(doubled)).toEqual([['duplicate_trades', 1, 0]]);
    const free = enough.map((outcome, index) => (index < 2 ? { ...outcome, exit_price: 0 } : outcome));
    expect(unmet(free)).toEqual([['prices_not_positive', 2, 0]]);
  });
});
