import { formatEventTime } from '../../render/event-time.ts';
import { programName } from '../../errors/program-name.ts';
import { count, interval, percent, plural, probability, score, signedScore } from '../../render/figures.ts';
import { CONSTANT } from './fit.ts';
import type { Auc, BoundName, CalibrationReport, Candidate, Evaluation, ScoreChange, ScoreName } from './report.ts';
import type { Cusum } from './slice-figures.ts';

export interface Verdict {
  readonly tone: 'good' | 'caution' | 'bad';
  readonly headline: string;
  readonly sentence: string;
}

/** The finding of a report as a headline and a sentence. Whether to approve is for a person to decide. */
export function verdictOf(report: CalibrationReport): Verdict {
  return { ...headlineOf(report), sentence: sentenceOf(report) };
}

interface NextSteps {
  /** Null where no override passes: an approval would be refused. */
  readonly approve: string | null;
  readonly reject: string;
  readonly verify: string;
}

/** The commands to type next; NAME and TEXT are for the person to fill in. `logWords` name the log where it has to be named. */
export function nextSteps({ version, bounds }: CalibrationReport, logWords = ''): NextSteps {
  const broken = bounds.filter(({ holds }) => !holds);
  // No override passes factors_possible.
  const approvable = broken.every(({ name }) => name !== 'factors_possible');
  const override = broken.length === 0 ? '' : ' --override';
  return {
    approve: approvable
      ? `${programName()} calibrate approve ${version} --by NAME --reason TEXT${override}${logWords}`
      : null,
    reject: `${programName()} calibrate reject ${version} --by NAME --reason TEXT${logWords}`,
    verify: `${programName()} calibrate verify ${version}${logWords}`,
  };
}

export function methodText({ method, method_asked_for: asked }: CalibrationReport): string {
  return `${method} (${asked ? 'asked for' : 'chosen by cross-validation'})`;
}

/** The headline of a refusal because no map is usable. */
export function noRelationHeadline(candidates: readonly Candidate[]): string {
  return `No usable relation: ${nothingBeatsConstant(candidates)}.`;
}

/** For example "no rising map beats the constant base rate out of fold (Brier 0.2552; the best one 0.2575)". */
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
  if (!holds('beats_constant') && noneBeatsConstant(report))
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

function noneBeatsConstant({ candidates }: CalibrationReport): boolean {
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
  const { confidence, winRate } = meanConfidenceAndWinRate(report);
  const brier = scoreOf(report.out_of_fold, 'brier');
  const happened = `${model} said ${percent(confidence)} on average and won ${percent(winRate)} of ${count(counts.usable)} outcomes`;
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

/** Every method with its Brier score out of fold, and the reason where it was not tried or falls. */
export function candidatesText(candidates: readonly Candidate[]): string {
  const tried = candidates.map(({ method, brier, why_not: why }) => {
    if (brier === null) return `${method} (${why ?? 'not tried'})`;
    if (why === null) return `${method} ${score(brier)} (chosen)`;
    return `${method} ${score(brier)}${why.startsWith('no usable relation') ? ' (falls)' : ''}`;
  });
  return `Brier out of fold: ${tried.join(', ')}`;
}

/** Which method won by how much against the next one. Null where no other method has a rising map. */
export function winnerText({ method, winner }: Pick<CalibrationReport, 'method' | 'winner'>): string | null {
  if (winner === null) return null;
  const { next, margin, interval: range } = winner;
  const by = `${score(Math.abs(margin))} Brier out of fold, 95 % interval of the difference ${interval(range, signedScore)}`;
  if (margin < 0)
    return `${next} did better than ${method} by ${by}${range.high < 0 ? '' : ': they are not told apart'}`;
  if (margin === 0) return `${method} and the next, ${next}, did equally well out of fold`;
  return `${method} won by ${by}, against the next, ${next}${range.low > 0 ? '' : ': they are not told apart, and the choice hardly matters'}`;
}

/** Names a coefficient of the beta map that is held at 0. Null where there is none. */
export function coefficientAtBoundText({
  method,
  parameters,
}: Pick<CalibrationReport, 'method' | 'parameters'>): string | null {
  if (method !== 'beta') return null;
  const at = parameters.filter(({ name, value }) => name !== 'c' && value === 0).map(({ name }) => name);
  if (at.length === 0) return null;
  return `coefficient ${at.join(' and ')} is at its bound, 0: the data would have it negative, which would make the map fall somewhere; the others were fitted again without it`;
}

/** AUC in plain words. */
export function aucWords({ value }: CalibrationReport['auc']): string {
  return `of a win and a loss drawn at random the win had the higher confidence ${Math.round(100 * value)} times in 100`;
}

export function scoreOf({ scores }: Evaluation, name: ScoreName): ScoreChange | undefined {
  return scores.find((one) => one.name === name);
}

/** Mean raw confidence and win rate of the usable outcomes. */
export function meanConfidenceAndWinRate({ counts, detectable }: CalibrationReport) {
  const winRate = counts.usable === 0 ? Number.NaN : counts.wins / counts.usable;
  return { confidence: winRate + detectable.found, winRate };
}

/** Whether the gap between confidence and win rate changed over time, in words. */
export function driftText(cusum: Cusum | null): string {
  if (cusum === null) return 'fewer than 20 days cannot tell';
  const { statistic, threshold, day } = cusum;
  const figures = `CUSUM ${statistic.toFixed(2)}, ${threshold.toFixed(2)} at 5 %`;
  if (statistic <= threshold) return `none seen (${figures})`;
  return `the gap differs before and after ${formatEventTime(day).slice(0, 10)} (${figures})`;
}
