/**
 * Whether a calibration does well: what changed since it came into force, from figures counted in the log before and after. Times are event
 * time. The boundary is the first intent that names the version, since the time of its approval is by another clock than a simulated
 * market's.
 */
import type { EpochMillis } from '../../schemas/generated/records.ts';
import type { Alert } from '../alerts/alerts.ts';
import { type Interval, differenceInterval, kolmogorovSmirnov, wilsonInterval } from '../calibration/statistics.ts';

/** With fewer a win rate is known to about +-0.18 only: too little for advice. Unit: outcomes. */
const FEWEST_OUTCOMES = 30;

/** Bins of a histogram of confidence, over 0 to 1: finer than the confidence of any model. */
export const CONFIDENCE_BINS = 1000;

/** The snapshots of one position resemble each other, so the intervals are too narrow: a smaller change of a rate is reported, but no verdict. Unit: ratio. */
const LEAST_RATE_CHANGE = 0.05;

/** With fewer mentions before, chance may explain that a factor no longer occurs. Unit: intents. */
const FEWEST_MENTIONS = 10;

/** The figures of one model in a window of time. */
export interface WindowFigures {
  /** WIN and LOSS outcomes of positions closed in the window. */
  readonly wins: number;
  readonly losses: number;
  /** NEUTRAL outcomes where the map was fitted with them as losses, and so predicts wins among all three; else 0. */
  readonly neutralLosses: number;
  /** Sums of the raw and mapped confidences of all these. */
  readonly rawSum: number;
  readonly mappedSum: number;
  readonly snapshots: number;
  readonly intents: number;
  /** Intents that name each factor. */
  readonly factors: ReadonlyMap<string, number>;
  /** A histogram of raw confidence: one count for each position, of its latest snapshot in the window. */
  readonly confidences: Uint32Array;
}

/** A share of `n`, with its 95 % interval. */
interface Rate {
  readonly n: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface RateChange {
  /** Null for an empty window. */
  readonly before: Rate | null;
  readonly after: Rate | null;
  /** After minus before, with its 95 % interval. */
  readonly difference: (Interval & { readonly value: number }) | null;
}

interface Distribution {
  readonly n: number;
  readonly mean: number;
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
}

interface FactorMentions {
  readonly mentions: { readonly before: number; readonly after: number };
}

export type Verdict = 'not_used_yet' | 'too_early' | 'steady' | 'changed' | 'think_of_rollback';

export interface CalibrationWatch {
  readonly model_id: string;
  readonly version: string;
  /** Event time of the first intent that names the version; null without one. */
  readonly since: EpochMillis | null;
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly win_rate: RateChange;
  readonly hold_rate: RateChange;
  /** By factor: the share of snapshots with an intent that names it, and the number of these intents. A HOLD leaves no record, so its factors are not counted. */
  readonly factor_rates: Readonly<Record<string, RateChange & FactorMentions>>;
  readonly confidence: {
    readonly before: Distribution | null;
    readonly after: Distribution | null;
    /** Kolmogorov-Smirnov distance, and the value that chance alone exceeds in 5 of 100 cases. */
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
  const ks = kolmogorovSmirnov(before.confidences, after.confidences);
  const confidence = {
    before: distributionOf(before.confidences),
    after: distributionOf(after.confidences),
    ks: ks?.distance ?? null,
    ks_critical: ks?.critical ?? null,
  };
  const factorRates = factorRatesOf(before, after);
  const figures = { ...subject, win_rate: winRate, hold_rate: holdRate, factor_rates: factorRates, confidence };
  return { ...figures, ...verdictOf(figures, after) };
}

/** Raised where a calibration does worse than the time before it. */
export function calibrationAlert({ version, model_id, since, verdict, reasons }: CalibrationWatch): Alert | null {
  if (verdict !== 'think_of_rollback' || since === null) return null;
  return {
    name: 'calibration_worse',
    since,
    evidence: `${version} of ${model_id}: ${reasons.join(' ')}`,
    next: {
      purpose: 'Think of a rollback',
      commands: [{ words: 'calibrate rollback', args: [version, '--by', 'NAME', '--reason', 'TEXT'] }],
    },
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
    const predicted = outcomes + after.neutralLosses;
    const value = after.wins / predicted;
    const { low, high } = wilsonInterval({ successes: after.wins, n: predicted });
    const raw = after.rawSum / predicted;
    const mapped = after.mappedSum / predicted;
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
  return n === 0 ? null : { n, value: successes / n, ...wilsonInterval({ successes, n }) };
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

function percent(share: number | undefined): string {
  return share === undefined ? 'unknown' : `${(100 * share).toFixed(1)} %`;
}
