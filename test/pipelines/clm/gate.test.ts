import { describe, expect, it, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { GATE_OUTCOMES, marketOf, type GateOutcome, gateOf, GateTally } from '../../../pipelines/clm/gate.ts';
import { modelNamed } from '../../fixtures/calibration-record.ts';
import * as fc from 'fast-check';

const HOUR_MS = 60 * 60 * 1000;

function final(hour: number, fields: Partial<GateOutcome> = {}): GateOutcome {
  return {
    status: 'FINAL',
    label: hour % 3 === 0 ? 'LOSS' : 'WIN',
    closed_at: hour * HOUR_MS,
    excluded_from_calibration: null,
    model_id: modelNamed('m'),
    symbol: hour % 2 === 0 ? 'BTCUSDT' : 'ETHUSDT',
    confidence: 0.5 + (hour % 10) / 25,
    ...fields,
  };
}

const hours = (count: number) => Array.from({ length: count }, (_, hour) => hour);

describe('gateOf', () => {
  it('counts FINAL, and as usable only WIN and LOSS that are not excluded', () => {
    const gate = gateOf([
      final(0, { label: 'WIN' }),
      final(1, { label: 'LOSS' }),
      final(2, { label: 'NEUTRAL' }),
      final(3, { label: 'WIN', excluded_from_calibration: 'EXTERNAL' }),
      final(4, { status: 'ACCUMULATING', label: null, closed_at: null }),
    ]);
    expect(gate).toMatchObject({
      final: 4,
      usable: 2,
      needed: 50,
      open: false,
      labels: { WIN: 2, LOSS: 1, NEUTRAL: 1 },
      excluded: { EXTERNAL: 1 },
    });
  });

  it('opens on the fiftieth usable outcome, however many are merely final', () => {
    const neutral = hours(100).map((hour) => final(hour, { label: 'NEUTRAL' }));
    const usable = hours(GATE_OUTCOMES).map((hour) => final(hour));
    expect(gateOf([...neutral, ...usable.slice(1)])).toMatchObject({ final: 149, usable: 49, open: false });
    expect(gateOf([...neutral, ...usable])).toMatchObject({ final: 150, usable: 50, open: true, eta: null });
  });

  it('eta continues the pace of the usable outcomes', () => {
    // Eleven outcomes, one each hour up to hour 10: 39 more take up to hour 49.
    expect(gateOf(hours(11).map((hour) => final(hour))).eta).toBe(49 * HOUR_MS);
    // Neither the order nor what is not usable changes the pace.
    const mixed = [
      final(500, { label: 'NEUTRAL' }),
      ...hours(11)
        .toReversed()
        .map((hour) => final(hour)),
    ];
    expect(gateOf(mixed).eta).toBe(49 * HOUR_MS);
  });

  it('has no eta without a pace', () => {
    expect(gateOf([]).eta).toBeNull();
    expect(gateOf([final(1)]).eta).toBeNull();
    expect(gateOf([final(1), final(1)]).eta).toBeNull();
  });
});

describe('the gate of each model', () => {
  it('two models do not fill one gate together', () => {
    const outcomes = hours(60).map((hour) => final(hour, { model_id: modelNamed(hour < 30 ? 'a' : 'b') }));
    const gate = gateOf(outcomes);
    expect(gate).toMatchObject({ usable: 60, open: false });
    expect(gate.models).toMatchObject([
      { model_id: 'a', usable: 30, open: false, unmet: [{ condition: 'usable_outcomes', have: 30, need: 50 }] },
      { model_id: 'b', usable: 30, open: false },
    ]);
    // Each goes on at an outcome an hour: 20 more hours for the first that is full.
    expect(gate.eta).toBe(49 * HOUR_MS);
  });

  it('needs ten of each label', () => {
    const wins = hours(57).map((hour) => final(hour, { label: 'WIN' }));
    const { models, open } = gateOf([...wins, final(58, { label: 'LOSS' })]);
    expect(open).toBe(false);
    expect(models[0]?.unmet).toEqual([{ condition: 'losses', have: 1, need: 10 }]);
  });

  it('needs spread: one odd confidence is none, nor is a constant with noise', () => {
    const unmet = (confidence: (hour: number) => number) =>
      gateOf(hours(70).map((hour) => final(hour, { confidence: confidence(hour) }))).models[0]?.unmet;
    expect(unmet((hour) => (hour === 0 ? 0.71 : 0.7))).toEqual([{ condition: 'confidence_spread', have: 0, need: 10 }]);
    expect(unmet((hour) => (hour === 0 ? 0.9 : 0.7))).toEqual([{ condition: 'confidence_spread', have: 1, need: 10 }]);
    expect(unmet((hour) => 0.7 + (hour % 10) / 1000)).toEqual([{ condition: 'confidence_spread', have: 0, need: 10 }]);
    expect(unmet(() => 0.7)).toEqual([{ condition: 'distinct_confidences', have: 1, need: 2 }]);
    expect(unmet((hour) => (hour < 10 ? 0.8 : 0.7))).toEqual([]);
  });

  it('spellings and dollars of one market are one', () => {
    const spellings = ['BTCUSDT', 'btcusdt', 'BTC/USDT:USDT', 'BTC-USDT', 'BTC_USDT_PERP', 'BTC-USDT-SWAP', 'BTCUSDC'];
    expect(new Set(spellings.map(marketOf))).toEqual(new Set(['BTC']));
    expect(new Set(['ETHUSDT', 'ETHBTC', 'USDT', '1000PEPEUSDT', 'PEPEUSDT', 'SOLUSD'].map(marketOf)).size).toBe(6);
    const outcomes = hours(60).map((hour) => final(hour, { symbol: spellings[hour % 7] ?? '' }));
    expect(gateOf(outcomes).models[0]?.unmet).toEqual([{ condition: 'symbols', have: 1, need: 2 }]);
  });
});

describe('cases', () => {
  const outcomesOf = (name: string): readonly GateOutcome[] =>
    readFileSync(new URL(`../calibration/cases/${name}/trades.jsonl`, import.meta.url), 'utf8')
      .trim()
      .split('\n')
      .map((line, hour) => {
        const {
          symbol,
          confidence,
          pnl_percent: pnl,
        } = JSON.parse(line) as {
          symbol: string;
          confidence: number;
          pnl_percent: number;
        };
        const label = pnl > 0.5 ? 'WIN' : pnl < -0.5 ? 'LOSS' : 'NEUTRAL';
        return final(hour, { symbol, confidence, label });
      });

  it('gate-passes-one-loss: losses 1 of 10', () => {
    expect(gateOf(outcomesOf('gate-passes-one-loss')).models[0]?.unmet).toEqual([
      { condition: 'losses', have: 1, need: 10 },
    ]);
  });

  it('gate-passes-one-odd-confidence: one confidence apart, of 10', () => {
    expect(gateOf(outcomesOf('gate-passes-one-odd-confidence')).models[0]?.unmet).toEqual([
      { condition: 'confidence_spread', have: 0, need: 10 },
    ]);
  });
});

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

test('CLM-16: kept up to date, it says what a recount says, whatever takes the place of what', () => {
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
