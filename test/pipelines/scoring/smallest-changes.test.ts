import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { BUILT_IN_POLICIES, type Policy } from '../../../pipelines/scoring/policy.ts';
import { smallestChanges } from '../../../pipelines/scoring/smallest-changes.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const HOUR_MS = 60 * 60 * 1000;

function policy(id: string): Policy {
  const found = BUILT_IN_POLICIES.get(id);
  if (found === undefined) throw new Error(`no policy ${id}`);
  return found;
}

/** Three hours old, at R 2.5 and its peak, expanding, nothing else of note: 2026-02-07 holds it 5 to 1. */
const HELD: PositionSnapshot = {
  ...GOOD_RECORDS[TOPICS.positionSnapshot.name],
  opened_at: 1_770_000_000_000,
  observed_at: 1_770_000_000_000 + 3 * HOUR_MS,
  entry_price: 100,
  initial_stop_price: 98,
  mark_price: 105,
  peak_price: 105,
  confidence_at_entry: 0.62,
  confidence: 0.62,
  regime_at_entry: 'trend',
  regime: 'trend',
  volatility_gradient: 0.5,
  r_history: [2.5],
};

describe('the smallest change of one input', () => {
  it('2026-02-07: a table of all', () => {
    expect(smallestChanges(HELD, policy('2026-02-07'))).toEqual([
      { input: 'confidence', from: 0.62, to: 0.469, action: 'PARTIAL_CLOSE', reason: 'moderate_exit' },
      { input: 'age_hours', from: 3, to: 6.01, action: 'PARTIAL_CLOSE', reason: 'moderate_exit' },
      { input: 'r', from: 2.5, to: 5.01, action: 'PARTIAL_CLOSE', reason: 'moderate_exit' },
      { input: 'volatility', from: 0.5, to: 0.1, action: 'PARTIAL_CLOSE', reason: 'moderate_exit' },
      { input: 'off_peak', from: 0, to: 0.0201, action: 'PARTIAL_CLOSE', reason: 'moderate_exit' },
      { input: 'regime', from: 'trend', to: 'another', action: 'CLOSE', reason: 'thesis_broken' },
    ]);
  });

  it('legacy: no single input would have let go of the winner that it held whatever it won', () => {
    const winner = { ...HELD, mark_price: 121, peak_price: 121 };
    expect(evaluate(winner, policy('legacy'))).toMatchObject({ action: 'HOLD', hold_score: 9, exit_score: 1 });
    expect(smallestChanges(winner, policy('legacy'))).toEqual([]);
  });

  it('legacy: no R would have done it, another regime would', () => {
    const winner = { ...HELD, mark_price: 121, peak_price: 121, confidence: null, volatility_gradient: null };
    expect(smallestChanges(winner, policy('legacy')).map(({ input }) => input)).toEqual(['regime']);
  });

  it('momentum, by the R before the last two; a short history may become a long one', () => {
    const even = { ...HELD, volatility_gradient: 0.05, r_history: [2.1, 2.3, 2.5] };
    const { action } = evaluate(even, policy('2026-02-07'));
    const change = smallestChanges(even, policy('2026-02-07')).find(({ input }) => input === 'momentum');
    expect(action).toBe('PARTIAL_CLOSE');
    expect(change).toMatchObject({ action: 'HOLD', reason: 'no_rule_applies' });
    expect(change?.from).toBeCloseTo(0.2);
    expect(change?.to).toBeCloseTo(0.301);
    const short = smallestChanges({ ...even, r_history: [2.5] }, policy('2026-02-07'));
    expect(short.find(({ input }) => input === 'momentum')).toMatchObject({ from: null, action: 'HOLD' });
  });

  it('stop and take profit where a rule asks for them, and R up to them', () => {
    const rules: Policy['rules'] = [
      { name: 'stopped', when: { stop_hit: true }, action: 'CLOSE' },
      { name: 'taken', when: { take_profit_hit: true }, action: 'CLOSE' },
    ];
    const guarded = { ...policy('2026-02-07'), rules };
    const prices = { ...HELD, stop_price: 103, take_profit_price: 110 };
    expect(smallestChanges(prices, guarded)).toEqual([
      { input: 'stop_price', from: 103, to: 105, action: 'CLOSE', reason: 'stopped' },
      { input: 'take_profit_price', from: 110, to: 105, action: 'CLOSE', reason: 'taken' },
      { input: 'r', from: 2.5, to: 1.5, action: 'CLOSE', reason: 'stopped' },
    ]);
    const inputs = smallestChanges(prices, policy('2026-02-07')).map(({ input }) => input);
    expect(inputs).toContain('r');
    expect(inputs).not.toContain('stop_price');
    expect(inputs).not.toContain('take_profit_price');
  });

  it('R at which a graded fraction rounds to nothing, though every score stays', () => {
    // 0.25 + R / 20 + 0.1 for one point over hold: 0.005, the least that is a hundredth, at R -6.9.
    const losing = {
      ...HELD,
      mark_price: 94,
      peak_price: 94,
      volatility_gradient: 0.05,
      regime: null,
      r_history: [-3],
    };
    const change = smallestChanges(losing, policy('2026-02-07')).find(({ input }) => input === 'r');
    expect(evaluate(losing, policy('2026-02-07')).reason).toBe('moderate_exit');
    expect(change).toMatchObject({ action: 'HOLD', reason: 'fraction_rounds_to_zero' });
    expect(change?.to).toBeCloseTo(-6.91, 9);
  });

  it('R moves with its distance from the peak, for SHORT too', () => {
    const short: PositionSnapshot = { ...HELD, side: 'SHORT', mark_price: 95, peak_price: 94, initial_stop_price: 102 };
    const change = smallestChanges(short, policy('2026-02-07')).find(({ input }) => input === 'r');
    expect(change).toMatchObject({ from: 2.5, to: 5.01, action: 'PARTIAL_CLOSE', reason: 'moderate_exit' });
  });

  it('an unknown input may become known; without its value at entry it cannot speak', () => {
    const unknown = { ...HELD, regime: null, confidence: null, confidence_at_entry: null };
    const changes = smallestChanges(unknown, policy('2026-02-07'));
    expect(changes.find(({ input }) => input === 'regime')).toMatchObject({ from: null, to: 'trend', action: 'HOLD' });
    expect(changes.map(({ input }) => input)).not.toContain('confidence');
  });

  it('costs: R after them', () => {
    const costly = { ...policy('2026-02-07'), costs: { taker_fee: 0.0005, funding_per_8h: 0.0001 } };
    const change = smallestChanges(HELD, costly).find(({ input }) => input === 'r');
    expect(change).toMatchObject({ to: 5.01, reason: 'moderate_exit' });
    expect(change?.from).toBeLessThan(2.5);
  });

  it('what was given back and minutes, where rules ask for them', () => {
    const rules: Policy['rules'] = [
      { name: 'gains', when: { gave_back_above: 0.4 }, action: 'PARTIAL_CLOSE', fraction: 0.5 },
      { name: 'stale', when: { age_minutes_above: 240 }, action: 'CLOSE' },
    ];
    const changes = smallestChanges({ ...HELD, peak_price: 108 }, { ...policy('2026-02-07'), rules });
    expect(changes.map(({ input, action, reason }) => [input, action, reason])).toEqual([
      ['gave_back', 'PARTIAL_CLOSE', 'gains'],
      ['off_peak', 'PARTIAL_CLOSE', 'gains'],
      ['r', 'PARTIAL_CLOSE', 'gains'],
      ['age_hours', 'CLOSE', 'stale'],
    ]);
    expect(changes[0]?.from).toBeCloseTo(0.375);
    expect(changes[0]?.to).toBeCloseTo(0.401);
    expect(changes[3]?.to).toBeCloseTo(4.01);
  });
});
