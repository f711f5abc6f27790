import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DatasetBuilder, canonicalLine, datasetHash } from '../../../pipelines/calibration/dataset.ts';
import type { ClmOutcome, OutcomeLabel, TradeClosed, TradeId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { finalOutcome, rowsOf } from './final-outcomes.ts';

const OUTCOME = GOOD_RECORDS[TOPICS.clmOutcome.name];
const TRADE = GOOD_RECORDS[TOPICS.tradeClosed.name];

describe('the rows', () => {
  test('are the latest record of each position that is FINAL (CAL-1)', () => {
    const builder = new DatasetBuilder();
    builder.addOutcome(OUTCOME, { partition: 1, offset: 0 });
    builder.addOutcome(finalOutcome(1), { partition: 2, offset: 4 });
    builder.addOutcome(finalOutcome(1, { label: 'WIN' }), { partition: 2, offset: 9 });
    expect(builder.rows()).toMatchObject([{ position_id: 'p1', label: 'WIN', partition: 2, offset: 9 }]);
  });

  test('do not depend on the order in which partitions are read (CAL-2)', () => {
    const outcomes = Array.from({ length: 12 }, (_, index) => finalOutcome(index, { closed_at: 1000 + (index % 3) }));
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
    const rows = rowsOf([finalOutcome(1), finalOutcome(2)]);
    const [row] = rows;
    expect(canonicalLine(rows[0] ?? (finalOutcome(0) as never))).toContain('"position_id":"p1"');
    for (const patch of [{ confidence: 0.51 }, { label: 'WIN' as OutcomeLabel }, { offset: 7 }, { excluded: 'X' }])
      expect(datasetHash(rows.map((one) => (one === row ? { ...one, ...patch } : one)))).not.toBe(datasetHash(rows));
  });
});
