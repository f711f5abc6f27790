import { describe, expect, test } from 'vitest';
import {
  CONFIDENCE_BINS,
  type WindowFigures,
  calibrationAlert,
  calibrationWatch,
  emptyFigures,
} from '../../../pipelines/status/calibration-watch.ts';

const SUBJECT = { model_id: 'm', version: 'cal-1', since: 1000 };

/** Positions at each of some confidences. */
function confidences(...values: readonly number[]): Uint32Array {
  const bins = new Uint32Array(CONFIDENCE_BINS);
  for (const value of values) {
    const bin = Math.floor(value * CONFIDENCE_BINS);
    bins[bin] = (bins[bin] ?? 0) + 20;
  }
  return bins;
}

/** 100 outcomes won as often as the mapped confidence says, a HOLD in three of ten. */
function figures(patch: Partial<WindowFigures> = {}): WindowFigures {
  const base = { wins: 60, losses: 40, rawSum: 80, mappedSum: 60, snapshots: 1000, intents: 700 };
  return { ...emptyFigures(), ...base, confidences: confidences(0.6, 0.7, 0.8), ...patch };
}

function verdict(after: Partial<WindowFigures>, before: Partial<WindowFigures> = {}) {
  return calibrationWatch(SUBJECT, figures(before), figures(after));
}

describe('the verdict', () => {
  test('without an intent that names the version: not used yet', () => {
    const watch = calibrationWatch({ ...SUBJECT, since: null }, emptyFigures(), emptyFigures());
    expect(watch).toMatchObject({ verdict: 'not_used_yet', win_rate: { before: null, after: null, difference: null } });
    expect(watch.confidence).toEqual({ before: null, after: null, ks: null, ks_critical: null });
  });

  test('with 29 outcomes too early, with 30 not', () => {
    expect(verdict({ wins: 17, losses: 12, rawSum: 23, mappedSum: 17 }).verdict).toBe('too_early');
    expect(verdict({ wins: 18, losses: 12, rawSum: 24, mappedSum: 18 }).verdict).toBe('steady');
  });

  test('the same as before is steady', () => {
    expect(verdict({})).toMatchObject({ verdict: 'steady', hold_rate: { difference: { value: 0 } } });
  });

  test('a HOLD rate that moved by ten points is a change; by two it is not', () => {
    expect(verdict({ intents: 600 })).toMatchObject({
      verdict: 'changed',
      reasons: [expect.stringContaining('30.0 % to 40.0 %')],
    });
    expect(verdict({ intents: 680 }).verdict).toBe('steady');
  });

  test('a change beyond its interval but below five points is named as a reason, and the verdict stays steady', () => {
    const { verdict: found, reasons } = verdict(
      { snapshots: 10_000, intents: 6700 },
      { snapshots: 10_000, intents: 7000 },
    );
    expect(found).toBe('steady');
    expect(reasons).toEqual([expect.stringContaining('30.0 % to 33.0 %')]);
  });

  test('a factor that no intent names any more is a change, also where the HOLD rate stands', () => {
    const {
      verdict: found,
      reasons,
      factor_rates,
    } = verdict(
      { factors: new Map([['confidence_intact', 700]]) },
      {
        factors: new Map([
          ['confidence_intact', 650],
          ['confidence_degraded', 50],
        ]),
      },
    );
    expect(found).toBe('changed');
    expect(reasons).toContainEqual(expect.stringMatching(/confidence_degraded .*50/));
    expect(factor_rates['confidence_degraded']).toMatchObject({ mentions: { before: 50, after: 0 } });
  });

  test('a KS distance above its critical value is never steady', () => {
    const before = new Uint32Array(CONFIDENCE_BINS);
    const after = new Uint32Array(CONFIDENCE_BINS);
    [before[600], before[700], after[600], after[700]] = [250, 250, 163, 337];
    const { verdict: found, confidence } = verdict({ confidences: after }, { confidences: before });
    expect([confidence.ks, confidence.ks_critical]).toEqual([expect.closeTo(0.174, 3), expect.closeTo(0.086, 3)]);
    expect(found).toBe('changed');
  });

  test('another distribution of confidence is a change', () => {
    const { verdict: found, confidence } = verdict({ confidences: confidences(0.9, 0.92, 0.94) });
    expect(found).toBe('changed');
    expect(confidence.ks).toBe(1);
    expect(confidence.after?.median).toBeCloseTo(0.92, 2);
  });

  test('a win rate that fell by more than chance calls for a rollback, with an alert that says how', () => {
    const watch = verdict({ wins: 35, losses: 65, rawSum: 80, mappedSum: 60 });
    expect(watch.verdict).toBe('think_of_rollback');
    expect(calibrationAlert(watch)).toMatchObject({ name: 'calibration_worse', since: 1000 });
    expect(calibrationAlert(watch)?.next.commands).toEqual([
      { words: 'calibrate rollback', args: ['cal-1', '--by', 'NAME', '--reason', 'TEXT'] },
    ]);
  });

  test('raw confidence that is true where the mapped one is not calls for a rollback', () => {
    const watch = verdict({ wins: 80, losses: 20, rawSum: 80, mappedSum: 60 }, { wins: 80, losses: 20 });
    expect(watch).toMatchObject({ verdict: 'think_of_rollback', reasons: [expect.stringContaining('Raw confidence')] });
  });

  test('with no win rate before there is nothing to call steady', () => {
    expect(verdict({}, { wins: 0, losses: 0 })).toMatchObject({ verdict: 'too_early', win_rate: { difference: null } });
  });

  test('anything less raises no alert', () => {
    expect(calibrationAlert(verdict({ intents: 600 }))).toBeNull();
  });
});

test('quartiles come from the positions counted', () => {
  const { confidence } = verdict({ confidences: confidences(0.1, 0.2, 0.3, 0.4) });
  expect(confidence.after).toMatchObject({ n: 80, q1: 0.1005, median: 0.2005, q3: 0.3005 });
  expect(confidence.after?.mean).toBeCloseTo(0.2505, 4);
});
