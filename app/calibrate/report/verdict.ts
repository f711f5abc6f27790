import type { CalibrationReport } from '../../../pipelines/calibration/report.ts';
import { count, interval, percent, plural, probability, score, signedScore } from './figures.ts';
import { saidAndWon, scoreOf } from './terms.ts';

export interface Verdict {
  readonly tone: 'good' | 'caution' | 'bad';
  readonly headline: string;
  readonly sentence: string;
}

/** What the figures say, in one sentence. Whether to approve is for a person to say. */
export function verdictOf(report: CalibrationReport): Verdict {
  return { ...headlineOf(report), sentence: sentenceOf(report) };
}

export interface NextSteps {
  readonly approve: string;
  readonly reject: string;
  readonly verify: string;
}

/** What to type next. Capitals are for the person to fill in. */
export function nextSteps({ version, bounds }: CalibrationReport): NextSteps {
  const override = bounds.every(({ holds }) => holds) ? '' : ' --override';
  return {
    approve: `harvestline calibrate approve ${version} --by NAME --reason TEXT${override}`,
    reject: `harvestline calibrate reject ${version} --by NAME --reason TEXT`,
    verify: `harvestline calibrate verify ${version}`,
  };
}

/** For example "2 of 3 hold". */
export function boundsText({ bounds }: CalibrationReport): string {
  const holding = bounds.filter(({ holds }) => holds).length;
  return holding === bounds.length ? `all ${bounds.length} hold` : `${holding} of ${bounds.length} hold`;
}

export function methodText({ method, method_asked_for: asked }: CalibrationReport): string {
  return `${method} (${asked ? 'asked for' : 'chosen by cross-validation'})`;
}

function headlineOf(report: CalibrationReport): Pick<Verdict, 'tone' | 'headline'> {
  const broken = report.bounds.filter(({ holds }) => !holds).length;
  const { finding, tone } = findingOf(report);
  if (broken > 0)
    return {
      tone: 'bad',
      headline: `${finding}, but it breaks ${plural(broken, 'safety bound')}: approval needs an override.`,
    };
  return { tone, headline: `${finding}, and every safety bound holds.` };
}

function findingOf(report: CalibrationReport): { readonly finding: string; readonly tone: Verdict['tone'] } {
  if (report.method === 'identity') return { finding: 'No map did better than raw confidence', tone: 'caution' };
  const change = scoreOf(report.out_of_fold, 'brier')?.change_interval;
  if (change !== undefined && change.high < 0) return { finding: 'The map does better on later data', tone: 'good' };
  if (change !== undefined && change.low > 0) return { finding: 'The map does worse on later data', tone: 'bad' };
  return { finding: 'Whether the map does better on later data is not clear', tone: 'caution' };
}

function sentenceOf(report: CalibrationReport): string {
  const { model_id: model, counts, largest_change: largest, method } = report;
  const { said, won } = saidAndWon(report);
  const brier = scoreOf(report.out_of_fold, 'brier');
  const happened = `${model} said ${percent(said)} on average and won ${percent(won)} of ${count(counts.usable)} outcomes`;
  const map =
    method === 'identity'
      ? 'the identity map changes nothing'
      : `the ${method} map moves a confidence by ${probability(Math.abs(largest.to - largest.from))} at most (${probability(largest.from)} becomes ${probability(largest.to)})`;
  const effect =
    brier === undefined
      ? ''
      : `, and takes the Brier score out of fold from ${score(brier.before)} to ${score(brier.after)} (change ${signedScore(brier.change)}, 95\u00A0% interval ${interval(brier.change_interval, signedScore)})`;
  return `${happened}; ${map}${effect}.`;
}
