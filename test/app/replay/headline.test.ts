import { describe, expect, it } from 'vitest';
import { loadPolicy } from '../../../app/policy/load-policy.ts';
import { CANNOT_KNOW, type ReplayResult } from '../../../app/replay/compare-policies.ts';
import { headline } from '../../../app/replay/headline.ts';
import { resultLines } from '../../../app/replay/result-lines.ts';
import { resultPage } from '../../../app/replay/result-page.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { Comparison } from '../../../pipelines/replay/comparison.ts';
import { aSnapshot, type SnapshotTraits } from '../../a-snapshot.ts';
import { unbalancedTags } from '../calibrate/page-text.ts';

const CURRENT = loadPolicy('2026-02-07');
const LEGACY = loadPolicy('legacy');

function compared(traits: readonly SnapshotTraits[], swapped = false, candidate = LEGACY): ReplayResult {
  const [current, other] = swapped ? [candidate, CURRENT] : [CURRENT, candidate];
  const comparison = new Comparison({
    current,
    candidate: other,
    versions: null,
    random: new SeededRandom(1),
    listed: 50,
  });
  for (const [offset, one] of traits.entries()) {
    const at = { topic: 'position.snapshot', partition: 0, offset, timestamp: 0, key: null, value: null, headers: [] };
    comparison.add(aSnapshot(one), at);
  }
  comparison.endPartition();
  return {
    policy: other.id,
    against: current.id,
    ...comparison.figures(),
    calibration: {},
    undecodable: 0,
    ranges: [{ partition: 0, begin: 0, end: traits.length }],
    cannot_know: CANNOT_KNOW,
  };
}

const HARVESTED = [{ r: 10.16 }, { r: 5.33 }, { r: 5.77 }];

describe('headline', () => {
  it.each([
    [
      compared(HARVESTED),
      'legacy never closes what 2026-02-07 harvests: of 3 snapshots that 2026-02-07 would harvest, legacy holds 3 (100.0 %).',
    ],
    [
      compared(HARVESTED, true),
      'legacy never closes what 2026-02-07 harvests: of 3 snapshots that 2026-02-07 would harvest, legacy holds 3 (100.0 %).',
    ],
    [compared([], false, LEGACY), 'No snapshot lies in that stretch, so nothing was compared.'],
    [
      compared(HARVESTED, false, CURRENT),
      '2026-02-07 (candidate) takes the same action as 2026-02-07 (current) on all 3 snapshots.',
    ],
  ])('says which holds what the other harvests', (result, sentence) => {
    expect(headline(result).replaceAll('\u00A0', ' ')).toBe(sentence);
  });
});

describe('terminal and page', () => {
  it('say the sentence first, escape what others wrote, and need nothing from elsewhere', () => {
    const result = compared([{ r: 10.16, symbol: '<script>alert(1)</script>\u001B[2J' }, { r: 3 }]);
    expect(resultLines(result, [{ condition: 'flips>0', value: 2 }]).join('\n')).toMatch(
      /never closes.*\n.*\n.*fails: flips>0/s,
    );
    expect(resultLines(result, []).join('\n')).not.toContain('\u001B[2J');
    const page = resultPage(result);
    expect(page).not.toMatch(/<script|<link|https?:\/\/|url\((?!#)/);
    expect(page).toContain('&lt;script&gt;');
    expect(unbalancedTags(page)).toEqual([]);
    for (const chart of ['by-r', 'by-age', 'by-symbol', 'matrix']) expect(page).toContain(`id="${chart}-title"`);
    expect(resultPage(compared([]))).toContain('nothing was compared');
  });
});
