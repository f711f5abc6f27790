import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate, explainVerdict, verdictOf } from '../../../pipelines/scoring/evaluate.ts';
import { scoreFactors, scoresOf } from '../../../pipelines/scoring/factors.ts';
import { BUILT_IN_POLICIES, type Policy, type PolicyRule } from '../../../pipelines/scoring/policy.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';

function policy(id: string): Policy {
  const found = BUILT_IN_POLICIES.get(id);
  if (found === undefined) throw new Error(`no policy ${id}`);
  return found;
}

const LEGACY = policy('legacy');
const CURRENT = policy('2026-02-07');

/** The names of the factors. */
function factorNames(snapshot: PositionSnapshot, by: Policy = CURRENT): string[] {
  return evaluate(snapshot, by).factors.map(({ name }) => name);
}

describe("the deployment report's table", () => {
  it.each([
    { symbol: 'COLLECT', r: 10.83, age: 3, hold: 7, exit: 3 },
    { symbol: 'AIO', r: 5.1, age: 3, hold: 7, exit: 2 },
  ])('before: $symbol at R $r was HOLD $hold/$exit', ({ symbol, r, age, hold, exit }) => {
    const decision = evaluate(aSnapshot({ symbol, r, age }), LEGACY);
    expect(decision).toMatchObject({
      action: 'HOLD',
      fraction: 0,
      hold_score: hold,
      exit_score: exit,
      policy: 'legacy',
    });
  });

  it.each([
    { symbol: 'COLLECT', r: 10.16, age: 3, action: 'CLOSE', fraction: 1, hold: 4, exit: 9, reason: 'emergency_profit' },
    {
      symbol: 'AIO',
      r: 5.33,
      age: 3,
      action: 'PARTIAL_CLOSE',
      fraction: 0.58,
      hold: 4,
      exit: 7,
      reason: 'strong_exit',
    },
    {
      symbol: 'FHE',
      r: 3.37,
      age: 7,
      action: 'PARTIAL_CLOSE',
      fraction: 0.75,
      hold: 4,
      exit: 9,
      reason: 'strong_exit',
    },
    {
      symbol: 'BERA',
      r: -0.08,
      age: 7,
      action: 'PARTIAL_CLOSE',
      fraction: 0.45,
      hold: 4,
      exit: 6,
      reason: 'moderate_exit',
    },
    {
      symbol: 'STABLE',
      r: 1.57,
      age: 7,
      action: 'PARTIAL_CLOSE',
      fraction: 0.53,
      hold: 4,
      exit: 6,
      reason: 'moderate_exit',
    },
    { symbol: 'LA', r: 5.77, age: 3, action: 'PARTIAL_CLOSE', fraction: 0.58, hold: 4, exit: 7, reason: 'strong_exit' },
  ])(
    'after: $symbol at R $r is $action $fraction $hold/$exit',
    ({ symbol, r, age, action, fraction, hold, exit, reason }) => {
      const decision = evaluate(aSnapshot({ symbol, r, age }), CURRENT);
      expect(decision).toMatchObject({ action, fraction, hold_score: hold, exit_score: exit, reason });
    },
  );
});

describe('R', () => {
  it('is profit over the risk at opening, not rounded, on both sides', () => {
    expect(
      evaluate(aSnapshot({}, { entry_price: 3, initial_stop_price: 2.9, mark_price: 3.2, peak_price: 3.2 }), CURRENT).r,
    ).toBe((3.2 - 3) / Math.abs(3 - 2.9));
    expect(
      evaluate(
        aSnapshot({ side: 'SHORT' }, { entry_price: 3, initial_stop_price: 3.1, mark_price: 2.8, peak_price: 2.8 }),
        CURRENT,
      ).r,
    ).toBe((3 - 2.8) / Math.abs(3 - 3.1));
  });

  it('takes 2 % of entry as risk where no stop at opening is known', () => {
    expect(evaluate(aSnapshot({}, { initial_stop_price: null, mark_price: 105, peak_price: 105 }), CURRENT).r).toBe(
      5 / 2,
    );
  });

  it('refuses prices whose R is no finite number, naming the path', () => {
    const extreme = aSnapshot({}, { entry_price: 1e-12, initial_stop_price: null, mark_price: 1, peak_price: 1 });
    expect(() => verdictOf(extreme, CURRENT)).toThrow('profit over risk must be within');
    expect(() => evaluate(extreme, CURRENT)).toThrow(
      expect.objectContaining({ code: 'RECORD_INVALID', problems: [expect.objectContaining({ path: 'mark_price' })] }),
    );
  });

  it('is after fees and funding where the policy counts costs', () => {
    const withCosts: Policy = { ...CURRENT, costs: { taker_fee: 0.001, funding_per_8h: 0.0002 } };
    const snapshot = aSnapshot({ age: 4 }, { mark_price: 104, peak_price: 104 });
    expect(evaluate(snapshot, withCosts).r).toBeCloseTo((4 - (100 + 104) * 0.001 - 104 * 0.0002 * 0.5) / 2, 12);
  });
});

describe('factors, each at its edge', () => {
  it.each<[string, Partial<PositionSnapshot>, { r?: number; age?: number }, string[], string[]]>([
    [
      'volatility expands only above 0.1',
      { volatility_gradient: 0.1 },
      {},
      ['volatility_contracting'],
      ['volatility_expanding'],
    ],
    [
      'volatility above 0.1',
      { volatility_gradient: 0.1000001 },
      {},
      ['volatility_expanding'],
      ['volatility_contracting'],
    ],
    [
      'confidence exactly 0.15 lower is intact',
      { confidence_at_entry: 0.75, confidence: 0.75 - 0.15 },
      {},
      ['confidence_intact'],
      ['confidence_degraded'],
    ],
    [
      'confidence below that',
      { confidence_at_entry: 0.75, confidence: 0.59 },
      {},
      ['confidence_degraded'],
      ['confidence_intact'],
    ],
    ['regime changed', { regime: 'RANGE' }, {}, ['regime_changed'], ['regime_intact']],
    ['momentum at 0.3 a step is not strong', { r_history: [0, 9, 0.6] }, {}, [], ['momentum_strong']],
    ['momentum above it', { r_history: [0, -9, 0.61] }, {}, ['momentum_strong'], []],
    ['momentum needs three points', { r_history: [0, 9] }, {}, [], ['momentum_strong']],
    ['momentum looks at the last three', { r_history: [-9, 1, 1, 1] }, {}, [], ['momentum_strong']],
    ['fresh below one hour above R 1', {}, { r: 1.01, age: 0.99 }, ['fresh'], []],
    ['not fresh at R 1', {}, { r: 1, age: 0.5 }, [], ['fresh']],
    ['not fresh at one hour', {}, { r: 1.5, age: 1 }, [], ['fresh']],
    ['old above six hours below R 5', {}, { r: 4.9, age: 6.01 }, ['old'], []],
    ['not old at six hours', {}, { r: 4, age: 6 }, [], ['old']],
    ['not old at R 5', {}, { r: 5, age: 7 }, [], ['old']],
    ['2 % off the peak is off', { mark_price: 98, peak_price: 100 }, {}, ['off_peak'], ['near_peak']],
    ['less is near', { mark_price: 98.01, peak_price: 100 }, {}, ['near_peak'], ['off_peak']],
    ['no rung at R 2', {}, { r: 2 }, [], ['profit_rung']],
  ])('%s', (_name, overrides, traits, present, absent) => {
    const names = factorNames(aSnapshot(traits, overrides));
    expect(names).toEqual(expect.arrayContaining(present));
    for (const name of absent) expect(names).not.toContain(name);
  });

  it('a SHORT is near its peak from above', () => {
    expect(factorNames(aSnapshot({ side: 'SHORT' }, { mark_price: 101.9, peak_price: 100 }))).toContain('near_peak');
    expect(factorNames(aSnapshot({ side: 'SHORT' }, { mark_price: 102, peak_price: 100 }))).toContain('off_peak');
  });

  it.each([
    [2.01, 1],
    [3.01, 3],
    [5.01, 4],
    [8.01, 6],
  ])('SCO-12: at R %d one rung of %d points', (r, points) => {
    const rungs = evaluate(aSnapshot({ r }), CURRENT).factors.filter(({ name }) => name === 'profit_rung');
    expect(rungs.map((rung) => rung.points)).toEqual([points]);
  });

  it('explains a comparison with its value and threshold', () => {
    const { factors } = evaluate(aSnapshot({ r: 5.33 }), CURRENT);
    expect(factors).toContainEqual({
      name: 'profit_rung',
      side: 'EXIT',
      points: 4,
      value: expect.closeTo(5.33, 9) as number,
      threshold: 5,
    });
    expect(factors).toContainEqual({
      name: 'volatility_contracting',
      side: 'EXIT',
      points: 3,
      value: -0.05,
      threshold: 0.1,
    });
  });
});

describe('decisions', () => {
  it('closes whole when the exit is strong and the regime changed', () => {
    expect(evaluate(aSnapshot({}, { regime: 'RANGE' }), CURRENT)).toMatchObject({
      action: 'CLOSE',
      fraction: 1,
      reason: 'thesis_broken',
    });
  });

  it('closes whole when the exit is strong and confidence degraded', () => {
    expect(evaluate(aSnapshot({}, { confidence: 0.5 }), CURRENT)).toMatchObject({
      action: 'CLOSE',
      fraction: 1,
      reason: 'thesis_broken',
    });
  });

  it('holds where holding scores more than one above leaving', () => {
    expect(evaluate(aSnapshot({ r: 0.5, age: 0.5 }, { volatility_gradient: 0.5 }), CURRENT)).toMatchObject({
      action: 'HOLD',
      fraction: 0,
      reason: 'no_rule_applies',
    });
  });

  it('a fraction that rounds to 0 or less is a HOLD for that reason', () => {
    // hold 4, exit 3: 0.25 + R / 20 is 0.0 at R -5 and below.
    for (const r of [-5, -5.05, -9]) {
      const snapshot = aSnapshot({ r, age: 3 }, { peak_price: 100 + r * 2 });
      expect(evaluate(snapshot, CURRENT)).toMatchObject({
        action: 'HOLD',
        fraction: 0,
        reason: 'fraction_rounds_to_zero',
        hold_score: 4,
        exit_score: 3,
      });
    }
  });

  it('SCO-11: unknown inputs score on neither side and are named', () => {
    const blind = aSnapshot({}, { regime: null, confidence_at_entry: null, volatility_gradient: null, r_history: [] });
    const { unknown, factors } = evaluate(blind, CURRENT);
    expect(unknown).toEqual(['regime', 'volatility', 'confidence']);
    expect(factors.map(({ name }) => name)).toEqual(['near_peak']);
  });

  it('guards are rules like any other: stop, take-profit, loss', () => {
    const guarded: Policy = {
      ...CURRENT,
      rules: [
        { name: 'stop_loss', when: { stop_hit: true }, action: 'CLOSE' },
        { name: 'take_profit', when: { take_profit_hit: true }, action: 'CLOSE' },
        { name: 'emergency_stop', when: { r_below: -1.5 }, action: 'CLOSE' },
      ],
    };
    expect(evaluate(aSnapshot({}, { stop_price: 101 }), guarded).reason).toBe('stop_loss');
    expect(evaluate(aSnapshot({ side: 'SHORT' }, { stop_price: 98 }), guarded).reason).toBe('stop_loss');
    expect(evaluate(aSnapshot({}, { stop_price: 99, take_profit_price: 101 }), guarded).reason).toBe('take_profit');
    expect(evaluate(aSnapshot({ side: 'SHORT' }, { take_profit_price: 99 }), guarded).reason).toBe('take_profit');
    expect(evaluate(aSnapshot({ r: -1.6 }), guarded).reason).toBe('emergency_stop');
    expect(evaluate(aSnapshot({ r: -1.5 }), guarded).action).toBe('HOLD');
  });
});

const nullable = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });

const anySnapshot: fc.Arbitrary<PositionSnapshot> = fc
  .record({
    side: fc.constantFrom('LONG' as const, 'SHORT' as const),
    r: fc.double({ min: -20, max: 20, noNaN: true }),
    age: fc.integer({ min: 0, max: 100 }),
    off: fc.double({ min: 0, max: 0.2, noNaN: true }),
    confidence: nullable(fc.double({ min: 0, max: 1, noNaN: true })),
    atEntry: nullable(fc.double({ min: 0, max: 1, noNaN: true })),
    regime: nullable(fc.constantFrom('A', 'B')),
    gradient: nullable(fc.double({ min: -1, max: 3, noNaN: true })),
    history: fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { maxLength: 5 }),
  })
  .map(({ side, r, age, off, confidence, atEntry, regime, gradient, history }) => {
    const base = aSnapshot({ side, r, age });
    return {
      ...base,
      peak_price: base.mark_price * (side === 'LONG' ? 1 + off : 1 - off),
      confidence,
      confidence_at_entry: atEntry,
      regime,
      regime_at_entry: 'A',
      volatility_gradient: gradient,
      r_history: history,
    };
  });

describe('properties of every decision', () => {
  it('SCO-10: the scores are the sums of the factors; fractions fit their action; the same input decides the same', () => {
    const hit = countedBranches({ HOLD: 10, PARTIAL_CLOSE: 10, CLOSE: 10 });
    fc.assert(
      fc.property(anySnapshot, fc.constantFrom(LEGACY, CURRENT), (snapshot, by) => {
        const decision = evaluate(snapshot, by);
        const sumOf = (side: string): number =>
          decision.factors.filter((factor) => factor.side === side).reduce((sum, { points }) => sum + points, 0);
        expect(decision.hold_score).toBe(sumOf('HOLD'));
        expect(decision.exit_score).toBe(sumOf('EXIT'));
        hit(decision.action);
        if (decision.action === 'HOLD') expect(decision.fraction).toBe(0);
        if (decision.action === 'CLOSE') expect(decision.fraction).toBe(1);
        if (decision.action === 'PARTIAL_CLOSE') {
          expect(decision.fraction).toBeGreaterThan(0);
          expect(decision.fraction).toBeLessThanOrEqual(0.75);
          expect(Math.round(decision.fraction * 100) / 100).toBe(decision.fraction);
        }
        expect(evaluate(snapshot, by)).toEqual(decision);
      }),
    );
  });

  it('SCO-13: the verdict alone is that of the decision with its factors', () => {
    fc.assert(
      fc.property(anySnapshot, fc.constantFrom(LEGACY, CURRENT), (snapshot, by) => {
        const { factors: _factors, unknown: _unknown, ...verdict } = evaluate(snapshot, by);
        expect(verdictOf(snapshot, by)).toEqual(verdict);
        expect(explainVerdict(snapshot, by, verdict)).toEqual(evaluate(snapshot, by));
        expect(scoresOf(snapshot, verdict.r, by).conditions).toEqual(scoreFactors(snapshot, verdict.r, by).conditions);
      }),
    );
  });

  it('above R 8 the current policy closes everything, whatever the scores', () => {
    const hit = countedBranches({ 'above R 8': 20 });
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        const decision = evaluate(snapshot, CURRENT);
        if (decision.r <= 8) return;
        hit('above R 8');
        expect(decision).toMatchObject({ action: 'CLOSE', fraction: 1, reason: 'emergency_profit' });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('conditions of a rule', () => {
  const decides = (when: PolicyRule['when'], snapshot: PositionSnapshot): boolean =>
    evaluate(snapshot, { ...CURRENT, rules: [{ name: 'asked', when, action: 'CLOSE' }] }).reason === 'asked';

  it('symbol: one of a list, letter by letter', () => {
    expect(decides({ symbol: ['ETHUSDT', 'BTCUSDT'] }, aSnapshot())).toBe(true);
    expect(decides({ symbol: ['ETHUSDT'] }, aSnapshot())).toBe(false);
    expect(decides({ symbol: ['btcusdt'] }, aSnapshot())).toBe(false);
  });

  it('age in minutes: above and below, neither at the limit', () => {
    const half = aSnapshot({ age: 0.5 });
    expect(decides({ age_minutes_above: 30 }, half)).toBe(false);
    expect(decides({ age_minutes_below: 30 }, half)).toBe(false);
    expect(decides({ age_minutes_above: 29.99, age_minutes_below: 30.01 }, half)).toBe(true);
  });

  it.each<readonly [side: PositionSnapshot['side'], peak: number, mark: number, share: number]>([
    ['LONG', 110, 106, 0.4],
    ['LONG', 110, 110, 0],
    ['LONG', 110, 95, 1.5],
    ['SHORT', 90, 94, 0.4],
    ['SHORT', 90, 105, 1.5],
  ])('give-back: %s from %d to %d gave back %d of its best profit', (side, peak_price, mark_price, share) => {
    const snapshot = aSnapshot({ side }, { peak_price, mark_price });
    expect(decides({ gave_back_above: share }, snapshot)).toBe(false);
    if (share > 0) expect(decides({ gave_back_above: share - 0.001 }, snapshot)).toBe(true);
  });

  it.each<readonly [side: PositionSnapshot['side'], peak: number, mark: number]>([
    ['LONG', 100, 95],
    ['LONG', 99, 95],
    ['SHORT', 100, 105],
  ])(
    'give-back: a %s that was never in profit (peak %d, mark %d) gave back nothing',
    (side, peak_price, mark_price) => {
      expect(decides({ gave_back_above: 0 }, aSnapshot({ side }, { peak_price, mark_price }))).toBe(false);
    },
  );

  it('a fraction that is always the same', () => {
    const half: Policy = { ...CURRENT, rules: [{ name: 'half', when: {}, action: 'PARTIAL_CLOSE', fraction: 0.5 }] };
    for (const r of [-3, 0.5, 9]) expect(evaluate(aSnapshot({ r }), half)).toMatchObject({ fraction: 0.5 });
    const third: Policy = { ...CURRENT, rules: [{ name: 'x', when: {}, action: 'PARTIAL_CLOSE', fraction: 1 / 3 }] };
    expect(evaluate(aSnapshot(), third)).toMatchObject({ fraction: 0.33 });
  });
});
