import type { CalibrationReport, Candidate, Evaluation, ScoreChange, ScoreName, Slice } from '../report.ts';
import type { SlicedBy } from '../slice-figures.ts';
import { interval, score, signedScore } from '../../../render/figures.ts';

interface Term {
  readonly name: string;
  readonly meaning: string;
  /** Which way is better; null where no forecast has a say. */
  readonly better: 'lower' | 'higher' | null;
}

/** The names of the scores, and half a sentence for who meets them first. */
export const SCORE_TERMS = {
  brier: { name: 'Brier', meaning: 'mean squared error of the probability', better: 'lower' },
  log_loss: { name: 'log loss', meaning: 'as Brier, but harsh on confident mistakes', better: 'lower' },
  ece: { name: 'ECE', meaning: 'mean gap between said and won, over 15 equal-width bins', better: 'lower' },
  mcb: {
    name: 'MCB',
    meaning: 'how wrong the numbers are: what perfect recalibration would take off Brier',
    better: 'lower',
  },
  dsc: {
    name: 'DSC',
    meaning:
      'how well high and low confidence part wins from losses: what it takes off Brier against saying the same of all, once the numbers are right; 0 tells nothing apart, and no rising map adds to it',
    better: 'higher',
  },
  unc: { name: 'UNC', meaning: 'uncertainty of the outcomes: no forecast changes it', better: null },
} as const satisfies Record<ScoreName, Term>;

export function betterText(name: ScoreName): string {
  const { better } = SCORE_TERMS[name];
  return better === null ? 'fixed' : `${better} is better`;
}

/** In the order in which they are shown, with what a table calls them. */
export const SLICE_TITLES = {
  label: 'Label',
  model: 'Model',
  side: 'Side',
  exit_reason: 'Exit reason',
  policy: 'Policy at close',
  regime: 'Regime at entry',
  symbol: 'Symbol',
} as const satisfies Record<Slice['by'], string>;

/** What a report can be parted by. */
export const SLICED_TITLES = {
  symbol: 'Symbol',
  side: 'Side',
  regime: 'Regime at entry',
  age: 'Time held',
  policy: 'Policy at close',
} as const satisfies Record<SlicedBy, string>;

/** Every method with its Brier score out of fold, and why it was not chosen where that is no matter of scores. */
export function candidatesText(candidates: readonly Candidate[]): string {
  const tried = candidates.map(({ method, brier, why_not: why }) => {
    if (brier === null) return `${method} (${why ?? 'not tried'})`;
    if (why === null) return `${method} ${score(brier)} (chosen)`;
    return `${method} ${score(brier)}${why.startsWith('no usable relation') ? ' (falls)' : ''}`;
  });
  return `Brier out of fold: ${tried.join(', ')}`;
}

/** Which method won by how much against the next. Null where nothing else has a rising map. */
export function winnerText({ method, winner }: Pick<CalibrationReport, 'method' | 'winner'>): string | null {
  if (winner === null) return null;
  const { next, margin, interval: range } = winner;
  const by = `${score(Math.abs(margin))} Brier out of fold, 95 % interval of the difference ${interval(range, signedScore)}`;
  if (margin < 0)
    return `${next} did better than ${method} by ${by}${range.high < 0 ? '' : ': they are not told apart'}`;
  if (margin === 0) return `${method} and the next, ${next}, did equally well out of fold`;
  return `${method} won by ${by}, against the next, ${next}${range.low > 0 ? '' : ': they are not told apart, and the choice hardly matters'}`;
}

/** A coefficient of a rising map that the data would have below 0. */
export function boundText({ method, parameters }: Pick<CalibrationReport, 'method' | 'parameters'>): string | null {
  if (method !== 'beta') return null;
  const at = parameters.filter(({ name, value }) => name !== 'c' && value === 0).map(({ name }) => name);
  if (at.length === 0) return null;
  return `coefficient ${at.join(' and ')} is at its bound, 0: the data would have it negative, which would make the map fall somewhere; the others were fitted again without it`;
}

/** AUC as a count that anybody can picture. */
export function aucWords({ value }: CalibrationReport['auc']): string {
  return `of a win and a loss drawn at random the win had the higher confidence ${Math.round(100 * value)} times in 100; 50 is a coin toss, 100 tells all apart, and no rising map changes it`;
}

export function scoreOf({ scores }: Evaluation, name: ScoreName): ScoreChange | undefined {
  return scores.find((one) => one.name === name);
}

/** The mean of the usable raw confidences, and the share of them that won. */
export function saidAndWon({ counts, detectable }: CalibrationReport): { readonly said: number; readonly won: number } {
  const won = counts.usable === 0 ? Number.NaN : counts.wins / counts.usable;
  return { said: won + detectable.found, won };
}
