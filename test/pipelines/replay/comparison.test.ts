import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { Comparison, type ComparisonOptions, sumPartitions } from '../../../pipelines/replay/comparison.ts';
import type { MapRecords } from '../../../pipelines/replay/past-maps.ts';
import { NO_COSTS } from '../../../pipelines/replay/trading-costs.ts';
import { ACTIONS } from '../../../render/action-matrix.ts';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import type { PositionId, PositionSnapshot } from '../../../schemas/generated/records.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { CURRENT_POLICY, LEGACY_POLICY, onCalibrated } from '../../fixtures/policies.ts';

const HOUR = 3_600_000;

const OPTIONS: ComparisonOptions = {
  current: CURRENT_POLICY,
  candidate: LEGACY_POLICY,
  maps: null,
  costs: NO_COSTS,
  random: new SeededRandom(1),
  listed: 50,
};

function at(offset: number): LogRecord {
  return {
    topic: 'position.snapshot',
    partition: 2,
    offset,
    timestamp: 0,
    key: null,
    value: null,
    headers: [],
  };
}

function compared(snapshots: readonly PositionSnapshot[], overrides: Partial<ComparisonOptions> = {}) {
  return comparedByPartition([snapshots], overrides);
}

function comparedByPartition(
  partitions: readonly (readonly PositionSnapshot[])[],
  overrides: Partial<ComparisonOptions> = {},
) {
  const options = { ...OPTIONS, ...overrides };
  const outcomes = partitions.map((snapshots) => {
    const comparison = new Comparison(options);
    for (const [offset, snapshot] of snapshots.entries()) comparison.add(snapshot, at(offset));
    return comparison.end();
  });
  return sumPartitions(outcomes, options).figures;
}

/** The positions of the deployment report that legacy held, and that the other policy harvested. */
const REPORTED = [
  aSnapshot({ symbol: 'COLLECTUSDT', r: 10.16 }),
  aSnapshot({ symbol: 'AIOUSDT', r: 5.33 }),
  aSnapshot({ symbol: 'FHEUSDT', r: 3.37, age: 7 }),
  aSnapshot({ symbol: 'LAUSDT', r: 5.77 }),
];

describe('Comparison', () => {
  it('RPL-9: a flip is another action; both explanations and the coordinates are listed, the latest first', () => {
    const figures = compared(REPORTED);
    expect(figures).toMatchObject({ snapshots: 4, flips: 4, close_flips: 0, hold_flips: 4, unscorable: 0 });
    expect(figures.matrix.CLOSE.HOLD).toBe(1);
    expect(figures.matrix.PARTIAL_CLOSE.HOLD).toBe(3);
    expect(figures.listed_flips[0]).toMatchObject({
      symbol: 'FHEUSDT',
      topic: 'position.snapshot',
      partition: 2,
      offset: 2,
      from: { action: 'PARTIAL_CLOSE', fraction: 0.75, hold_score: 4, exit_score: 9, reason: 'strong_exit' },
      to: { action: 'HOLD', fraction: 0, reason: 'no_rule_applies' },
    });
    expect(figures.listed_flips[0]?.from.factors).toContainEqual(
      expect.objectContaining({ name: 'profit_rung', points: 3 }),
    );
    expect(figures.by_factor).toContainEqual({ name: 'profit_rung', flips: 4 });
    expect(figures.by_factor).toContainEqual({ name: 'old', flips: 1 });
  });

  it('RPL-12: marks a listed flip to the last snapshot of its position, whichever flips were dropped meanwhile', () => {
    const path = [10.16, 5.33, 4].map((r, hour) => aSnapshot({ r, age: 2 + hour }));
    const marks = (listed: number) => compared(path, { listed }).listed_flips.map(({ r, last_r }) => [r, last_r]);
    expect(marks(50)).toEqual([4, 5.33, 10.16].map((r) => [expect.closeTo(r, 9), expect.closeTo(4, 9)]));
    expect(marks(1)).toEqual([[expect.closeTo(4, 9), expect.closeTo(4, 9)]]);
    const twice = compared([aSnapshot({ r: 10.16, age: 2 }), aSnapshot({ r: 5.33, age: 40 })]);
    expect(twice.listed_flips.map(({ last_r }) => last_r)).toEqual([expect.closeTo(5.33, 9), expect.closeTo(10.16, 9)]);
  });

  it('RPL-10: matrix, bands and symbols add up to the snapshots, and agree with evaluate', () => {
    fc.assert(
      fc.property(fc.array(aSeen(), { maxLength: 60 }), (snapshots) => {
        const figures = compared(snapshots);
        const cells = ACTIONS.flatMap((from) => ACTIONS.map((to) => ({ from, to, n: figures.matrix[from][to] })));
        const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
        expect(sum(cells.map(({ n }) => n))).toBe(snapshots.length);
        expect(sum(cells.filter(({ from, to }) => from !== to).map(({ n }) => n))).toBe(figures.flips);
        for (const counts of [figures.by_r, figures.by_age, figures.by_symbol]) {
          expect(sum(counts.map((count) => count.snapshots))).toBe(snapshots.length);
          expect(sum(counts.map(({ flips }) => flips))).toBe(figures.flips);
        }
        for (const { from, to, n } of cells) {
          const same = snapshots.filter(
            (one) => evaluate(one, CURRENT_POLICY).action === from && evaluate(one, LEGACY_POLICY).action === to,
          );
          expect(n).toBe(same.length);
        }
        expect(figures.listed_flips).toHaveLength(Math.min(50, figures.flips));
      }),
      { numRuns: 30 },
    );
  });

  it('a policy against itself flips nothing and changes nothing', () => {
    const figures = compared(REPORTED, { candidate: CURRENT_POLICY });
    expect(figures.flips).toBe(0);
    expect(figures.results).toMatchObject({ positions: 4, change: 0, change_interval: { low: 0, high: 0 } });
  });

  it('RPL-18: the longest hold above R 2 counts from first to last snapshot without a break', () => {
    const path = [2, 2.1, 3, 4, 1.9, 2.5, 2.6].map((r, hour) => aSnapshot({ r, age: 2 + hour }));
    const { longest_hold: held } = compared(path, { candidate: LEGACY_POLICY });
    expect(held.candidate).toMatchObject({ symbol: 'BTCUSDT', hours: 2, peak_r: expect.closeTo(4, 9) });
    expect(held.current).toBeNull();
  });

  it('RPL-17: once a policy has closed all of it, a position is neither open nor held, whatever was recorded later', () => {
    // 2026-02-07 closes at once, above R 8; legacy holds to the end.
    const path = [10.16, 4, 4, 4].map((r, hour) => aSnapshot({ r, age: 2 + hour }, { volatility_gradient: 0.2 }));
    const figures = compared(path, { current: LEGACY_POLICY, candidate: CURRENT_POLICY });
    expect(figures.open_position_hours).toBe(3);
    expect(figures.open_hours).toEqual({ current: 3, candidate: 0 });
    expect(figures.longest_hold).toMatchObject({
      current: { hours: 3, peak_r: expect.closeTo(10.16, 9) },
      candidate: null,
    });
    expect(figures.harvested_positions).toEqual({ current: 0, candidate: 1 });
    expect(figures.never_closed_positions).toEqual({ current: 1, candidate: 0 });
    expect(
      compared(path.slice(1), { current: LEGACY_POLICY, candidate: CURRENT_POLICY }).longest_hold.candidate?.hours,
    ).toBe(2);
  });

  it('counts every snapshot in the bands of its R and its age', () => {
    const { by_r, by_age } = compared([aSnapshot({ r: 2.2, age: 0.5 }), aSnapshot({ r: 9, age: 7 })]);
    const counted = (counts: typeof by_r) => counts.filter(({ snapshots }) => snapshots > 0).map(({ name }) => name);
    expect(counted(by_r)).toEqual(['2–3', '> 8']);
    expect(counted(by_age)).toEqual(['< 1 h', '6–24 h']);
  });

  it('RPL-23: obeys partial closes with the cooldown of execution between them', () => {
    const twoCloses = (hoursApart: number) =>
      compared(
        [aSnapshot({ r: 5.33, age: 3 }), aSnapshot({ r: 5.33, age: 3 + hoursApart }), aSnapshot({ r: 0, age: 8 })],
        {
          candidate: CURRENT_POLICY,
        },
      ).results.current_mean_r ?? Number.NaN;
    expect(twoCloses(1 / 60)).toBeLessThan(twoCloses(4));
  });

  it('RPL-11: partitions compared one by one give the figures of the same records in one go, positions being apart', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(aSeen(), { maxLength: 12 }), { maxLength: 5 }),
        fc.nat({ max: 6 }),
        (seen, listed) => {
          const partitions = seen.map((snapshots, partition) =>
            snapshots.map((snapshot) => ({
              ...snapshot,
              position_id: `${partition} ${snapshot.position_id}` as PositionId,
            })),
          );
          // Without its offsets: in one go they are others.
          const figures = (parts: typeof partitions) => {
            const { listed_flips, results, ...others } = comparedByPartition(parts, { listed });
            return {
              ...others,
              listed: listed_flips.map(({ position_id, observed_at }) => ({ position_id, observed_at })),
              change: expect.closeTo(results.change ?? 0, 9) as number,
              positions: results.positions,
            };
          };
          const { results, listed_flips: flips, ...one } = comparedByPartition([partitions.flat()], { listed });
          expect({
            ...one,
            listed: flips.map(({ position_id, observed_at }) => ({ position_id, observed_at })),
            change: results.change ?? 0,
            positions: results.positions,
          }).toEqual(figures(partitions));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('measures what each would have made: taken at 10.16, or given back', () => {
    const { results } = compared([aSnapshot({ r: 10.16, age: 3 }), aSnapshot({ r: -1, age: 4 })]);
    expect(results.current_mean_r).toBeCloseTo(10.16, 9);
    expect(results.candidate_mean_r).toBeCloseTo(-1, 9);
    expect(results.change).toBeCloseTo(-11.16, 9);
    // One position has no spread.
    expect(results.change_interval).toBeNull();
  });

  it('RPL-14, RPL-15, RPL-16: a position that is not seen for a day is over, is dropped, and starts anew when it comes back', () => {
    const compare = new Comparison(OPTIONS);
    const others = Array.from({ length: 10_000 }, (_, index) =>
      aSnapshot({ age: 3 }, { position_id: `p${index}` as PositionId, observed_at: 1_770_000_000_000 + index * HOUR }),
    );
    for (const [offset, snapshot] of others.entries()) compare.add(snapshot, at(offset));
    expect(compare.openPositions).toBeLessThanOrEqual(4096 + 25);
    const partition = compare.end();
    expect(compare.openPositions).toBe(0);
    expect(sumPartitions([partition], OPTIONS).figures.results.positions).toBe(10_000);
    const back = compared([aSnapshot({ age: 1 }), aSnapshot({ age: 3 }), aSnapshot({ age: 28 })]);
    expect(back.results.positions).toBe(2);
    expect(back.open_position_hours).toBe(2);
  });

  it('RPL-14, RPL-16: desks that live years apart in one partition do not end each other', () => {
    const years = [0, 6].map((year) => year * 365 * 24 * HOUR);
    const looks = Array.from({ length: 6000 }, (_, index) => {
      const desk = index % 2;
      return aSnapshot(
        { age: 3 },
        {
          account: `desk-${desk}`,
          position_id: `p${desk}` as PositionId,
          observed_at: 1_770_000_000_000 + (years[desk] ?? 0) + index * 1000,
        },
      );
    });
    expect(compared(looks).results.positions).toBe(2);
  });

  it('RPL-27: the interval does not depend on the order of the positions, holds the mean, and is the same again', () => {
    const snapshots = Array.from({ length: 200 }, (_, index) =>
      aSnapshot({ r: (index % 17) - 3, age: 3 }, { position_id: `p${index}` as PositionId }),
    ).flatMap((first) => [first, { ...first, observed_at: first.observed_at + HOUR, mark_price: 101 }]);
    const one = compared(snapshots).results;
    const pairs = Array.from({ length: 200 }, (_, index) => snapshots.slice(2 * index, 2 * index + 2));
    const other = compared(pairs.toReversed().flat()).results;
    // But for the last digit, since sums are added up in another order.
    expect(other.change_interval?.low).toBeCloseTo(one.change_interval?.low ?? Number.NaN, 9);
    expect(other.change_interval?.high).toBeCloseTo(one.change_interval?.high ?? Number.NaN, 9);
    expect(compared(snapshots).results).toEqual(one);
    expect(one.change_interval?.low).toBeLessThan(one.change ?? Number.NaN);
    expect(one.change_interval?.high).toBeGreaterThan(one.change ?? Number.NaN);
  });

  it('RPL-28: the interval of a sample is as wide as that of all would be', () => {
    const path = (index: number) => [
      aSnapshot({ r: 10.16, age: 3 }, { position_id: `p${index}` as PositionId }),
      aSnapshot({ r: index % 7, age: 4 }, { position_id: `p${index}` as PositionId }),
    ];
    const { results } = compared(Array.from({ length: 20_000 }, (_, index) => path(index)).flat());
    expect(results).toMatchObject({ positions: 20_000, sampled: 5_000 });
    const { low = Number.NaN, high = Number.NaN } = results.change_interval ?? {};
    // r is uniform on 0 to 6, so its standard deviation is 2; 2 * 1.96 of them over the root of all, not of those sampled.
    expect(high - low).toBeCloseTo((2 * 1.96 * 2) / Math.sqrt(20_000), 2);
    expect((high - low) / ((2 * 1.96 * 2) / Math.sqrt(20_000))).toBeLessThan(1.2);
  });

  it('the interval reaches farther to the side of the rare large change', () => {
    const kept = (id: number, last: number) => [
      aSnapshot({ r: 10.16, age: 3 }, { position_id: `p${id}` as PositionId }),
      aSnapshot({ r: last, age: 4 }, { position_id: `p${id}` as PositionId }),
    ];
    // 40 that legacy loses nothing by holding, and one that it gives back.
    const { results } = compared([...Array.from({ length: 40 }, (_, id) => kept(id, 10.16)).flat(), ...kept(40, -10)]);
    const { change, change_interval: range } = results;
    expect(change).toBeCloseTo(-20.16 / 41, 9);
    expect(range?.high).toBeCloseTo(0, 9);
    expect(range?.low).toBeLessThan(2.5 * (change ?? Number.NaN));
  });

  it('RPL-7: costs of a policy do not move the bands', () => {
    const costly = { ...CURRENT_POLICY, id: 'costly', costs: { taker_fee: 0.01, funding_per_8h: 0 } };
    const { by_r } = compared([aSnapshot({ r: 2.2 })], { current: costly });
    expect(by_r.find(({ name }) => name === '2–3')?.snapshots).toBe(1);
  });

  it('RPL-8: a snapshot that cannot be scored counts for neither', () => {
    const extreme = aSnapshot(
      {},
      { mark_price: 1e300, peak_price: 1e300, entry_price: 1e-9, initial_stop_price: null },
    );
    expect(compared([extreme, aSnapshot()])).toMatchObject({ snapshots: 1, unscorable: 1 });
  });

  it('applies the map in force to a policy that judges on it, as scoring does', () => {
    const approval = {
      version: 'cal-1',
      decided_at: 0,
      model_id: 'ensemble-7',
      status: 'APPROVED',
      map: { x: [0, 0.69, 0.7, 1], y: [0, 0.1, 0.9, 1] },
    };
    const maps: MapRecords = { decisions: [approval as never], applied: [], which: 'then' };
    const worse = aSnapshot({ r: 2.5 }, { confidence: 0.6, confidence_at_entry: 0.7 });
    const names = (figures: ReturnType<typeof compared>) =>
      figures.listed_flips[0]?.from.factors.map(({ name }) => name) ?? [];
    expect(names(compared([worse]))).toContain('confidence_intact');
    expect(names(compared([worse], { maps }))).toContain('confidence_intact');
    const current = onCalibrated(CURRENT_POLICY);
    expect(names(compared([worse], { maps, current }))).toContain('confidence_degraded');
  });
});

function aSeen(): fc.Arbitrary<PositionSnapshot> {
  return fc
    .record({
      symbol: fc.constantFrom('AUSDT', 'BUSDT', 'CUSDT'),
      side: fc.constantFrom('LONG' as const, 'SHORT' as const),
      r: fc.double({ min: -3, max: 12, noNaN: true }),
      age: fc.nat({ max: 40 }),
      regime: fc.constantFrom('TREND_UP', 'CHOP', null),
      volatility_gradient: fc.constantFrom(-0.2, 0.2, null),
    })
    .map(({ regime, volatility_gradient, ...traits }) => aSnapshot(traits, { regime, volatility_gradient }));
}
