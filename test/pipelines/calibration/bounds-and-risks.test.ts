import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { dependenceOf } from '../../../pipelines/calibration/block-bootstrap.ts';
import {
  decisionBounds,
  largestChange,
  reasonsNotToApply,
  risksOf,
  safetyBounds,
} from '../../../pipelines/calibration/bounds-and-risks.ts';
import type { OutcomeRow } from '../../../pipelines/calibration/dataset.ts';
import { evaluateMap } from '../../../pipelines/calibration/evaluation.ts';
import type { CalibrationReport } from '../../../pipelines/calibration/report.ts';
import { emptyMatrix } from '../../../render/action-matrix.ts';
import type { PositionId } from '../../../schemas/generated/records.ts';
import { SAMPLE_REPORT } from './sample-report.ts';

/** The bounds of forecasts `after` in place of `before`, with a thin change of `moved`. */
function boundsOf(before: number, after: number, moved = 0, auc = { value: 0.7, low: 0.6, high: 0.8 }) {
  const y = Float64Array.from({ length: 2000 }, (_, at) => at % 2);
  const outOfFold = evaluateMap(
    y.map(() => before),
    y.map(() => after),
    y,
    dependenceOf({ x: y, y }),
    new SeededRandom(1),
  );
  const change = { at: 0.5, from: 0.5, to: 0.5 + moved };
  const bounds = safetyBounds({ change: { overall: change, thin: change }, outOfFold, auc, constant: 0.26 });
  return Object.fromEntries(bounds.map((bound) => [bound.name, bound]));
}

describe('safety bounds', () => {
  const y = new Float64Array(3);

  test('the largest change is over what was seen, up or down, not over the whole map', () => {
    const map = { x: [0, 0.5, 1], y: [0.4, 0.5, 0.7] };
    const found = largestChange(map, null, { x: Float64Array.of(0.5, 0.9, 0.8), y });
    expect(found.overall).toEqual({ at: 0.9, from: 0.9, to: expect.closeTo(0.66, 12) });
    expect(largestChange(map, null, { x: Float64Array.of(0.5, 0.1, 0.9), y }).overall).toMatchObject({
      at: 0.1,
      to: expect.closeTo(0.42, 12),
    });
  });

  test('the largest change is against what is in force', () => {
    const map = { x: [0, 1], y: [0.2, 0.8] };
    const inForce = { x: [0, 1], y: [0.2, 0.7] };
    expect(largestChange(map, inForce, { x: Float64Array.of(0.5, 1, 0), y }).overall).toEqual({
      at: 1,
      from: 0.7,
      to: expect.closeTo(0.8, 12),
    });
  });

  test('it is limited where fewer than 30 independent outcomes lie within 0.1, and only there', () => {
    const crowd = Array.from({ length: 40 }, (_, at) => 0.6 + at / 1000);
    const x = Float64Array.of(...crowd, 0.9);
    const map = { x: [0, 1], y: [0, 0] };
    const rows = { x, y: x };
    expect(largestChange(map, null, rows).thin).toMatchObject({ at: 0.9 });
    expect(largestChange(map, null, { x: Float64Array.from(crowd), y: x }).thin).toBeNull();
    // Half of the outcomes count as independent: thin everywhere.
    expect(largestChange(map, null, { x: Float64Array.from(crowd), y: x }, 0.5).thin).not.toBeNull();
  });

  test.each([
    [0.14, true],
    [-0.14, true],
    [0.16, false],
    [-0.16, false],
  ])('a thin change of %d: holds is %s', (moved, holds) => {
    expect(boundsOf(0.7, 0.5, moved)['largest_change']).toMatchObject({
      value: expect.closeTo(Math.abs(moved), 12),
      limit: 0.15,
      holds,
    });
  });

  test('a Brier score that gets worse holds against neither what scores today nor the constant', () => {
    expect(boundsOf(0.5, 0.7)).toMatchObject({
      brier_improvement: { holds: false, limit: 0 },
      beats_constant: { holds: false, value: expect.closeTo(0.29 - 0.26, 9) },
    });
    expect(boundsOf(0.7, 0.5)).toMatchObject({ brier_improvement: { holds: true }, beats_constant: { holds: true } });
    // The same forecast before and after gains nothing.
    expect(boundsOf(0.5, 0.5)).toMatchObject({ brier_improvement: { holds: false, value: 0 } });
  });

  test('an AUC whose interval reaches 0.5 tells nothing apart', () => {
    expect(boundsOf(0.7, 0.5, 0, { value: 0.55, low: 0.49, high: 0.61 })['tells_apart']).toMatchObject({
      holds: false,
    });
    expect(boundsOf(0.7, 0.5)['tells_apart']).toMatchObject({ holds: true, value: 0.6, limit: 0.5 });
  });
});

describe('bounds on decisions', () => {
  const flips = (patch: object) => ({
    policy: 'p',
    snapshots: 1000,
    flips: 0,
    against_direction: 0,
    factors: { before: { confidence_degraded: 100 }, after: { confidence_degraded: 90 } },
    matrix: emptyMatrix(),
    examples: [],
    ...patch,
  });
  const broken = (patch: object, neverDegraded = false) =>
    decisionBounds(flips(patch), neverDegraded)
      .filter(({ holds }) => !holds)
      .map(({ name }) => name);

  test('hold for few flips in the direction of the map', () => {
    expect(broken({ flips: 100 })).toEqual([]);
    expect(decisionBounds(null, false).every(({ holds }) => holds)).toBe(true);
  });

  test('more than a tenth of flips, one against its direction, or a factor that cannot occur any more', () => {
    expect(broken({ flips: 101 })).toEqual(['flips']);
    expect(broken({ flips: 5, against_direction: 1 })).toEqual(['flips_against_direction']);
    expect(broken({ factors: { before: { old: 12 }, after: { old: 0 } } })).toEqual(['factors_possible']);
    expect(broken({ factors: { before: { old: 9 }, after: { old: 0 } } })).toEqual([]);
    expect(broken({}, true)).toEqual(['factors_possible']);
    expect(decisionBounds(null, true).filter(({ holds }) => !holds)).toHaveLength(1);
  });
});

/** A report without risks. */
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
