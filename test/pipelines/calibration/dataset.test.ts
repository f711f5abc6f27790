import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DatasetBuilder, canonicalLine, datasetHash } from '../../../pipelines/calibration/dataset.ts';
import { unmetConditions, samplesOf, selectRows, slicesOf } from '../../../pipelines/calibration/usable-rows.ts';
import type { ClmOutcome, OutcomeLabel, PositionId, TradeClosed, TradeId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const OUTCOME = GOOD_RECORDS[TOPICS.clmOutcome.name];
const TRADE = GOOD_RECORDS[TOPICS.tradeClosed.name];

function final(index: number, patch: Partial<ClmOutcome> = {}): ClmOutcome {
  return {
    ...OUTCOME,
    position_id: `p${index}` as PositionId,
    slices: [`t${index}` as TradeId],
    status: 'FINAL',
    label: index % 2 === 0 ? 'WIN' : 'LOSS',
    closed_at: 1000 + index,
    symbol: index % 3 === 0 ? 'BTCUSDT' : 'ETHUSDT',
    confidence: 0.5 + (index % 5) / 20,
    ...patch,
  };
}

/** Counted in p8 already. */
const TWICE = ['t8' as TradeId];

function rowsOf(outcomes: readonly ClmOutcome[]) {
  const builder = new DatasetBuilder();
  outcomes.forEach((outcome, offset) => builder.addOutcome(outcome, { partition: 0, offset }));
  return builder.rows();
}

describe('the rows', () => {
  test('are the latest record of each position that is FINAL (CAL-1)', () => {
    const builder = new DatasetBuilder();
    builder.addOutcome(OUTCOME, { partition: 1, offset: 0 });
    builder.addOutcome(final(1), { partition: 2, offset: 4 });
    builder.addOutcome(final(1, { label: 'WIN' }), { partition: 2, offset: 9 });
    expect(builder.rows()).toMatchObject([{ position_id: 'p1', label: 'WIN', partition: 2, offset: 9 }]);
  });

  test('do not depend on the order in which partitions are read (CAL-2)', () => {
    const outcomes = Array.from({ length: 12 }, (_, index) => final(index, { closed_at: 1000 + (index % 3) }));
    const at = new Map(outcomes.map((outcome, offset) => [outcome, { partition: 0, offset }]));
    const hashOf = (order: readonly ClmOutcome[]): string => {
      const builder = new DatasetBuilder();
      for (const outcome of order) builder.addOutcome(outcome, at.get(outcome) ?? { partition: 0, offset: 0 });
      return datasetHash(builder.rows());
    };
    const expected = hashOf(outcomes);
    fc.assert(
      fc.property(fc.shuffledSubarray(outcomes, { minLength: 12 }), (order) => {
        expect(hashOf(order)).toBe(expected);
      }),
    );
  });

  test('of trades are those of the outcomes that CLM makes of them, duplicates dropped', () => {
    const first: TradeClosed = { ...TRADE, trade_id: 'a' as TradeId, remaining_quantity: 1 };
    const last: TradeClosed = { ...TRADE, trade_id: 'b' as TradeId, remaining_quantity: 0 };
    const builder = new DatasetBuilder();
    [first, first, last, last].forEach((trade, offset) => builder.addTrade(trade, { partition: 3, offset }));
    expect(builder.rows()).toMatchObject([{ position_id: TRADE.position_id, slices: ['a', 'b'], offset: 2 }]);
  });

  test('a changed field of any row changes the hash', () => {
    const rows = rowsOf([final(1), final(2)]);
    const [row] = rows;
    expect(canonicalLine(rows[0] ?? (final(0) as never))).toContain('"position_id":"p1"');
    for (const patch of [{ confidence: 0.51 }, { label: 'WIN' as OutcomeLabel }, { offset: 7 }, { excluded: 'X' }])
      expect(datasetHash(rows.map((one) => (one === row ? { ...one, ...patch } : one)))).not.toBe(datasetHash(rows));
  });
});

describe('what is usable', () => {
  const rows = rowsOf([
    final(0),
    final(1),
    final(2, { label: 'NEUTRAL' }),
    final(3, { excluded_from_calibration: 'EXTERNAL' }),
    final(4, { confidence: null }),
    final(5, { label: 'NEUTRAL', excluded_from_calibration: 'LIQUIDATION' }),
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
  const enough = Array.from({ length: 60 }, (_, index) => final(index));
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
