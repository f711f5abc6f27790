import { describe, expect, test } from 'vitest';
import { reasonsNotToApply, risksOf } from '../../../pipelines/calibration/advice.ts';
import type { OutcomeRow } from '../../../pipelines/calibration/dataset.ts';
import type { CalibrationReport } from '../../../pipelines/calibration/report.ts';
import type { PositionId } from '../../../schemas/generated/records.ts';
import { SAMPLE_REPORT } from './report/sample-report.ts';

/** Nothing to warn of. */
const SOUND: CalibrationReport = {
  ...SAMPLE_REPORT,
  counts: { ...SAMPLE_REPORT.counts, final: 1200, usable: 1200 },
  slices: [{ by: 'symbol', name: 'BTCUSDT', n: 300, wins: 150, confidence: 0.7 }],
  observed: { low: 0, high: 1 },
  detectable: { n: 1200, gap: 0.04, found: 0.2 },
  out_of_fold: {
    ...SAMPLE_REPORT.out_of_fold,
    scores: SAMPLE_REPORT.out_of_fold.scores.map((score) => ({
      ...score,
      change_interval: { low: -0.05, high: -0.01 },
    })),
  },
};

function row(index: number, patch: Partial<OutcomeRow> = {}): OutcomeRow {
  return {
    position_id: `p${index}` as PositionId,
    symbol: 'BTCUSDT',
    side: 'LONG',
    model_id: 'm',
    confidence: 0.7,
    label: 'WIN',
    pnl_percent: 2,
    entry_price: 100 + index,
    exit_price: 102,
    opened_at: 0,
    closed_at: index * 1000,
    exit_reasons: ['x'],
    excluded: null,
    slices: [`t${index}`],
    partition: 0,
    offset: index,
    ...patch,
  };
}

describe('risks', () => {
  test('a sound proposal has none', () => {
    expect(risksOf(SOUND, [row(0), row(1)], 0)).toEqual([]);
  });

  test.each<[string, Partial<CalibrationReport>]>([
    ['Only 199 usable outcomes', { counts: { ...SOUND.counts, usable: 199, final: 199 }, slices: [] }],
    [
      '75.0 % of the outcomes are of BTCUSDT',
      { slices: [{ by: 'symbol', name: 'BTCUSDT', n: 900, wins: 1, confidence: 0.7 }] },
    ],
    ['40.0 % of the FINAL outcomes are left out', { counts: { ...SOUND.counts, final: 2000 } }],
    ['reaches 0', { out_of_fold: reaching0() }],
    ['below what 1200 outcomes can show', { detectable: { n: 1200, gap: 0.04, found: -0.03 } }],
    ['has steps', { method: 'isotonic' }],
    ['below 0.6 or above 1', { observed: { low: 0.6, high: 1 } }],
  ])('%s', (text, patch) => {
    const risks = risksOf({ ...SOUND, ...patch }, [row(0)], 0);
    expect(risks).toHaveLength(1);
    expect(risks[0]).toContain(text);
  });

  test('rows that look alike within 50 ms, and records that do not decode', () => {
    const alike = [row(0), row(1, { entry_price: 100, closed_at: 50 }), row(2, { entry_price: 100, closed_at: 101 })];
    expect(risksOf(SOUND, alike, 3)).toEqual([
      expect.stringContaining('1 outcomes repeat'),
      expect.stringContaining('3 records'),
    ]);
  });
});

describe('reasons not to apply it', () => {
  test('name the time the outcomes are from, and every broken bound', () => {
    const bounds = SOUND.bounds.map((bound) => ({ ...bound, holds: bound.name !== 'brier_improvement' }));
    const reasons = reasonsNotToApply({ ...SOUND, bounds }, [row(0), row(9)]);
    expect(reasons[0]).toContain(bounds.find(({ holds }) => !holds)?.rule);
    expect(reasons.join(' ')).toContain('1970-01-01T00:00:00.000Z to 1970-01-01T00:00:09.000Z');
  });

  test('identity gains nothing', () => {
    expect(reasonsNotToApply({ ...SOUND, method: 'identity' }, [])[0]).toContain('Nothing to gain');
  });
});

function reaching0(): CalibrationReport['out_of_fold'] {
  const scores = SOUND.out_of_fold.scores.map((score) => ({ ...score, change_interval: { low: -0.05, high: 0 } }));
  return { ...SOUND.out_of_fold, scores };
}
