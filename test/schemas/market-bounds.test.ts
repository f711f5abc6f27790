import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accumulate } from '../../pipelines/clm/accumulate.ts';
import { externalTradeOf, tradeOf } from '../../pipelines/execution/trades.ts';
import { evaluate } from '../../pipelines/scoring/evaluate.ts';
import { defaultPolicy } from '../../pipelines/scoring/policy.ts';
import { intentOf } from '../../pipelines/scoring/scoring-processor.ts';
import { isKind } from '../../errors/harvestline-error.ts';
import type { HarvestIntent, PositionSnapshot, Reduction, TradeClosed } from '../../schemas/generated/records.ts';
import { MARKET_BOUNDS } from '../../schemas/market-bounds.ts';
import { recordChecker } from '../../schemas/record-rules.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { venueOrder } from '../fixtures/scripted-exchange.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';

const checkSnapshot = recordChecker(TOPICS.positionSnapshot);
const checkIntent = recordChecker(TOPICS.harvestIntent);
const checkTrade = recordChecker(TOPICS.tradeClosed);
const checkOutcome = recordChecker(TOPICS.clmOutcome);

/** Anywhere between the ends of a market, on every scale, the ends themselves often. */
function onAnyScale(least: number, most: number): fc.Arbitrary<number> {
  const between = fc
    .double({ min: Math.log(least), max: Math.log(most), noNaN: true })
    .map((exponent) => Math.min(most, Math.max(least, Math.exp(exponent))));
  return fc.oneof({ weight: 1, arbitrary: fc.constantFrom(least, most) }, { weight: 3, arbitrary: between });
}

const price = onAnyScale(1e-12, 1e12);
const quantity = onAnyScale(1e-12, 1e15);
const fee = fc.option(
  fc.oneof(
    onAnyScale(1e-9, 1e27),
    onAnyScale(1e-9, 1e27).map((amount) => -amount),
  ),
);
const side = fc.constantFrom('LONG', 'SHORT');
/** How far the stop stands from the entry: down to the last digit of a price. */
const stopGap = fc.option(onAnyScale(1e-17, 0.5));

function stopOf(entry: number, gap: number | null, of: 'LONG' | 'SHORT'): number | null {
  if (gap === null) return null;
  const stop = of === 'LONG' ? entry * (1 - gap) : entry * (1 + gap);
  return stop >= 1e-12 && stop <= 1e12 && stop !== entry ? stop : null;
}

test('the table gives an unit at most two ends, and a reason to each', () => {
  for (const { unit, minimum, maximum, why } of MARKET_BOUNDS) {
    expect([unit, minimum < maximum, why.length > 10]).toEqual([unit, true, true]);
    expect(MARKET_BOUNDS.filter((other) => other.unit === unit).length).toBeLessThanOrEqual(2);
  }
});

describe('SCH-10, SCH-11: what is computed from numbers that a market can have can be recorded', () => {
  test('a snapshot that passed its check is decided on and gives a valid intent, or R is refused as poison', () => {
    let decided = 0;
    fc.assert(
      fc.property(price, price, stopGap, side, quantity, (entry, mark, gap, of, open) => {
        const snapshot: PositionSnapshot = {
          ...GOOD_RECORDS[TOPICS.positionSnapshot.name],
          side: of,
          entry_price: entry,
          mark_price: mark,
          peak_price: mark,
          worst_price: mark,
          initial_stop_price: stopOf(entry, gap, of),
          stop_price: null,
          quantity: open,
          initial_quantity: open,
          regime: 'another',
        };
        expect(checkSnapshot(snapshot)).toEqual([]);
        try {
          const decision = evaluate(snapshot, defaultPolicy());
          const at = {
            topic: 'position.snapshot',
            partition: 0,
            offset: 0,
            timestamp: 0,
            key: null,
            value: null,
            headers: [],
          };
          const intent = intentOf(snapshot, decision, at);
          expect(intent === null ? [] : checkIntent(intent)).toEqual([]);
          decided += 1;
        } catch (thrown) {
          if (!isKind(thrown, 'poison')) throw thrown;
        }
      }),
      { numRuns: 1000 },
    );
    expect(decided).toBeGreaterThan(100);
  });

  test('any fill of any intent gives a valid trade, and the trades of a position a valid outcome', () => {
    const fill = fc.record({ price, quantity, fee });
    fc.assert(
      fc.property(price, stopGap, side, fc.array(fill, { minLength: 1, maxLength: 5 }), (entry, gap, of, fills) => {
        const intent: HarvestIntent = {
          ...GOOD_RECORDS[TOPICS.harvestIntent.name],
          side: of,
          entry_price: entry,
          initial_stop_price: stopOf(entry, gap, of),
        };
        const trades = fills.map((one, index): TradeClosed => ({
          ...tradeOf(
            intent,
            'paper',
            {
              ...venueOrder({ fee: one.fee === null ? null : String(one.fee), filledQuantity: String(one.quantity) }),
              averagePrice: String(one.price),
            },
            '0',
          ),
          trade_id: `trade-${index}` as TradeClosed['trade_id'],
        }));
        let outcome;
        for (const trade of trades) {
          expect(checkTrade(trade)).toEqual([]);
          outcome = accumulate(outcome, trade) ?? outcome;
        }
        expect(checkOutcome(outcome)).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test('so does a fill that somebody else ordered', () => {
    const reconciled = GOOD_RECORDS[TOPICS.positionReconciled.name];
    const [good] = reconciled.reductions;
    if (good === undefined) throw new Error('the good record has no reduction');
    fc.assert(
      fc.property(price, stopGap, side, price, quantity, fee, (entry, gap, of, at, filled, charged) => {
        const reduction: Reduction = {
          ...good,
          side: of,
          entry_price: entry,
          initial_stop_price: stopOf(entry, gap, of),
          price: at,
          quantity: filled,
          fee_quote: charged,
        };
        expect(checkTrade(externalTradeOf(reconciled, reduction, false))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});
