import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecisionEffect } from '../../../pipelines/calibration/decision-effect.ts';
import { asJudgedBy, degradedBelow, whyNeverDegraded } from '../../../pipelines/scoring/confidence-map.ts';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { defaultPolicy, parsePolicy } from '../../../pipelines/scoring/policy.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { onCalibrated } from '../../fixtures/policies.ts';

const CASE = new URL('../calibration/cases/map-mutes-an-exit-factor/', import.meta.url);
const MAP = JSON.parse(readFileSync(new URL('map.json', CASE), 'utf8')) as { x: number[]; y: number[] };
const SNAPSHOTS = readFileSync(new URL('snapshots.ndjson', CASE), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as PositionSnapshot);

describe('case map-mutes-an-exit-factor', () => {
  test('SCO-6: both positions stay CLOSE thesis_broken with the map in force', () => {
    for (const snapshot of SNAPSHOTS) {
      const said = evaluate(snapshot, defaultPolicy());
      expect(said).toMatchObject({ action: 'CLOSE', reason: 'thesis_broken', hold_score: 3, exit_score: 7 });
      expect(evaluate(asJudgedBy(defaultPolicy(), snapshot, MAP), defaultPolicy())).toEqual(said);
    }
  });

  test('a map mutes a policy that judges mapped confidence, and flips, factor counts and policy check show it', () => {
    const policy = onCalibrated(defaultPolicy());
    const effect = new DecisionEffect(policy, null, MAP);
    SNAPSHOTS.forEach((snapshot, offset) => effect.add(snapshot, { partition: 0, offset }));
    expect(effect.result()).toMatchObject({
      flips: 2,
      against_direction: 0,
      matrix: { CLOSE: { PARTIAL_CLOSE: 2 } },
      factors: { before: { confidence_degraded: 2 }, after: { confidence_degraded: 0, confidence_intact: 2 } },
    });
    expect(whyNeverDegraded(policy, MAP)).toContain('0.547 to 0.694');
    expect(whyNeverDegraded(defaultPolicy(), MAP)).toBeNull();
  });
});

describe('scales of degradation', () => {
  const limits = defaultPolicy().thresholds;

  test('raw is a difference of probabilities; log-odds as computed by hand', () => {
    expect(degradedBelow(0.7, limits)).toBe(0.7 - 0.15);
    // Odds of 9 to 1, divided by e.
    expect(degradedBelow(0.9, { degraded_by: 1, degraded_on: 'log_odds' })).toBeCloseTo(
      9 / Math.E / (1 + 9 / Math.E),
      12,
    );
    for (const certain of [0, 1])
      expect(Number.isFinite(degradedBelow(certain, { degraded_by: 1, degraded_on: 'log_odds' }))).toBe(true);
  });

  test('SCO-6: on raw and on log-odds no map changes a decision', () => {
    const probability = fc.double({ min: 0, max: 1, noNaN: true });
    const scales = fc.constantFrom('raw' as const, 'log_odds' as const, undefined);
    fc.assert(
      fc.property(probability, probability, probability, probability, scales, (entry, now, low, high, degraded_on) => {
        const policy = { ...defaultPolicy(), thresholds: { ...limits, degraded_on } };
        const snapshot = aSnapshot({ r: 3 }, { confidence_at_entry: entry, confidence: now });
        const map = { x: [0, 1], y: [low, high] };
        expect(evaluate(asJudgedBy(policy, snapshot, map), policy)).toEqual(evaluate(snapshot, policy));
      }),
    );
  });

  test('a drop beyond 1 is a drop of log-odds, or refused', () => {
    const withDrop = (more: object) => ({ ...defaultPolicy(), thresholds: { ...limits, degraded_by: 1.5, ...more } });
    expect(() => parsePolicy(withDrop({}), 'mine.json')).toThrow(/degraded_by/);
    expect(() => parsePolicy(withDrop({ degraded_on: 'calibrated' }), 'mine.json')).toThrow(/degraded_by/);
    expect(parsePolicy(withDrop({ degraded_on: 'log_odds' }), 'mine.json').thresholds.degraded_by).toBe(1.5);
  });
});
