import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadPolicy } from '../../../cli/options/policy-options.ts';
import { policyLines } from '../../../pipelines/scoring/policy-view.ts';

describe('a policy for people', () => {
  it('shows factors, rungs and rules in words, in order', () => {
    const lines = policyLines(loadPolicy('2026-02-07')).map((line) =>
      stripVTControlCharacters(line).replaceAll(/ {2,}/g, ' | '),
    );
    expect(lines).toEqual(
      expect.arrayContaining([
        'old | exit | 3 | age > 6 h and R < 5',
        'confidence_degraded | exit | 4 | confidence < entry - 0.15',
        'R > 8 | 6',
        '2 | thesis_broken | CLOSE when exit > hold + 2, and regime_changed or confidence_degraded',
        '3 | strong_exit | PARTIAL_CLOSE min(0.75, exit / 12) when exit > hold + 2',
        'R before costs; risk from the stop at opening, else 2 % of entry',
      ]),
    );
    const rules = lines.filter((line) => /^\d \| /.test(line)).map((line) => line.split(' | ')[1]);
    expect(rules).toEqual(['emergency_profit', 'thesis_broken', 'strong_exit', 'moderate_exit']);
  });

  it('has words for every condition and setting of a policy', () => {
    const when = { r_below: -1.5, exit_at_least_hold_plus: 0, stop_hit: true, take_profit_hit: true } as const;
    const text = policyLines({
      ...loadPolicy('legacy'),
      profit_rungs: [],
      costs: { taker_fee: 0.0005, funding_per_8h: 0.0001 },
      rules: [
        { name: 'guard', when, action: 'CLOSE' },
        { name: 'rest', when: {}, action: 'CLOSE' },
      ],
    }).join('\n');
    expect(text).toContain('CLOSE when R < -1.5, and exit >= hold, and the stop is hit, and the take profit is hit');
    expect(text).toContain('CLOSE always');
    expect(text).toContain('no profit rungs');
    expect(text).toContain('R after 0.05 % fee a side and 0.01 % funding every 8 h');
  });

  it('shows symbols, ages, what was given back, and a share that is always the same', () => {
    const when = { symbol: ['BTCUSDT', 'ETHUSDT'], age_minutes_above: 30, age_minutes_below: 90, gave_back_above: 0.4 };
    const rule = { name: 'half', when, action: 'PARTIAL_CLOSE', fraction: 0.5 } as const;
    expect(policyLines({ ...loadPolicy('2026-02-07'), rules: [rule] }).join('\n')).toContain(
      'PARTIAL_CLOSE 50 % when symbol is BTCUSDT or ETHUSDT, and age > 30 min, and age < 90 min, and gave back > 40 % of its best profit',
    );
  });
});
