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
import { type CourseTotals, NO_COURSES, addTotals, totalsOf } from './course-totals.ts';
import { OpenPositions, type PositionResult } from './open-positions.ts';
import { type MapRecords, PastMaps } from './past-maps.ts';
import { ResultSample, type SampledResults } from './result-sample.ts';
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
