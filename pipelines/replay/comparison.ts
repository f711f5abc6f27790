/**
 * Two policies over the snapshots of one partition. Pure: the same records in the same order and the same seed give the same
 * comparison.
 */
import { isKind } from '../../errors/harvestline-error.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { Random } from '../../ports/random.ts';
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { DEFAULT_LIMITS } from '../execution/limits.ts';
import { judgesCalibrated, seenBy } from '../scoring/confidence-map.ts';
import { evaluate } from '../scoring/evaluate.ts';
import type { Policy } from '../scoring/policy.ts';
import { rOf } from '../scoring/risk.ts';
import { type FlipFigures, FlipTally } from './flip-tally.ts';
import { OpenPositions, type PositionResult, type LongestHold, type CourseResult, longer } from './open-positions.ts';
import { type MapRecords, PastMaps } from './past-maps.ts';
import { ResultSample, type SampledResults, type MeanResults, type SampledPosition } from './position-results.ts';
import type { TradingCosts } from './trading-costs.ts';

export interface ComparisonOptions {
  readonly current: Policy;
  readonly candidate: Policy;
  /** Maps are applied to both, as scoring does. Null: raw confidence. */
  readonly maps: MapRecords | null;
  /** The same for both. */
  readonly costs: TradingCosts;
  readonly random: Random;
  /** How many flips are listed. */
  readonly listed: number;
}

/** What one partition gave: plain data, so that it can come from another thread. */
export interface ComparedPartition {
  readonly flips: FlipFigures;
  /** Snapshots whose prices are too extreme to score. */
  readonly unscorable: number;
  /** As recorded, whatever either policy would have closed. Unit: milliseconds. */
  readonly openMs: number;
  readonly courses: { readonly current: CourseTotals; readonly candidate: CourseTotals };
  readonly results: SampledResults;
  /** Calibration versions that had a say in a decision, by model. */
  readonly calibration: Readonly<Record<string, readonly string[]>>;
}

/**
 * Invariants:
 * C1  Bands and stretches use R before costs and the current policy's default risk, results the same costs and that risk, so that both
 *     are measured alike.
 * C2  A snapshot that cannot be scored counts for neither.
 * C3  Constant memory, but for open positions, symbols and the flips listed.
 */
export class Comparison {
  readonly #current: Policy;
  readonly #candidate: Policy;
  /** C1. */
  readonly #measure: Policy;
  /** Null: no map has a say, for lack of one or because neither policy judges on it. */
  readonly #maps: PastMaps | null;
  readonly #tally: FlipTally;
  readonly #results: ResultSample;
  readonly #positions: OpenPositions;
  #unscorable = 0;
  #courses = { current: NO_COURSES, candidate: NO_COURSES };

  constructor({ current, candidate, maps, costs, random, listed }: ComparisonOptions) {
    this.#current = current;
    this.#candidate = candidate;
    this.#measure = { ...current, costs: null };
    const mapped = judgesCalibrated(current) || judgesCalibrated(candidate);
    this.#maps = maps === null || !mapped ? null : new PastMaps(maps);
    this.#tally = new FlipTally(listed);
    this.#results = new ResultSample(random);
    const { cooldownMs } = DEFAULT_LIMITS;
    const defaultRisk = current.thresholds.default_risk;
    this.#positions = new OpenPositions({ cooldownMs, costs, defaultRisk }, (result) => this.#settle(result));
  }

  add(snapshot: PositionSnapshot, at: LogRecord): void {
    const model = snapshot.model_id ?? null;
    const map = model === null ? null : (this.#maps?.mapAt(model, at, snapshot.observed_at) ?? null);
    try {
      const current = evaluate(seenBy(this.#current, snapshot, map), this.#current);
      const candidate = evaluate(seenBy(this.#candidate, snapshot, map), this.#candidate);
      const r = this.#current.costs === null ? current.r : rOf(snapshot, this.#measure);
      // First: where the position comes back after it was over, this flip is none of those that are marked then.
      this.#positions.add(snapshot, r, current, candidate);
      this.#tally.add(snapshot, at, r, current, candidate);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      this.#unscorable += 1;
    }
  }

  /** Positions that are being followed. */
  get openPositions(): number {
    return this.#positions.size;
  }

  /** The partition has no more. */
  end(): ComparedPartition {
    this.#positions.endAll();
    return {
      flips: this.#tally.figures(),
      unscorable: this.#unscorable,
      openMs: this.#positions.openMs,
      courses: this.#courses,
      results: this.#results.results(),
      calibration: this.#maps?.used() ?? {},
    };
  }

  #settle({ position_id, current, candidate, lastR }: PositionResult): void {
    this.#tally.mark(position_id, lastR);
    this.#results.add({ position_id, current: current.r, candidate: candidate.r });
    this.#courses = {
      current: addTotals(this.#courses.current, totalsOf(current, candidate)),
      candidate: addTotals(this.#courses.candidate, totalsOf(candidate, current)),
    };
  }
}

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

/** What one policy makes of all positions. */
interface CourseTotals {
  /** Positions of which it closes any part. */
  readonly harvested: number;
  /** Positions that the other policy harvests, and of which this one never closes any part. */
  readonly neverClosed: number;
  /** Unit: milliseconds. */
  readonly openMs: number;
  readonly longestHold: LongestHold | null;
}

const NO_COURSES: CourseTotals = { harvested: 0, neverClosed: 0, openMs: 0, longestHold: null };

/** One position under this policy, beside the same position under the other. */
function totalsOf(course: CourseResult, other: CourseResult): CourseTotals {
  return {
    harvested: course.harvested ? 1 : 0,
    neverClosed: other.harvested && !course.harvested ? 1 : 0,
    openMs: course.openMs,
    longestHold: course.longestHold,
  };
}

function addTotals(one: CourseTotals, next: CourseTotals): CourseTotals {
  return {
    harvested: one.harvested + next.harvested,
    neverClosed: one.neverClosed + next.neverClosed,
    openMs: one.openMs + next.openMs,
    longestHold: longer(one.longestHold, next.longestHold),
  };
}
