import { describe, expect, it } from 'vitest';
import { CANNOT_KNOW, type ReplayResult } from '../../../pipelines/replay/compare-policies.ts';
import { headline } from '../../../pipelines/replay/result-sentences.ts';
import { resultLines } from '../../../pipelines/replay/result-lines.ts';
import { resultPage } from '../../../pipelines/replay/result-page.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { Comparison, sumPartitions } from '../../../pipelines/replay/comparison.ts';
import { NO_COSTS } from '../../../pipelines/replay/trading-costs.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { aSnapshot, type SnapshotTraits } from '../../fixtures/a-snapshot.ts';
import { unbalancedTags } from '../../render/page-text.ts';
import { CURRENT_POLICY, LEGACY_POLICY } from '../../fixtures/policies.ts';

type Traits = SnapshotTraits & Partial<Pick<PositionSnapshot, 'regime'>>;

function compared(traits: readonly Traits[], swapped = false, candidate = LEGACY_POLICY): ReplayResult {
  const [current, other] = swapped ? [candidate, CURRENT_POLICY] : [CURRENT_POLICY, candidate];
  const options = { current, candidate: other, maps: null, costs: NO_COSTS, random: new SeededRandom(1), listed: 50 };
  const comparison = new Comparison(options);
  for (const [offset, one] of traits.entries()) {
    const at = { topic: 'position.snapshot', partition: 0, offset, timestamp: 0, key: null, value: null, headers: [] };
    comparison.add(aSnapshot(one, { regime: one.regime ?? 'TREND_UP' }), at);
  }
  return {
    policy: other.id,
    against: current.id,
    ...sumPartitions([comparison.end()], options).figures,
    costs: NO_COSTS,
    realised: null,
    undecodable: 0,
    ranges: [{ partition: 0, begin: 0, end: traits.length }],
    cannot_know: CANNOT_KNOW,
  };
}

const HARVESTED = [{ r: 10.16 }, { r: 5.33 }, { r: 5.77 }];

describe('headline', () => {
  it.each([
    [compared(HARVESTED), 'legacy never closes what 2026-02-07 harvests: it holds all of 3 snapshots in 1 position.'],
    [
      compared(HARVESTED, true),
      'legacy never closes what 2026-02-07 harvests: it holds all of 3 snapshots in 1 position.',
    ],
    [
      compared([...HARVESTED, { r: 9, symbol: 'OLDUSDT', regime: 'RANGE' }]),
      'legacy never closes 1 of the 2 positions that 2026-02-07 harvests, and holds 3 of 4 snapshots (75.0 %) that 2026-02-07 would harvest.',
    ],
    [
      compared([{ r: 5.33 }, { r: 9, regime: 'RANGE' }]),
      'legacy harvests less and made 2.129 R a position more before costs: that is within what chance makes of so few positions, and no reason to hold more. legacy holds 1 of 2 snapshots (50.0 %) that 2026-02-07 would harvest.',
    ],
    [compared([], false, LEGACY_POLICY), 'No snapshot lies in that stretch, so nothing was compared.'],
    [
      compared(HARVESTED, false, CURRENT_POLICY),
      '2026-02-07 (candidate) takes the same action as 2026-02-07 (current) on all 3 snapshots.',
    ],
  ])('says which holds what the other harvests', (result, sentence) => {
    expect(headline(result).replaceAll('\u00A0', ' ')).toBe(sentence);
  });
});

describe('where the policy that harvests less made more', () => {
  const rising = (ends: readonly number[]) =>
    compared(
      ends.flatMap((r, index) => [
        { r: 4, symbol: `S${index}USDT` },
        { r, age: 4, symbol: `S${index}USDT` },
      ]),
    );
  const first = (result: ReplayResult) => headline(result).replaceAll('\u00A0', ' ');

  it('says so first, and what it means', () => {
    expect(first(rising([12, 13, 14, 15]))).toMatch(
      /^legacy harvests less and made [\d.]+ R a position more before costs \(95 % interval \+.* to \+.*\): on these paths letting profit run paid more.* legacy (never closes|holds)/,
    );
  });

  it('says where chance may explain it', () => {
    expect(first(rising([30, 1, 1, 1]))).toMatch(/: that is within what chance makes of so few positions/);
  });

  it('says nothing of it where it made less', () => {
    expect(first(rising([1, 0, 1, 0]))).not.toContain('harvests less');
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
