import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { assess } from '../../pipelines/calibration/assess.ts';
import { type Dependence, dependenceOf } from '../../pipelines/calibration/block-bootstrap.ts';
import { decisionBounds } from '../../pipelines/calibration/bounds-and-risks.ts';
import { DecisionEffect } from '../../pipelines/calibration/decision-effect.ts';
import { scoreChanges } from '../../pipelines/calibration/evaluation.ts';
import type { Samples } from '../../pipelines/calibration/samples.ts';
import { type ConfidenceMap, whyNeverDegraded } from '../../pipelines/scoring/confidence-map.ts';
import { type Policy, defaultPolicy } from '../../pipelines/scoring/policy.ts';
import type { RandomStream } from '../../ports/random.ts';
import type { PositionSnapshot } from '../../schemas/generated/records.ts';

/** Simulated desks: how often intervals cover the truth, and what becomes of a proposal for a desk of each kind. */

/** Confidences of the desks are uniform over this. */
const CONFIDENCES = [0.6, 0.94] as const;
const OUTCOMES = 3000;
const DAYS = 100;
const SNAPSHOTS = 500;

/** The true probability of a win at a confidence. */
type Truth = (confidence: number) => number;

const inside = (p: number): number => Math.min(0.999, Math.max(0.001, p));

/** The log-odds of the confidence, times k. */
function stretched(k: number): Truth {
  return (confidence) => 1 / (1 + ((1 - confidence) / confidence) ** k);
}

/** The kinds of desks. A uniform number u chooses the truth of one desk. */
export const DESKS = {
  calibrated: () => (confidence) => confidence,
  'over-confident': (u) => (confidence) => confidence - (0.06 + 0.14 * u),
  'under-confident': (u) => stretched(1.6 + 0.8 * u),
  uninformative: (u) => () => 0.5 + 0.2 * u,
  inverted: (u) => (confidence) => inside(0.55 - (0.3 + 0.5 * u) * (confidence - 0.77)),
} as const satisfies Record<string, (u: number) => Truth>;

/** Small miscalibrations: the confidence minus d, and its log-odds times k. */
export const WINDOW: Readonly<Record<string, () => Truth>> = Object.fromEntries([
  ...[0.05, 0.08, 0.1, 0.11, 0.14, 0.16].map((d) => [`d ${d}`, () => (confidence: number) => confidence - d] as const),
  ...[0.75, 0.5, 0.25].map((k) => [`k ${k}`, () => stretched(k)] as const),
]);

export interface DeskTally {
  readonly desks: number;
  /** Proposed, with all bounds holding. */
  approvable: number;
  /** Proposed, with a broken bound that an override passes. */
  override: number;
  /** Refused: no usable relation. */
  refused: number;
  /** By bound, how often it was broken. */
  readonly broken: Record<string, number>;
  /** Of the approvable ones, by the default policy: sum of the shares of flips, and desks with a factor that can no longer occur. */
  flips: number;
  muted: number;
  /** The same for a policy that judges on the calibrated scale. */
  flipsOnCalibrated: number;
  mutedOnCalibrated: number;
}

/** Proposes a map for each desk of a kind, by the method that cross-validation chooses. */
export function proposeFor(
  kind: string,
  truthOf: (u: number) => Truth,
  { desks, correlation, seed }: { readonly desks: number; readonly correlation: number; readonly seed: number },
): DeskTally {
  const stream = new SeededRandom(seed).stream(`${kind}-${correlation}`);
  const counts = {
    approvable: 0,
    override: 0,
    refused: 0,
    flips: 0,
    muted: 0,
    flipsOnCalibrated: 0,
    mutedOnCalibrated: 0,
  };
  const tally: DeskTally = { desks, broken: {}, ...counts };
  const raw = defaultPolicy();
  const mapped: Policy = { ...raw, thresholds: { ...raw.thresholds, degraded_on: 'calibrated' } };
  for (let desk = 0; desk < desks; desk++) {
    const shape = {
      outcomes: OUTCOMES,
      days: DAYS,
      confidences: CONFIDENCES,
      truth: truthOf(stream.uniform()),
      correlation,
    };
    const found = assess(simulatedDesk(shape, stream), null, new SeededRandom(desk));
    if (found.fit === null) {
      tally.refused += 1;
      continue;
    }
    const effect = effectOf(found.fit.map, raw, stream);
    const onMapped = effectOf(found.fit.map, mapped, stream);
    const broken = [...found.bounds, ...effect.bounds].filter(({ holds }) => !holds);
    for (const { name } of broken) tally.broken[name] = (tally.broken[name] ?? 0) + 1;
    if (broken.length > 0) {
      tally.override += 1;
      continue;
    }
    tally.approvable += 1;
    tally.flips += effect.share;
    tally.flipsOnCalibrated += onMapped.share;
    if (effect.muted) tally.muted += 1;
    if (onMapped.muted) tally.mutedOnCalibrated += 1;
  }
  return tally;
}

function effectOf(map: ConfidenceMap, policy: Policy, stream: RandomStream) {
  const effect = new DecisionEffect(policy, null, map);
  for (let offset = 0; offset < SNAPSHOTS; offset++)
    effect.add(aSnapshot(uniform(stream, CONFIDENCES), uniform(stream, [0.4, 0.94])), { partition: 0, offset });
  const flips = effect.result();
  const bounds = decisionBounds(flips, whyNeverDegraded(policy, map) !== null);
  const muted = bounds.some(({ name, holds }) => name === 'factors_possible' && !holds);
  return { bounds, muted, share: flips === null ? 0 : flips.flips / flips.snapshots };
}

function uniform(stream: RandomStream, [low, high]: readonly [number, number]): number {
  return low + (high - low) * stream.uniform();
}

/** At R 1.5, three hours old, regime intact, volatility contracting: a degraded confidence decides between a part and all of it. */
function aSnapshot(atEntry: number, now: number): PositionSnapshot {
  return {
    position_id: 'main:AVAXUSDT:LONG:1772366400000',
    account: 'main',
    venue: 'paper',
    symbol: 'AVAXUSDT',
    side: 'LONG',
    observed_at: 1_772_377_200_000,
    opened_at: 1_772_366_400_000,
    quantity: 50,
    initial_quantity: 50,
    entry_price: 20,
    mark_price: 20.6,
    peak_price: 20.62,
    initial_stop_price: 19.6,
    stop_price: null,
    take_profit_price: null,
    confidence_at_entry: atEntry,
    confidence: now,
    model_id: null,
    regime_at_entry: 'TREND_UP',
    regime: 'TREND_UP',
    volatility_gradient: 0,
    r_history: [1.5, 1.5, 1.5],
    source: 'made up',
  } as unknown as PositionSnapshot;
}

/** E[x (1 - x)] for x uniform over 0.55 to 0.90: the expected Brier score of calibrated confidences. */
export const TRUE_BRIER = (0.55 + 0.9) / 2 - (0.9 ** 3 - 0.55 ** 3) / (3 * (0.9 - 0.55));

export const CORRELATIONS = [0, 0.1, 0.2, 0.3, 0.4] as const;

interface Coverage {
  readonly correlation: number;
  /** The share of samples in which the 95 % interval of the raw Brier score covers the true score. */
  readonly covered: number;
  /** Mean effective sample size. Unit: outcomes. */
  readonly effective: number;
}

/** The coverage of intervals: samples of 800 outcomes of a calibrated model, 20 a day, correlated within a day. */
export function coverageAt(correlation: number, samples: number, seed: number): Coverage {
  const random = new SeededRandom(seed);
  const stream = random.stream(`coverage-${correlation}`);
  let covered = 0;
  let effective = 0;
  for (let sample = 0; sample < samples; sample++) {
    const desk = simulatedDesk(
      { outcomes: 800, days: 40, confidences: [0.55, 0.9], truth: (confidence) => confidence, correlation },
      stream,
    );
    const dependence: Dependence = dependenceOf(desk);
    const scores = scoreChanges(desk.x, desk.x, desk.y, dependence, new SeededRandom(sample));
    const brier = scores.find(({ name }) => name === 'brier')?.before_interval;
    if (brier !== undefined && brier.low <= TRUE_BRIER && brier.high >= TRUE_BRIER) covered += 1;
    effective += dependence.effective;
  }
  return { correlation, covered: covered / samples, effective: effective / samples };
}

const DAY_MS = 24 * 60 * 60 * 1000;
const START = Date.UTC(2026, 0, 1);

/** What a desk is simulated from. */
interface DeskShape {
  readonly outcomes: number;
  readonly days: number;
  /** Confidences are uniform over this. */
  readonly confidences: readonly [low: number, high: number];
  readonly truth: Truth;
  /** The correlation, within a day, of the normal variables that decide the outcomes. */
  readonly correlation: number;
}

/**
 * The outcomes of a desk. A position wins where sqrt(rho) z + sqrt(1 - rho) e is below the normal quantile of its true probability; z is one
 * normal number for each day, e one for each position. So each outcome has its true probability, and those of a day are correlated.
 */
export function simulatedDesk(
  { outcomes, days, confidences: [low, high], truth, correlation }: DeskShape,
  stream: RandomStream,
): Samples {
  const x = new Float64Array(outcomes);
  const y = new Float64Array(outcomes);
  const closed = new Float64Array(outcomes);
  const shared = Float64Array.from({ length: days }, () => stream.normal());
  for (let row = 0; row < outcomes; row++) {
    const at = (row * days) / outcomes;
    const confidence = low + (high - low) * stream.uniform();
    const z =
      Math.sqrt(correlation) * (shared[Math.floor(at)] as number) + Math.sqrt(1 - correlation) * stream.normal();
    x[row] = confidence;
    y[row] = z < normalQuantile(truth(confidence)) ? 1 : 0;
    closed[row] = START + at * DAY_MS;
  }
  return { x, y, times: { opened: closed, closed } };
}

/** Acklam's approximation of the normal quantile, exact to 1e-9. */
function normalQuantile(p: number): number {
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
  const edge = 0.02425;
  const polynomial = (coefficients: readonly number[], at: number): number =>
    coefficients.reduce((sum, coefficient) => sum * at + coefficient, 0);
  if (p > 1 - edge) return -normalQuantile(1 - p);
  if (p < edge) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(c, q) / (polynomial(d, q) * q + 1);
  }
  const q = p - 0.5;
  const r = q * q;
  return (polynomial(a, r) * q) / (polynomial(b, r) * r + 1);
}
