import * as fc from 'fast-check';
import { BUILT_IN_POLICIES, type Policy } from '../../../pipelines/scoring/policy.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';

/** The built-in ones, and one with everything that they leave out: stops, costs, a bound below, broken points. */
const POLICIES: readonly Policy[] = [
  ...BUILT_IN_POLICIES.values(),
  ...[...BUILT_IN_POLICIES.values()].map(guarded),
  ...[...BUILT_IN_POLICIES.values()].map(keepingGains),
];

/** Rules on what was given back and on minutes, with a share that is always the same. */
function keepingGains(policy: Policy): Policy {
  return {
    ...policy,
    rules: [
      { name: 'gone', when: { gave_back_above: 1.5, age_minutes_below: 330 }, action: 'CLOSE' },
      { name: 'half', when: { gave_back_above: 0.3, age_minutes_above: 90 }, action: 'PARTIAL_CLOSE', fraction: 0.5 },
      ...policy.rules,
    ],
  };
}

function guarded(policy: Policy): Policy {
  return {
    ...policy,
    points: { ...policy.points, old: 2.5 },
    costs: { taker_fee: 0.0005, funding_per_8h: 0.003 },
    rules: [
      { name: 'stop', when: { stop_hit: true }, action: 'CLOSE' },
      { name: 'target', when: { take_profit_hit: true, r_above: 1 }, action: 'CLOSE' },
      { name: 'emergency', when: { r_below: -6.5 }, action: 'CLOSE' },
      ...policy.rules,
    ],
  };
}

const hundredths = (min: number, max: number): fc.Arbitrary<number> =>
  fc.integer({ min: min * 100, max: max * 100 }).map((n) => n / 100);

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 6 });

/** Snapshots of every kind, each with a policy. */
export const CASES = fc
  .record({
    policy: fc.constantFrom(...POLICIES),
    side: fc.constantFrom('LONG' as const, 'SHORT' as const),
    r: hundredths(-12, 14),
    age: hundredths(0, 10),
    off: fc.constantFrom(0, 0.005, 0.0199, 0.03),
    overrides: fc.record({
      regime: maybe(fc.constantFrom('TREND_UP', 'RANGE')),
      confidence: maybe(hundredths(0, 1)),
      volatility_gradient: maybe(hundredths(-1, 1)),
      r_history: fc.array(hundredths(-3, 3), { maxLength: 4 }),
      stop_price: maybe(hundredths(80, 120)),
      take_profit_price: maybe(hundredths(80, 140)),
    }),
  })
  .map(({ policy, side, r, age, off, overrides }) => ({
    policy,
    snapshot: atMark(aSnapshot({ side, age }, overrides), markAt(side, r), off),
  }));

/** Before costs. */
export function markAt(side: PositionSnapshot['side'], r: number): number {
  return side === 'LONG' ? 100 + 2 * r : 100 - 2 * r;
}

/** So far off its peak. */
export function atMark(snapshot: PositionSnapshot, mark_price: number, off: number): PositionSnapshot {
  return { ...snapshot, mark_price, peak_price: mark_price / (snapshot.side === 'LONG' ? 1 - off : 1 + off) };
}

export function offPeak({ side, mark_price, peak_price }: PositionSnapshot): number {
  return side === 'LONG' ? 1 - mark_price / peak_price : mark_price / peak_price - 1;
}
