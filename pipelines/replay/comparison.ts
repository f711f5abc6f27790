/**
 * Two policies over the same snapshots. Pure: the same records in the same order and the same seed give the same comparison.
 */
import { isKind } from '../../errors/harvestline-error.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { Random } from '../../ports/random.ts';
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { calibrated } from '../scoring/calibrated.ts';
import type { CalibrationVersions } from '../calibration/versions.ts';
import { DEFAULT_LIMITS } from '../execution/limits.ts';
import { evaluate } from '../scoring/evaluate.ts';
import type { Policy } from '../scoring/policy.ts';
import { rOf } from '../scoring/risk.ts';
import { type FlipFigures, FlipTally } from './flip-tally.ts';
import { type HoldFigures, OpenPositions } from './open-positions.ts';
import { type MeanResults, ResultSample } from './result-sample.ts';

export interface ComparisonOptions {
  readonly current: Policy;
  readonly candidate: Policy;
  /** Maps in force are applied to both, as scoring does. Null: raw confidence. */
  readonly versions: CalibrationVersions | null;
  readonly random: Random;
  /** How many flips are listed. */
  readonly listed: number;
}

export interface ComparisonFigures extends FlipFigures {
  /** Flips to CLOSE: the candidate closes what the current policy does not. */
  readonly close_flips: number;
  /** Flips to HOLD: the candidate holds what the current policy does not. */
  readonly hold_flips: number;
  /** Snapshots whose prices are too extreme to score. */
  readonly unscorable: number;
  readonly open_position_hours: number;
  readonly longest_hold: HoldFigures;
  readonly results: MeanResults;
}

/**
 * Invariants:
 * C1  Bands, stretches and results use R before costs and the current policy's default risk, so that both are measured alike.
 * C2  A snapshot that cannot be scored counts for neither.
 * C3  Constant memory, but for open positions, symbols and the flips listed.
 */
export class Comparison {
  readonly #current: Policy;
  readonly #candidate: Policy;
  /** C1. */
  readonly #measure: Policy;
  readonly #versions: CalibrationVersions | null;
  readonly #tally: FlipTally;
  readonly #results: ResultSample;
  readonly #positions: OpenPositions;
  #unscorable = 0;

  constructor({ current, candidate, versions, random, listed }: ComparisonOptions) {
    this.#current = current;
    this.#candidate = candidate;
    this.#measure = { ...current, costs: null };
    this.#versions = versions;
    this.#tally = new FlipTally(listed);
    this.#results = new ResultSample(random);
    this.#positions = new OpenPositions(DEFAULT_LIMITS.cooldownMs, (result) => this.#results.add(result));
  }

  add(snapshot: PositionSnapshot, at: LogRecord): void {
    const model = snapshot.model_id ?? null;
    const approved = model === null ? null : (this.#versions?.inForce(model) ?? null);
    const seen = approved === null ? snapshot : calibrated(snapshot, approved.map);
    try {
      const current = evaluate(seen, this.#current);
      const candidate = evaluate(seen, this.#candidate);
      const r = this.#current.costs === null ? current.r : rOf(seen, this.#measure);
      this.#tally.add(seen, at, r, current, candidate);
      this.#positions.add(seen, r, current, candidate);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      this.#unscorable += 1;
    }
  }

  endPartition(): void {
    this.#positions.endPartition();
  }

  /** Positions that are being followed. */
  get openPositions(): number {
    return this.#positions.size;
  }

  figures(): ComparisonFigures {
    const flips = this.#tally.figures();
    const { HOLD: held, PARTIAL_CLOSE: reduced, CLOSE: closed } = flips.matrix;
    return {
      ...flips,
      close_flips: held.CLOSE + reduced.CLOSE,
      hold_flips: reduced.HOLD + closed.HOLD,
      unscorable: this.#unscorable,
      open_position_hours: this.#positions.openHours,
      longest_hold: this.#positions.longestHold,
      results: this.#results.means(),
    };
  }
}
