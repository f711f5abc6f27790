import { CONSTANT } from '../method.ts';
import type { Auc, BoundName, CalibrationReport, Candidate } from '../report.ts';
import { count, interval, percent, plural, probability, score, signedScore } from '../../../render/figures.ts';
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
  // factors_possible is passed by no override: the refusal says what to do instead.
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

/** Of a refusal because the best map falls. */
export function noRelationHeadline(candidates: readonly Candidate[]): string {
  return `No usable relation: ${nothingBeatsConstant(candidates)}.`;
}

/** "no rising map beats the constant base rate out of fold (Brier 0.2552; the best one 0.2575)". */
function nothingBeatsConstant(candidates: readonly Candidate[]): string {
  const constant = candidates.find(({ method }) => method === CONSTANT)?.brier ?? Number.NaN;
  const rising = candidates.filter(
    ({ method, why_not: why }) => method !== CONSTANT && why?.startsWith('no usable') !== true,
  );
  const best = rising.reduce((least, { brier }) => Math.min(least, brier ?? Infinity), Infinity);
  const of = Number.isFinite(best) ? `; the best one ${score(best)}` : '';
  return `no rising map beats the constant base rate out of fold (Brier ${score(constant)}${of})`;
}

function headlineOf(report: CalibrationReport): Pick<Verdict, 'tone' | 'headline'> {
  const broken = report.bounds.filter(({ holds }) => !holds).length;
  const { finding, tone } = findingOf(report);
  if (broken > 0 && report.bounds.some(({ name, holds }) => name === 'factors_possible' && !holds))
    return {
      tone: 'bad',
      headline: `${finding}, but a factor of the policy in force could no longer occur: it cannot be approved.`,
    };
  if (broken > 0)
    return {
      tone: 'bad',
      headline: `${finding}${tone === 'good' ? ', but it breaks' : ', and this one breaks'} ${plural(broken, 'safety bound')}: approval needs an override.`,
    };
  return { tone, headline: `${finding}, and every safety bound holds.` };
}

function findingOf(report: CalibrationReport): { readonly finding: string; readonly tone: Verdict['tone'] } {
  const holds = (wanted: BoundName): boolean => report.bounds.find(({ name }) => name === wanted)?.holds ?? true;
  if (!holds('beats_constant') && everyoneLoses(report))
    return { finding: sentenceCase(nothingBeatsConstant(report.candidates)), tone: 'bad' };
  if (!holds('beats_constant'))
    return { finding: `${report.method} does no better than the constant base rate`, tone: 'bad' };
  if (!holds('tells_apart'))
    return { finding: `Confidence is not shown to tell wins from losses (AUC ${aucText(report.auc)})`, tone: 'bad' };
  if (report.method === 'identity')
    return {
      finding: `Nothing is to be gained: no map did better than ${report.parent === null ? '' : 'going back to '}raw confidence`,
      tone: 'caution',
    };
  const change = scoreOf(report.out_of_fold, 'brier')?.change_interval;
  if (change !== undefined && change.high < 0) return { finding: 'The map does better on later data', tone: 'good' };
  if (change !== undefined && change.low > 0) return { finding: 'The map does worse on later data', tone: 'bad' };
  return {
    finding: 'Nothing is shown to be gained: whether the map does better on later data is not clear',
    tone: 'caution',
  };
}

function everyoneLoses({ candidates }: CalibrationReport): boolean {
  const constant = candidates.find(({ method }) => method === CONSTANT)?.brier ?? Infinity;
  return candidates.every(
    ({ method, brier, why_not: why }) =>
      method === CONSTANT || brier === null || brier >= constant || why?.startsWith('no usable') === true,
  );
}

export function aucText({ value, low, high }: Auc): string {
  return `${value.toFixed(3)}, 95\u00A0% interval ${low.toFixed(3)} to ${high.toFixed(3)}`;
}

export function sentenceCase(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
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
