import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { modelNamed } from '../../fixtures/calibration-record.ts';
import { type GateOutcome, GateTally, gateOf } from '../../../pipelines/clm/gate.ts';

const [ONE, OTHER] = [modelNamed('one'), modelNamed('other')];
const SAID = { model_id: ONE, symbol: 'BTCUSDT', confidence: 0.7 };

const anOutcome: fc.Arbitrary<GateOutcome> = fc.oneof(
  fc.record({
    status: fc.constant('FINAL' as const),
    label: fc.constantFrom('WIN' as const, 'LOSS' as const, 'NEUTRAL' as const),
    closed_at: fc.integer({ min: 1, max: 20 }),
    excluded_from_calibration: fc.constantFrom(null, null, 'EXTERNAL'),
    model_id: fc.constantFrom(null, ONE, OTHER),
    symbol: fc.constantFrom('BTCUSDT', 'ETHUSDT'),
    confidence: fc.constantFrom(null, 0.6, 0.7, 1),
  }),
  fc.constant({
    status: 'ACCUMULATING' as const,
    label: null,
    closed_at: null,
    excluded_from_calibration: null,
    ...SAID,
  }),
);

test('G1: kept up to date, it says what a recount says, whatever takes the place of what', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), anOutcome), { maxLength: 120 }), (changes) => {
      const outcomes = new Map<number, GateOutcome>();
      const tally = new GateTally();
      for (const [position, outcome] of changes) {
        const before = outcomes.get(position);
        outcomes.set(position, outcome);
        if (before !== undefined) tally.remove(before);
        tally.add(outcome);
        expect(tally.gate(() => outcomes.values())).toEqual(gateOf([...outcomes.values()]));
      }
    }),
  );
});

test('without a change at the edges nothing is recounted', () => {
  const tally = new GateTally();
  for (const closed_at of [1, 5, 9])
    tally.add({ status: 'FINAL', label: 'WIN', closed_at, excluded_from_calibration: null, ...SAID });
  tally.remove({ status: 'FINAL', label: 'WIN', closed_at: 5, excluded_from_calibration: null, ...SAID });
  const recount = (): never => {
    throw new Error('recounted');
  };
  expect(tally.gate(recount).usable).toBe(2);
  tally.remove({ status: 'FINAL', label: 'WIN', closed_at: 9, excluded_from_calibration: null, ...SAID });
  expect(() => tally.gate(recount)).toThrow('recounted');
});
