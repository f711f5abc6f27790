import type { ComparedPartition, ComparisonOptions } from './comparison.ts';
import { type FlipFigures, FlipTally } from './flip-tally.ts';
import { NO_COURSES, addTotals } from './course-totals.ts';
import type { LongestHold } from './hold-stretch.ts';
import { type MeanResults, ResultSample, type SampledPosition } from './result-sample.ts';

const HOUR_MS = 60 * 60 * 1000;

/** The same of each of the two, obeyed from the first snapshot on. */
interface OfBoth<T> {
  readonly current: T;
  readonly candidate: T;
}

/** What two policies make of the same snapshots. */
export interface ComparisonFigures extends FlipFigures {
  /** Flips to CLOSE: the candidate closes what the current policy does not. */
  readonly close_flips: number;
  /** Flips to HOLD: the candidate holds what the current policy does not. */
  readonly hold_flips: number;
  /** Snapshots whose prices are too extreme to score. */
  readonly unscorable: number;
  /** Time between the snapshots of positions as recorded, summed over them. */
  readonly open_position_hours: number;
  /** How much of that a position would have been open, at least in part. */
  readonly open_hours: OfBoth<number>;
  readonly longest_hold: OfBoth<LongestHold | null>;
  /** Positions of which the policy closes any part. */
  readonly harvested_positions: OfBoth<number>;
  /** Positions that the other policy harvests, and of which this one never closes any part. */
  readonly never_closed_positions: OfBoth<number>;
  readonly results: MeanResults;
  /** Calibration versions that had a say in a decision of either, by model; none: raw confidence. */
  readonly calibration: Readonly<Record<string, readonly string[]>>;
}

export interface SummedPartitions {
  readonly figures: ComparisonFigures;
  /** Positions by which realised results can be set beside these. */
  readonly sample: readonly SampledPosition[];
}

/** The figures of all partitions; they do not depend on which was compared first, only on the order they are given in. */
export function sumPartitions(
  partitions: readonly ComparedPartition[],
  { listed, random }: Pick<ComparisonOptions, 'listed' | 'random'>,
): SummedPartitions {
  const tally = new FlipTally(listed);
  const results = new ResultSample(random);
  let unscorable = 0;
  let openMs = 0;
  let current = NO_COURSES;
  let candidate = NO_COURSES;
  const versions = new Map<string, Set<string>>();
  for (const partition of partitions) {
    tally.absorb(partition.flips);
    results.absorb(partition.results);
    unscorable += partition.unscorable;
    openMs += partition.openMs;
    for (const [model, used] of Object.entries(partition.calibration))
      versions.set(model, new Set([...(versions.get(model) ?? []), ...used]));
    current = addTotals(current, partition.courses.current);
    candidate = addTotals(candidate, partition.courses.candidate);
  }
  const flips = tally.figures();
  const { HOLD: held, PARTIAL_CLOSE: reduced, CLOSE: closed } = flips.matrix;
  const figures: ComparisonFigures = {
    ...flips,
    close_flips: held.CLOSE + reduced.CLOSE,
    hold_flips: reduced.HOLD + closed.HOLD,
    unscorable,
    open_position_hours: openMs / HOUR_MS,
    open_hours: { current: current.openMs / HOUR_MS, candidate: candidate.openMs / HOUR_MS },
    longest_hold: { current: current.longestHold, candidate: candidate.longestHold },
    harvested_positions: { current: current.harvested, candidate: candidate.harvested },
    never_closed_positions: { current: current.neverClosed, candidate: candidate.neverClosed },
    results: results.means(),
    calibration: Object.fromEntries(Array.from(versions, ([model, used]) => [model, [...used].toSorted()])),
  };
  return { figures, sample: results.sampled() };
}
