import type { ActionMatrix } from '../../render/action-matrix.ts';
import type { EpochMillis } from '../../schemas/generated/records.ts';
import type { ConfidenceMap } from '../scoring/confidence-map.ts';
import type { Winner } from './choose-method.ts';
import type { Contestant, Method, Parameter } from './fit.ts';
import type { LabelRates } from './label-rule.ts';
import type { SlicedOutcomes } from './slice-figures.ts';
import type { Interval } from './statistics.ts';

/** Everything a person needs to decide on one version, as data: the page, the summary on a terminal and the JSON are made from it. */
export interface CalibrationReport {
  readonly version: string;
  readonly model_id: string;
  readonly proposed_at: EpochMillis;
  readonly program_version: string;
  /** The version in force when this one was proposed; null: raw confidence. */
  readonly parent: string | null;
  readonly method: Method;
  /** False: cross-validation chose the method. */
  readonly method_asked_for: boolean;
  readonly candidates: readonly Candidate[];
  /** Null where no other method has a rising map. */
  readonly winner: Winner | null;
  /** In the fit an outcome this much older than the latest one weighs half as much; null: all weigh alike. Unit: days. */
  readonly half_life_days: number | null;
  /** The label rule as `--label` takes it. */
  readonly label: string;
  /** The label rule in words, with what NEUTRAL counts as. */
  readonly label_rule: string;
  /** The fitted label rule first, then what other rules would have given. */
  readonly label_rates: readonly LabelRates[];
  readonly counts: Counts;
  /** Usable outcomes by symbol, side, label, exit reason, model, policy and regime. */
  readonly slices: readonly Slice[];
  /** Raw confidence against outcomes in the parts that `--by` asks for, and by week. */
  readonly sliced: SlicedOutcomes;
  /** Outcomes left out, by reason, the most frequent first. */
  readonly excluded: readonly { readonly reason: string; readonly n: number }[];
  readonly map: ConfidenceMap;
  readonly parameters: readonly Parameter[];
  /** The range of the raw confidences: beyond it the map is constant. */
  readonly observed: Interval;
  /** The probability that a win had a higher confidence than a loss. No rising map changes it. */
  readonly auc: Auc;
  readonly dependence: DependenceFigures;
  /** The largest change over the observed range: the raw confidence, its value by what scores today, and by this map. */
  readonly largest_change: { readonly at: number; readonly from: number; readonly to: number };
  readonly in_sample: Evaluation;
  readonly out_of_fold: Evaluation;
  readonly detectable: Detectable;
  /** Null where the log has no snapshots to replay. */
  readonly flips: Flips | null;
  readonly bounds: readonly Bound[];
  readonly risks: readonly string[];
  readonly do_not_apply_if: readonly string[];
  readonly evidence: Evidence;
}

/** The area under the ROC curve, with its 95 % interval. */
export interface Auc extends Interval {
  readonly value: number;
}

/** How many independent outcomes the sample is worth. */
interface DependenceFigures {
  readonly n: number;
  readonly effective: number;
  /** Blocks of time that the bootstrap draws. */
  readonly blocks: number;
  /** Length of a block; null: times are unknown. Unit: milliseconds. */
  readonly block_ms: number | null;
}

export interface Counts {
  /** FINAL outcomes of this model that were read. */
  readonly final: number;
  readonly usable: number;
  readonly wins: number;
  readonly losses: number;
  /** NEUTRAL outcomes, left out or counted as losses. */
  readonly neutral: number;
  readonly excluded: number;
  readonly symbols: number;
}

export interface Slice {
  readonly by: 'symbol' | 'side' | 'label' | 'exit_reason' | 'model' | 'policy' | 'regime';
  readonly name: string;
  readonly n: number;
  readonly wins: number;
  /** Mean raw confidence. */
  readonly confidence: number;
}

export interface Candidate {
  readonly method: Contestant;
  /** Null where the method was not tried. */
  readonly brier: number | null;
  readonly log_loss: number | null;
  /** Why it was not tried or not chosen; null for the one chosen. */
  readonly why_not: string | null;
}

export const SCORE_NAMES = ['brier', 'log_loss', 'ece', 'mcb', 'dsc', 'unc'] as const;
export type ScoreName = (typeof SCORE_NAMES)[number];

/** A score before (by what scores today) and after (by this map), with 95 % bootstrap intervals; `change` is after - before. */
export interface ScoreChange {
  readonly name: ScoreName;
  readonly before: number;
  readonly after: number;
  readonly change: number;
  readonly before_interval: Interval;
  readonly after_interval: Interval;
  readonly change_interval: Interval;
}

export interface Evaluation {
  readonly n: number;
  readonly scores: readonly ScoreChange[];
  readonly reliability: { readonly before: Reliability; readonly after: Reliability };
}

/** A CORP reliability diagram: the isotonic fit of outcomes on forecasts, and its 95 % consistency band. */
export interface Reliability {
  /** Points of the fit. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly band: { readonly x: readonly number[]; readonly low: readonly number[]; readonly high: readonly number[] };
  /** Outcomes in each of 20 equal bins of the forecast. */
  readonly histogram: readonly number[];
}

/** How small a gap so many outcomes can show. */
export interface Detectable {
  readonly n: number;
  /** The smallest gap between confidence and win rate that 4 of 5 samples of this size show (95 % test). Unit: probability. */
  readonly gap: number;
  /** The gap found: mean raw confidence - win rate. Unit: probability. */
  readonly found: number;
}

/** Recorded snapshots of this model, scored with the map in force when proposed and with the candidate. */
export interface Flips {
  readonly policy: string;
  readonly snapshots: number;
  readonly flips: number;
  /** Flips in which an exit weakens although the map makes the drop of confidence larger, or the reverse. */
  readonly against_direction: number;
  /** Snapshots in which each factor of the policy holds, before and with the candidate. */
  readonly factors: FactorCounts;
  /** current action -> candidate action -> snapshots. */
  readonly matrix: ActionMatrix;
  /** The latest flips, at most 20. */
  readonly examples: readonly Flip[];
}

export interface FactorCounts {
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
}

export interface Flip {
  readonly position_id: string;
  readonly symbol: string;
  readonly observed_at: EpochMillis;
  readonly from: string;
  readonly to: string;
  readonly confidence: number | null;
  readonly calibrated: number | null;
  readonly partition: number;
  readonly offset: number;
}

export type BoundName =
  | 'brier_improvement'
  | 'beats_constant'
  | 'tells_apart'
  | 'largest_change'
  | 'flips'
  | 'flips_against_direction'
  | 'factors_possible';

export interface Bound {
  readonly name: BoundName;
  /** In words, for example "at most 10 % of past snapshots decided otherwise". */
  readonly rule: string;
  readonly limit: number;
  readonly value: number;
  readonly holds: boolean;
}

export interface Evidence {
  readonly topic: string;
  /** Offsets from `from` up to, not including, `to`. */
  readonly ranges: readonly OffsetRange[];
  /** SHA-256 of the canonical rows, hexadecimal. */
  readonly dataset_hash: string;
  readonly rows: number;
  readonly schema_ids: readonly number[];
}

export interface OffsetRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}
