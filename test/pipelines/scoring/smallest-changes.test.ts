import { describe, expect, it } from 'vitest';
import { BUILT_IN_POLICIES, type Policy } from '../../../pipelines/scoring/policy.ts';
import { smallestChanges } from '../../../pipelines/scoring/smallest-changes.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../schemas/good-records.ts';

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
      { input: 'volatility', from: 0.5, to: 0.099, action: 'PARTIAL_CLOSE', reason: 'moderate_exit' },
      { input: 'age_hours', from: 3, to: 6.01, action: 'PARTIAL_CLOSE', reason: 'moderate_exit' },
      { input: 'r', from: 2.5, to: 5.01, action: 'PARTIAL_CLOSE', reason: 'moderate_exit' },
      { input: 'off_peak', from: 0, to: 0.0201, action: 'PARTIAL_CLOSE', reason: 'moderate_exit' },
      { input: 'regime', from: 'trend', to: 'another', action: 'CLOSE', reason: 'thesis_broken' },
    ]);
  });

  it('legacy: what once held a winner whatever it won', () => {
    const changes = smallestChanges({ ...HELD, mark_price: 121, peak_price: 121 }, policy('legacy'));
    expect(changes.map(({ input }) => input)).not.toContain('r');
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
});
