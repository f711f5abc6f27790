import type { EpochMillis } from '../../schemas/generated/records.ts';
import type { Alert } from '../alerts/alerts.ts';
import { type Interval, differenceInterval, wilsonInterval } from '../calibration/statistics.ts';

/**
 * What changed since a calibration came into force, from figures counted in the log before and after. Times are event time: the
 * boundary is the first intent that names the version, since who approves lives by another clock than a simulated market.
 */

/** Below this a win rate is known to about +-0.18: no ground for any advice. Unit: outcomes. */
export const FEWEST_OUTCOMES = 30;

/** Histograms of confidence have this many bins over 0 to 1: finer than any model is. Unit: bins. */
export const CONFIDENCE_BINS = 1000;

/** Snapshots of one position resemble each other, so their interval is too narrow: a smaller change of a rate is said, and no reason to worry. Unit: ratio. */
const LEAST_RATE_CHANGE = 0.05;

/** Fewer mentions before, and a factor that no longer occurs may be chance. Unit: intents. */
const FEWEST_MENTIONS = 10;

/** Large-sample 95 % point of the Kolmogorov-Smirnov statistic. Unit: none. */
const KS_95 = 1.358;

export interface WindowFigures {
  /** WIN and LOSS outcomes of the model that closed in the window. */
  readonly wins: number;
  readonly losses: number;
  /** NEUTRAL ones, where the map was fitted with these as losses: it foretells wins among all three. Else 0. */
  readonly neutralLosses: number;
  /** Sums of the raw and mapped confidences of all these. */
  readonly rawSum: number;
  readonly mappedSum: number;
  /** Snapshots and intents of the model. */
  readonly snapshots: number;
  readonly intents: number;
  /** Intents that name each factor. */
  readonly factors: ReadonlyMap<string, number>;
  /** Positions by the raw confidence of their latest snapshot in the window: one a position, since its snapshots resemble each other. */
  readonly confidences: Uint32Array;
}

export interface Rate {
  readonly n: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface RateChange {
  /** Null: nothing in that window. */
  readonly before: Rate | null;
  readonly after: Rate | null;
  /** After minus before, with its 95 % interval. */
  readonly difference: (Interval & { readonly value: number }) | null;
}

export interface Distribution {
  readonly n: number;
  readonly mean: number;
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
}

export interface FactorMentions {
  readonly mentions: { readonly before: number; readonly after: number };
}

export type Verdict = 'not_used_yet' | 'too_early' | 'steady' | 'changed' | 'think_of_rollback';

export interface CalibrationWatch {
  readonly model_id: string;
  readonly version: string;
  /** Event time of the first intent that names the version; null: none does. */
  readonly since: EpochMillis | null;
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly win_rate: RateChange;
  readonly hold_rate: RateChange;
  /** By factor, the share of snapshots whose intent names it, and in how many intents. A HOLD leaves no record, so its factors are not counted. */
  readonly factor_rates: Readonly<Record<string, RateChange & FactorMentions>>;
  readonly confidence: {
    readonly before: Distribution | null;
    readonly after: Distribution | null;
    /** Kolmogorov-Smirnov distance, and what chance alone exceeds in 5 of 100 cases. */
    readonly ks: number | null;
    readonly ks_critical: number | null;
  };
}

export function emptyFigures(): WindowFigures {
  const confidences = new Uint32Array(CONFIDENCE_BINS);
  const sums = { wins: 0, losses: 0, neutralLosses: 0, rawSum: 0, mappedSum: 0, snapshots: 0, intents: 0 };
  return { ...sums, factors: new Map(), confidences };
}

export function calibrationWatch(
  subject: { readonly model_id: string; readonly version: string; readonly since: EpochMillis | null },
  before: WindowFigures,
  after: WindowFigures,
): CalibrationWatch {
  const winRate = changeOf(
    { successes: before.wins, n: before.wins + before.losses },
    { successes: after.wins, n: after.wins + after.losses },
  );
  const holdRate = changeOf(
    { successes: Math.max(0, before.snapshots - before.intents), n: before.snapshots },
    { successes: Math.max(0, after.snapshots - after.intents), n: after.snapshots },
  );
  const confidence = {
    before: distributionOf(before.confidences),
    after: distributionOf(after.confidences),
    ...kolmogorovSmirnov(before.confidences, after.confidences),
  };
  const factorRates = factorRatesOf(before, after);
  const figures = { ...subject, win_rate: winRate, hold_rate: holdRate, factor_rates: factorRates, confidence };
  return { ...figures, ...verdictOf(figures, after) };
}

/** The alert of a calibration that does worse than what was before it; null otherwise. */
export function calibrationAlert({ version, model_id, since, verdict, reasons }: CalibrationWatch): Alert | null {
  if (verdict !== 'think_of_rollback' || since === null) return null;
  return {
    name: 'calibration_worse',
    since,
    evidence:
      `${version} of ${model_id}: ${reasons.join(' ')} ` +
      `Think of a rollback: harvestline calibrate rollback ${version} --by NAME --reason TEXT`,
  };
}

function verdictOf(
  { since, win_rate, hold_rate, factor_rates, confidence }: Omit<CalibrationWatch, 'verdict' | 'reasons'>,
  after: WindowFigures,
): Pick<CalibrationWatch, 'verdict' | 'reasons'> {
  if (since === null) return { verdict: 'not_used_yet', reasons: ['No intent names this version yet.'] };
  const worse: string[] = [];
  const outcomes = after.wins + after.losses;
  if (outcomes >= FEWEST_OUTCOMES && win_rate.after !== null) {
    if (win_rate.difference !== null && win_rate.difference.high < 0)
      worse.push(
        `The win rate fell from ${percent(win_rate.before?.value)} to ${percent(win_rate.after.value)}, more than chance explains.`,
      );
    const foretold = outcomes + after.neutralLosses;
    const value = after.wins / foretold;
    const { low, high } = wilsonInterval(after.wins, foretold);
    const raw = after.rawSum / foretold;
    const mapped = after.mappedSum / foretold;
    const isInside = (mean: number): boolean => mean >= low && mean <= high;
    if (isInside(raw) && !isInside(mapped))
      worse.push(
        `Raw confidence (${percent(raw)}) is true to the win rate (${percent(value)}), the mapped one (${percent(mapped)}) is not.`,
      );
  }
  if (worse.length > 0) return { verdict: 'think_of_rollback', reasons: worse };
  const changed: string[] = [];
  const small: string[] = [];
  const rates = [['HOLD', hold_rate] as const, ...Object.entries(factor_rates)];
  for (const [name, { before: was, after: is, difference }] of rates) {
    if (difference === null || (difference.low <= 0 && difference.high >= 0)) continue;
    const words = `${name === 'HOLD' ? 'The HOLD rate' : `The rate of ${name} in intents`} went from ${percent(was?.value)} to ${percent(is?.value)}`;
    const mentions = factor_rates[name]?.mentions;
    const vanished = mentions !== undefined && mentions.after === 0 && mentions.before >= FEWEST_MENTIONS;
    if (vanished) changed.push(`No intent names ${name} any more: ${mentions.before} did before.`);
    else if (Math.abs(difference.value) >= LEAST_RATE_CHANGE) changed.push(`${words}.`);
    else small.push(`${words}: outside its interval, but by less than ${percent(LEAST_RATE_CHANGE)}.`);
  }
  if (confidence.ks !== null && confidence.ks_critical !== null && confidence.ks > confidence.ks_critical)
    changed.push(
      `The models speak with another distribution of confidence than before (KS ${confidence.ks.toFixed(3)} above ${confidence.ks_critical.toFixed(3)}): look whether the map still fits.`,
    );
  if (outcomes < FEWEST_OUTCOMES)
    return {
      verdict: 'too_early',
      reasons: [`${outcomes} of ${FEWEST_OUTCOMES} outcomes since the first use.`, ...changed],
    };
  if (win_rate.difference === null)
    return { verdict: 'too_early', reasons: ['No outcome before the first use to compare with.', ...changed] };
  return changed.length > 0
    ? { verdict: 'changed', reasons: changed }
    : {
        verdict: 'steady',
        reasons: small.length > 0 ? small : ['Nothing differs from the time before by more than chance.'],
      };
}

function factorRatesOf(before: WindowFigures, after: WindowFigures): CalibrationWatch['factor_rates'] {
  const names = [...new Set([...before.factors.keys(), ...after.factors.keys()])].toSorted();
  return Object.fromEntries(
    names.map((name) => {
      const mentions = { before: before.factors.get(name) ?? 0, after: after.factors.get(name) ?? 0 };
      const was = { successes: Math.min(mentions.before, before.snapshots), n: before.snapshots };
      const is = { successes: Math.min(mentions.after, after.snapshots), n: after.snapshots };
      return [name, { ...changeOf(was, is), mentions }];
    }),
  );
}

interface Count {
  readonly successes: number;
  readonly n: number;
}

function changeOf(before: Count, after: Count): RateChange {
  const one = rateOf(before);
  const other = rateOf(after);
  return {
    before: one,
    after: other,
    difference:
      one === null || other === null ? null : { value: other.value - one.value, ...differenceInterval(after, before) },
  };
}

function rateOf({ successes, n }: Count): Rate | null {
  return n === 0 ? null : { n, value: successes / n, ...wilsonInterval(successes, n) };
}

function distributionOf(bins: Uint32Array): Distribution | null {
  const n = bins.reduce((sum, count) => sum + count, 0);
  if (n === 0) return null;
  const middleOf = (bin: number): number => (bin + 0.5) / CONFIDENCE_BINS;
  const quantile = (share: number): number => {
    let seen = 0;
    const bin = bins.findIndex((count) => (seen += count) >= share * n);
    return middleOf(bin);
  };
  const mean = bins.reduce((sum, count, bin) => sum + count * middleOf(bin), 0) / n;
  return { n, mean, q1: quantile(0.25), median: quantile(0.5), q3: quantile(0.75) };
}

function kolmogorovSmirnov(
  one: Uint32Array,
  other: Uint32Array,
): Pick<CalibrationWatch['confidence'], 'ks' | 'ks_critical'> {
  const n1 = one.reduce((sum, count) => sum + count, 0);
  const n2 = other.reduce((sum, count) => sum + count, 0);
  if (n1 === 0 || n2 === 0) return { ks: null, ks_critical: null };
  let seen1 = 0;
  let seen2 = 0;
  let ks = 0;
  one.forEach((count, bin) => {
    seen1 += count;
    seen2 += other[bin] ?? 0;
    ks = Math.max(ks, Math.abs(seen1 / n1 - seen2 / n2));
  });
  return { ks, ks_critical: KS_95 * Math.sqrt((n1 + n2) / (n1 * n2)) };
}

function percent(share: number | undefined): string {
  return share === undefined ? 'unknown' : `${(100 * share).toFixed(1)} %`;
}
