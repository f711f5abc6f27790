/**
 * Compares two policies on the snapshots of a partition, and sums up partitions. Pure: the same records in the same order and the same
 * seed give the same figures.
 */
import { isKind } from '../../errors/harvestline-error.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { Random } from '../../ports/random.ts';
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { DEFAULT_LIMITS } from '../execution/limits.ts';
import { judgesCalibrated, asJudgedBy } from '../scoring/confidence-map.ts';
import { evaluate } from '../scoring/evaluate.ts';
import type { Policy } from '../scoring/policy.ts';
import { rOf } from '../scoring/measures.ts';
import { type FlipFigures, FlipTally } from './flip-tally.ts';
import {
  OpenPositions,
  type PositionResult,
  type LongestHold,
  type SimulatedResult,
  longer,
} from './open-positions.ts';
import { type MapRecords, PastMaps } from './past-maps.ts';
import { ResultSample, type SampledResults, type MeanResults, type SampledPosition } from './position-results.ts';
import type { TradingCosts } from './trading-costs.ts';

export interface ComparisonOptions {
  readonly current: Policy;
  readonly candidate: Policy;
  /** Calibration maps, applied for both policies as scoring does. Null: raw confidence. */
  readonly maps: MapRecords | null;
  /** The same for both policies. */
  readonly costs: TradingCosts;
  readonly random: Random;
  /** How many flips are listed. */
  readonly listed: number;
}

/** The figures of one partition. Plain data, so that it can come from another thread. */
export interface ComparedPartition {
  readonly flips: FlipFigures;
  /** Snapshots whose prices are too extreme to score. */
  readonly unscorable: number;
  /** Time that positions were open as recorded, whatever either policy would have closed. Unit: milliseconds. */
  readonly openMs: number;
  readonly totals: { readonly current: PolicyTotals; readonly candidate: PolicyTotals };
  readonly results: SampledResults;
  /** Calibration versions that a decision was made with, by model. */
  readonly calibration: Readonly<Record<string, readonly string[]>>;
}

/**
 * Takes the snapshots of a partition one by one. Memory: constant, but for open positions, symbols and the flips listed.
 *
 * RPL-7  Both policies are measured alike: R of bands and stretches is before costs, with the current policy's default risk; results
 *        are by the same costs and the same default risk.
 * RPL-8  A snapshot that cannot be scored counts for neither policy.
 */
export class Comparison {
  readonly #current: Policy;
  readonly #candidate: Policy;
  /** The current policy without costs (RPL-7). */
  readonly #measure: Policy;
  /** Null: no map applies, for lack of one or because neither policy judges calibrated confidence. */
  readonly #maps: PastMaps | null;
  readonly #tally: FlipTally;
  readonly #results: ResultSample;
  readonly #positions: OpenPositions;
  #unscorable = 0;
  #totals = { current: NO_TOTALS, candidate: NO_TOTALS };

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
    this.#positions = new OpenPositions({ cooldownMs, costs, defaultRisk }, (result) => this.#addResult(result));
  }

  add(snapshot: PositionSnapshot, at: LogRecord): void {
    const model = snapshot.model_id ?? null;
    const map = model === null ? null : (this.#maps?.mapAt(model, at, snapshot.observed_at) ?? null);
    try {
      const current = evaluate(asJudgedBy(this.#current, snapshot, map), this.#current);
      const candidate = evaluate(asJudgedBy(this.#candidate, snapshot, map), this.#candidate);
      const r = this.#current.costs === null ? current.r : rOf(snapshot, this.#measure);
      // Before the tally: if this snapshot opens a position anew, the flips of the one that is over are marked, and this one is not.
      this.#positions.add(snapshot, r, current, candidate);
      this.#tally.add(snapshot, at, r, current, candidate);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      this.#unscorable += 1;
    }
  }

  /** Positions followed now. */
  get openPositions(): number {
    return this.#positions.size;
  }

  /** The figures; the partition has no more snapshots. */
  end(): ComparedPartition {
    this.#positions.endAll();
    return {
      flips: this.#tally.figures(),
      unscorable: this.#unscorable,
      openMs: this.#positions.openMs,
      totals: this.#totals,
      results: this.#results.results(),
      calibration: this.#maps?.used() ?? {},
    };
  }

  #addResult({ position_id, current, candidate, lastR }: PositionResult): void {
    this.#tally.mark(position_id, lastR);
    this.#results.add({ position_id, current: current.r, candidate: candidate.r });
    this.#totals = {
      current: addTotals(this.#totals.current, totalsOf(current, candidate)),
      candidate: addTotals(this.#totals.candidate, totalsOf(candidate, current)),
    };
  }
}

const HOUR_MS = 60 * 60 * 1000;

/** A figure of each policy, had it been obeyed from the first snapshot on. */
interface OfBoth<T> {
  readonly current: T;
  readonly candidate: T;
}

/** How two policies differ on the same snapshots. */
export interface ComparisonFigures extends FlipFigures {
  /** Flips to CLOSE: the candidate closes what the current policy does not. */
  readonly close_flips: number;
  /** Flips to HOLD: the candidate holds what the current policy does not. */
  readonly hold_flips: number;
  /** Snapshots whose prices are too extreme to score. */
  readonly unscorable: number;
  /** Time that positions were open as recorded, summed over them. */
  readonly open_position_hours: number;
  /** How much of it they would have been open, at least in part. */
  readonly open_hours: OfBoth<number>;
  readonly longest_hold: OfBoth<LongestHold | null>;
  /** Positions of which the policy closes any part. */
  readonly harvested_positions: OfBoth<number>;
  /** Positions that the other policy harvests, and of which this one never closes any part. */
  readonly never_closed_positions: OfBoth<number>;
  readonly results: MeanResults;
  /** Calibration versions that a decision was made with, by model; none: raw confidence. */
  readonly calibration: Readonly<Record<string, readonly string[]>>;
}

interface SummedPartitions {
  readonly figures: ComparisonFigures;
  /** The positions that realised results are compared with. */
  readonly sample: readonly SampledPosition[];
}

/** The figures of all partitions. They depend on the order given, not on which partition was compared first. */
export function sumPartitions(
  partitions: readonly ComparedPartition[],
  { listed, random }: Pick<ComparisonOptions, 'listed' | 'random'>,
): SummedPartitions {
  const tally = new FlipTally(listed);
  const results = new ResultSample(random);
  let unscorable = 0;
  let openMs = 0;
  let current = NO_TOTALS;
  let candidate = NO_TOTALS;
  const versions = new Map<string, Set<string>>();
  for (const partition of partitions) {
    tally.absorb(partition.flips);
    results.absorb(partition.results);
    unscorable += partition.unscorable;
    openMs += partition.openMs;
    for (const [model, used] of Object.entries(partition.calibration))
      versions.set(model, new Set([...(versions.get(model) ?? []), ...used]));
    current = addTotals(current, partition.totals.current);
    candidate = addTotals(candidate, partition.totals.candidate);
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

/** Sums over all positions under one policy. */
interface PolicyTotals {
  /** Positions of which it closes any part. */
  readonly harvested: number;
  /** Positions that the other policy harvests, and of which this one never closes any part. */
  readonly neverClosed: number;
  /** Unit: milliseconds. */
  readonly openMs: number;
  readonly longestHold: LongestHold | null;
}

const NO_TOTALS: PolicyTotals = { harvested: 0, neverClosed: 0, openMs: 0, longestHold: null };

/** The totals of one position under one policy; `other` is the same position under the other policy. */
function totalsOf(own: SimulatedResult, other: SimulatedResult): PolicyTotals {
  return {
    harvested: own.harvested ? 1 : 0,
    neverClosed: other.harvested && !own.harvested ? 1 : 0,
    openMs: own.openMs,
    longestHold: own.longestHold,
  };
}

function addTotals(one: PolicyTotals, next: PolicyTotals): PolicyTotals {
  return {
    harvested: one.harvested + next.harvested,
    neverClosed: one.neverClosed + next.neverClosed,
    openMs: one.openMs + next.openMs,
    longestHold: longer(one.longestHold, next.longestHold),
  };
}
