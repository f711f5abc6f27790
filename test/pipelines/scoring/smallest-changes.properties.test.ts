import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import type { Policy } from '../../../pipelines/scoring/policy.ts';
import { smallestChanges } from '../../../pipelines/scoring/smallest-changes.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { CASES, atMark, markAt, offPeak } from './decision-cases.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Entry 100 and 2 of risk a contract: marks are positive from here on for LONG, up to here for SHORT. Unit: R. */
const R_AT_NOTHING = 50;

/** Every value of one input in small steps, as the snapshot looks with it. */
type Scan = (snapshot: PositionSnapshot) => readonly (readonly [number, PositionSnapshot])[];

function steps(from: number, to: number, step: number): readonly number[] {
  return Array.from({ length: Math.round((to - from) / step) + 1 }, (_, n) => from + n * step);
}

/** Off the hundredths, so that rounding decides nothing. */
const SCANS: Readonly<Record<string, Scan>> = {
  confidence: (snapshot) => steps(0.0005, 0.9995, 0.001).map((confidence) => [confidence, { ...snapshot, confidence }]),
  volatility: (snapshot) =>
    steps(-1.0005, 1, 0.002).map((volatility_gradient) => [volatility_gradient, { ...snapshot, volatility_gradient }]),
  momentum: (snapshot) =>
    steps(-3.0005, 3, 0.01).map((momentum) => [momentum, { ...snapshot, r_history: [0, momentum, 2 * momentum] }]),
  age_hours: (snapshot) =>
    steps(0.003, 30, 0.01).map((age) => [age, { ...snapshot, observed_at: snapshot.opened_at + age * HOUR_MS }]),
  off_peak: (snapshot) => steps(0.00005, 0.1, 0.0005).map((off) => [off, atMark(snapshot, snapshot.mark_price, off)]),
  gave_back: (snapshot) =>
    steps(-0.0005, 3, 0.002).flatMap((share): ReturnType<Scan> => {
      const peak_price = (snapshot.mark_price - share * snapshot.entry_price) / (1 - share);
      const best = snapshot.side === 'LONG' ? peak_price - snapshot.entry_price : snapshot.entry_price - peak_price;
      const isPeak = snapshot.side === 'LONG' ? peak_price >= snapshot.mark_price : peak_price <= snapshot.mark_price;
      // At the entry all is given back, wherever the peak was.
      const moves = snapshot.mark_price !== snapshot.entry_price;
      return moves && best > 0 && isPeak && peak_price > 0 ? [[share, { ...snapshot, peak_price }]] : [];
    }),
  stop_price: (snapshot) => steps(70.003, 130, 0.02).map((stop_price) => [stop_price, { ...snapshot, stop_price }]),
  take_profit_price: (snapshot) =>
    steps(70.003, 130, 0.02).map((take_profit_price) => [take_profit_price, { ...snapshot, take_profit_price }]),
};

/** By the mark, in steps of a hundredth of R before costs. */
const scanR = (snapshot: PositionSnapshot, policy: Policy): readonly (readonly [number, PositionSnapshot])[] =>
  steps(-20.003, 20, 0.01)
    .filter((r) => (snapshot.side === 'LONG' ? r > -R_AT_NOTHING : r < R_AT_NOTHING))
    .map((before) => atMark(snapshot, markAt(snapshot.side, before), offPeak(snapshot)))
    .map((changed) => [evaluate(changed, policy).r, changed]);

/** How near to an edge a change is offered, and a little for doubles. Unit: that of the input. */
const BEYOND: Readonly<Record<string, number>> = {
  r: 0.0101,
  confidence: 0.00101,
  volatility: 0.00101,
  momentum: 0.00101,
  age_hours: 0.0101,
  off_peak: 0.000101,
  gave_back: 0.00101,
  // A ten-thousandth of the mark.
  stop_price: 0.0131,
  take_profit_price: 0.0131,
};

function scanOf(input: string, snapshot: PositionSnapshot, policy: Policy): ReturnType<Scan> {
  // Where no rule asks for it, the same change is called off_peak.
  if (input === 'gave_back' && !policy.rules.some(({ when }) => when.gave_back_above !== undefined)) return [];
  return input === 'r' ? scanR(snapshot, policy) : (SCANS[input]?.(snapshot) ?? []);
}

function valueNow(input: string, snapshot: PositionSnapshot, policy: Policy): number | null {
  const { r_history: history } = snapshot;
  const [third, , last] = history.slice(-3);
  const now: Readonly<Record<string, number | null>> = {
    r: evaluate(snapshot, policy).r,
    confidence: snapshot.confidence,
    volatility: snapshot.volatility_gradient,
    momentum: third === undefined || last === undefined ? null : (last - third) / 2,
    age_hours: (snapshot.observed_at - snapshot.opened_at) / HOUR_MS,
    off_peak: offPeak(snapshot),
    gave_back: gaveBack(snapshot),
    stop_price: snapshot.stop_price,
    take_profit_price: snapshot.take_profit_price,
  };
  return now[input] ?? null;
}

function gaveBack({ side, entry_price: entry, peak_price: peak, mark_price: mark }: PositionSnapshot): number | null {
  const best = side === 'LONG' ? peak - entry : entry - peak;
  return best > 0 ? Math.abs(peak - mark) / best : null;
}

describe('the smallest change against every value in small steps', () => {
  it.each(Object.keys(BEYOND))('SCO-14: %s: none that is nearer, none that is missed', (input) => {
    const hit = countedBranches({ offered: 6, 'offered from a value': 3 });
    let scanned = 0;
    fc.assert(
      fc.property(CASES, ({ policy, snapshot }) => {
        const { action: now } = evaluate(snapshot, policy);
        const change = smallestChanges(snapshot, policy).find((one) => one.input === input);
        const from = valueNow(input, snapshot, policy);
        const flips = scanOf(input, snapshot, policy).filter(([, changed]) => evaluate(changed, policy).action !== now);
        scanned += flips.length;
        if (change === undefined) {
          expect(flips.map(([to]) => to)).toEqual([]);
          return;
        }
        hit('offered');
        expect(change.action).not.toBe(now);
        if (from === null) return;
        hit('offered from a value');
        expect(change.from).toBeCloseTo(from, 9);
        const nearest = Math.min(...flips.map(([to]) => Math.abs(to - from)));
        expect(Math.abs(Number(change.to) - from)).toBeLessThanOrEqual(nearest + (BEYOND[input] ?? 0));
      }),
      { numRuns: 300 },
    );
    // A property over nothing would hold as well.
    expect(scanned).toBeGreaterThan(100);
  });

  it('what is offered for R does flip a snapshot whose mark gives that R', () => {
    const hit = countedBranches({ offered: 20 });
    fc.assert(
      fc.property(CASES, ({ policy, snapshot }) => {
        const change = smallestChanges(snapshot, policy).find(({ input }) => input === 'r');
        if (change === undefined || policy.costs !== null) return;
        hit('offered');
        const mark = markAt(snapshot.side, Number(change.to));
        // At an edge itself the last digit decides.
        const beside = [-1e-9, 0, 1e-9].map((by) => atMark(snapshot, mark * (1 + by), offPeak(snapshot)));
        expect(beside.map((one) => evaluate(one, policy).action)).toContain(change.action);
      }),
      { numRuns: 300 },
    );
  });
});
