import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditIntent } from '../../../pipelines/replay/audit-intent.ts';
import { calibrated } from '../../../pipelines/scoring/confidence-map.ts';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { intentOf } from '../../../pipelines/scoring/scoring-processor.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import type { HarvestIntent } from '../../../schemas/generated/records.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { CURRENT_POLICY, LEGACY_POLICY, onCalibrated } from '../../fixtures/policies.ts';

const AT: LogRecord = {
  topic: 'position.snapshot',
  partition: 0,
  offset: 7,
  timestamp: 0,
  key: null,
  value: null,
  headers: [],
};
const SNAPSHOT = aSnapshot({ r: 5.33 });

function anIntent(overrides: Partial<HarvestIntent> = {}): HarvestIntent {
  const intent = intentOf(SNAPSHOT, evaluate(SNAPSHOT, CURRENT_POLICY), AT);
  if (intent === null) throw new Error('the snapshot is held');
  return { ...intent, ...overrides };
}

describe('auditIntent', () => {
  it('finds nothing in what scoring wrote', () => {
    expect(auditIntent(anIntent(), SNAPSHOT, CURRENT_POLICY, null)).toEqual([]);
  });

  it.each<[Partial<HarvestIntent>, string, unknown, unknown]>([
    [{ action: 'CLOSE' }, 'action', 'CLOSE', 'PARTIAL_CLOSE'],
    [{ fraction: 0.59 }, 'fraction', 0.59, 0.58],
    [{ reason: 'other' }, 'reason', 'other', 'strong_exit'],
    [{ hold_score: 5 }, 'hold_score', 5, 4],
    [{ exit_score: 8 }, 'exit_score', 8, 7],
    [{ unknown: ['regime'] }, 'unknown[0]', 'regime', null],
    [{ entry_price: 101 }, 'entry_price', 101, 100],
    [{ confidence: null }, 'confidence', null, 0.7],
    [{ symbol: 'ETHUSDT' }, 'symbol', 'ETHUSDT', 'BTCUSDT'],
  ])('RPL-1: %j is named', (altered, path, recorded, recomputed) => {
    expect(auditIntent(anIntent(altered), SNAPSHOT, CURRENT_POLICY, null)).toEqual([{ path, recorded, recomputed }]);
  });

  it('RPL-1: the last digit of r counts', () => {
    const { r } = anIntent();
    const differences = auditIntent(anIntent({ r: r + 1e-15 * Math.abs(r) * 2 }), SNAPSHOT, CURRENT_POLICY, null);
    expect(differences).toMatchObject([{ path: 'r', recomputed: r }]);
  });

  it('RPL-1: any change of any factor is named by its path, a missing and an added one too', () => {
    const { factors } = anIntent();
    fc.assert(
      fc.property(
        fc.nat({ max: factors.length - 1 }),
        fc.constantFrom('name', 'side', 'points', 'value', 'threshold'),
        (index, field) => {
          const altered = factors.map((factor, at) => (at === index ? { ...factor, [field]: 'altered' } : factor));
          const found = auditIntent(anIntent({ factors: altered }), SNAPSHOT, CURRENT_POLICY, null);
          expect(found).toMatchObject([{ path: `factors[${index}].${field}`, recorded: 'altered' }]);
        },
      ),
    );
    const last = factors.length - 1;
    expect(auditIntent(anIntent({ factors: factors.slice(0, last) }), SNAPSHOT, CURRENT_POLICY, null)).toEqual([
      { path: `factors[${last}]`, recorded: null, recomputed: factors[last] },
    ]);
    const more = [...factors, { name: 'old', side: 'EXIT' as const, points: 3, value: 7, threshold: 6 }];
    expect(auditIntent(anIntent({ factors: more }), SNAPSHOT, CURRENT_POLICY, null)).toMatchObject([
      { path: `factors[${last + 1}]`, recomputed: null },
    ]);
  });

  it('RPL-2: an intent from a snapshot that is held differs in its action', () => {
    const paths = auditIntent(anIntent(), SNAPSHOT, LEGACY_POLICY, null);
    expect(paths).toContainEqual({ path: 'action', recorded: 'PARTIAL_CLOSE', recomputed: 'HOLD' });
    expect(paths).toContainEqual({ path: 'fraction', recorded: 0.58, recomputed: 0 });
  });

  it('applies the map of the version that the intent names', () => {
    const map = { x: [0, 0.69, 0.7, 1], y: [0, 0.1, 0.9, 1] };
    const mapped = onCalibrated(CURRENT_POLICY);
    const snapshot = aSnapshot({ r: 5.33 }, { confidence: 0.6 });
    const intent = intentOf(snapshot, evaluate(calibrated(snapshot, map), mapped), AT, 'cal-1');
    if (intent === null) throw new Error('the snapshot is held');
    expect(auditIntent(intent, snapshot, mapped, map)).toEqual([]);
    expect(auditIntent(intent, snapshot, mapped, null).map(({ path }) => path)).toContain('action');
  });
});
