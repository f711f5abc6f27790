import { linePath, round, unitPlot } from '../../../render/charts.ts';
import { count, interval, plain, probability, score, signedScore } from '../../../render/figures.ts';
import { type Content, type Markup, markup } from '../../../render/page.ts';
import { type RowGroup, dataTable } from '../../../render/tables.ts';
import { aucText, aucWords, scoreOf } from '../report-words.ts';
import type { CalibrationReport, Evaluation, Reliability, ScoreChange, ScoreName } from '../report.ts';
import type { Interval } from '../statistics.ts';

interface Term {
  readonly name: string;
  readonly meaning: string;
  /** Null: no forecast changes this score. */
  readonly better: 'lower' | 'higher' | null;
}

/** Names of the scores, and their meaning for readers who do not know them. */
const SCORE_TERMS = {
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

function betterText(name: ScoreName): string {
  const { better } = SCORE_TERMS[name];
  return better === null ? 'fixed' : `${better} is better`;
}

/** Reliability diagrams before and after, and the scores that summarise them. */
export function scoresSection(report: CalibrationReport): Markup {
  const { before, after } = report.out_of_fold.reliability;
  return markup`<section id="reliability"><h2>Reliability, before and after</h2>
<p class="lead">Of what was said with a confidence of 0.7, 70 % should win: a calibrated model's line stays on the diagonal, within the band. Out of fold: each outcome was judged by a map fitted on earlier ones only.</p>
<ul class="legend">
<li><svg viewBox="0 0 28 12" aria-hidden="true"><path class="fit before" d="M2 6H26"/></svg>win rate, before</li>
<li><svg viewBox="0 0 28 12" aria-hidden="true"><path class="fit after" d="M2 6H26"/></svg>win rate, mapped</li>
<li><svg viewBox="0 0 28 12" aria-hidden="true"><rect class="band after" width="28" height="12"/></svg>where it stays in 95 % of samples if calibrated</li>
<li><svg viewBox="0 0 28 12" aria-hidden="true"><path class="diagonal" d="M2 6H26"/></svg>perfect</li>
<li><svg viewBox="0 0 28 12" aria-hidden="true"><rect class="bar" x="4" y="5" width="8" height="7"/><rect class="bar" x="14" width="8" height="12"/></svg>outcomes by confidence</li></ul>
<div class="columns">
<figure><figcaption>Before<span>${report.parent ?? 'raw confidence'}</span></figcaption>${reliabilityChart('before', 'Reliability of raw confidence, out of fold', before)}</figure>
<figure><figcaption>After<span>calibrated confidence</span></figcaption>${reliabilityChart('after', 'Reliability of calibrated confidence, out of fold', after)}</figure></div>
<p class="lead">The line is the isotonic fit of outcomes on confidences (CORP: pool-adjacent-violators), so no choice of bins shapes it.</p></section>
<section id="scores"><h2>Scores</h2>
<p class="lead">Out of fold is what to expect of later outcomes; in sample, where the map has seen the answers, flatters it. Intervals are the middle 95 % of 500 resamples of whole blocks of time, around the score: ${effectiveSizeText(report)}. Brier = MCB − DSC + UNC. AUC ${aucText(report.auc)}: ${aucWords(report.auc)}; 50 is a coin toss, 100 tells all apart, and no rising map changes it.</p>
${scoresTable(report)}
<figure><figcaption>How much each score changed<span>filled and thick: out of fold; hollow and thin: in sample; an interval that reaches 0 may be chance</span></figcaption>${intervalChart(report)}</figure></section>`;
}

function scoresTable(report: CalibrationReport): Markup {
  const { out_of_fold: later, in_sample: fitted } = report;
  const columns = [
    { head: 'Score' },
    { head: 'Before', align: 'right' },
    { head: '95 % interval', align: 'right' },
    { head: 'After', align: 'right' },
    { head: '95 % interval', align: 'right' },
    { head: 'Change', align: 'right' },
    { head: '95 % interval', align: 'right' },
  ] as const;
  return dataTable(
    `Before is ${report.parent ?? 'raw confidence'}, after is this map; ECE has 15 equal-width bins`,
    columns,
    [group('Out of fold', later, explained), group('In sample', fitted, ({ name }) => SCORE_TERMS[name].name)],
  );
}

/** Unit: milliseconds. */
const HOUR_MS = 60 * 60 * 1000;

function effectiveSizeText({ dependence: { n, effective, blocks, block_ms: length } }: CalibrationReport): string {
  const drawn = length === null ? `${count(blocks)} blocks` : `${count(blocks)} blocks of ${plain(length / HOUR_MS)} h`;
  return `${count(n)} outcomes in ${drawn} are worth ${count(Math.round(effective))} independent ones`;
}

function group(title: string, { n, scores }: Evaluation, nameOf: (score: ScoreChange) => Content): RowGroup {
  const rows = scores.map((one) => [
    nameOf(one),
    score(one.before),
    quiet(interval(one.before_interval, score)),
    score(one.after),
    quiet(interval(one.after_interval, score)),
    signedScore(one.change),
    quiet(interval(one.change_interval, signedScore)),
  ]);
  return { title: `${title}, n = ${count(n)}`, rows };
}

/** The name, and below it the meaning. */
function explained({ name }: ScoreChange): Markup {
  return markup`${SCORE_TERMS[name].name}<span class="term">${SCORE_TERMS[name].meaning}; ${betterText(name)}</span>`;
}

function quiet(text: string): Markup {
  return markup`<span class="dim">${text}</span>`;
}

/** A CORP reliability diagram: fit, consistency band, diagonal, and how many forecasts lie where. */
function reliabilityChart(which: 'before' | 'after', title: string, reliability: Reliability): Markup {
  const { x, y, band, histogram } = reliability;
  const edge = [...corners(band.x, band.high), ...corners(band.x, band.low).toReversed()];
  const fit = corners(x, y);
  const content = markup`<path class="band ${which}" d="${linePath(edge)}Z"/>
<path class="fit ${which}" d="${linePath(fit)}"/>`;
  return unitPlot({
    id: `reliability-${which}`,
    title,
    description: diagramText(fit, histogram),
    xTitle: which === 'before' ? 'raw confidence' : 'calibrated confidence',
    yTitle: 'win rate',
    histogram,
    content: edge.length === 0 ? markup`<path class="fit ${which}" d="${linePath(fit)}"/>` : content,
  });
}

/** The chart in words, for screen readers. */
function diagramText(fit: readonly (readonly [number, number])[], histogram: readonly number[]): string {
  const first = fit[0];
  const last = fit.at(-1);
  if (first === undefined || last === undefined) return 'There is no forecast to show.';
  const [x, y] = fit.reduce((widest, corner) => (gap(corner) > gap(widest) ? corner : widest));
  const n = histogram.reduce((sum, bin) => sum + bin, 0);
  const where = gap([x, y]) < 0.0005 ? 'It lies on the diagonal.' : farthest(x, y);
  return `Observed win rate over ${count(n)} forecasts from ${probability(first[0])} to ${probability(last[0])}. ${where}`;
}

function farthest(x: number, y: number): string {
  const side = y < x ? 'below' : 'above';
  return `It is farthest from the diagonal at ${probability(x)}, where the win rate is ${probability(y)}: ${probability(gap([x, y]))} ${side} what was said.`;
}

function gap([x, y]: readonly [number, number]): number {
  return Math.abs(y - x);
}

function corners(x: readonly number[], y: readonly number[]): (readonly [number, number])[] {
  return x.map((value, index) => [value, y[index] ?? Number.NaN] as const);
}

/** Measures of the chart of changes. Unit: user units of the drawing. */
const LEFT = 92;
const WIDTH = 360;
const ROW = 34;
const RIGHT = WIDTH - 12;

/** How each score changed, out of fold and in sample, with 95 % intervals about a line at 0. UNC cannot change and is left out. */
function intervalChart({ out_of_fold: later, in_sample: fitted }: CalibrationReport): Markup {
  const scores = later.scores.filter((one) => SCORE_TERMS[one.name].better !== null && isDrawable(one));
  const pairs = scores.map((one) => {
    const inSample = scoreOf(fitted, one.name);
    return { later: one, fitted: inSample !== undefined && isDrawable(inSample) ? inSample : null };
  });
  const scale = scaleOf(pairs.flatMap((pair) => (pair.fitted === null ? [pair.later] : [pair.later, pair.fitted])));
  const bottom = 6 + pairs.length * ROW;
  const ticks = scale.ticks.map(
    (tick) =>
      markup`<path class="grid" d="M${scale.at(tick)} 6V${bottom}"/><text x="${scale.at(tick)}" y="${bottom + 13}" text-anchor="middle">${tick === 0 ? '0' : signedScore(tick).replace(/0+$/, '')}</text>`,
  );
  const described = scores.map(
    ({ name, change, change_interval: range }) =>
      `${SCORE_TERMS[name].name} ${signedScore(change)} (${interval(range, signedScore)})`,
  );
  return markup`<svg class="intervals" viewBox="0 0 ${WIDTH} ${bottom + 32}" role="img" aria-labelledby="intervals-title intervals-text">
<title id="intervals-title">Change of each score with its 95 % interval</title>
<desc id="intervals-text">Out of fold: ${described.join('; ')}.</desc>
${ticks}<path class="zero" d="M${scale.at(0)} 6V${bottom}"/>
${pairs.map((pair, index) => row(pair.later, pair.fitted, 6 + index * ROW, scale.at))}
<text x="${(LEFT + RIGHT) / 2}" y="${bottom + 28}" text-anchor="middle">change, after − before</text>
</svg>`;
}

function row(later: ScoreChange, fitted: ScoreChange | null, top: number, at: (value: number) => number): Markup {
  return markup`<text class="name" x="0" y="${top + 15}">${SCORE_TERMS[later.name].name}</text><text x="0" y="${top + 27}">${betterText(later.name)}</text>
${whisker('after', later.change, later.change_interval, top + 13, at)}
${fitted === null ? null : whisker('quiet', fitted.change, fitted.change_interval, top + 23, at)}`;
}

function whisker(
  kind: string,
  change: number,
  { low, high }: Interval,
  y: number,
  at: (value: number) => number,
): Content {
  const shape = kind === 'quiet' ? 'dot hollow quiet' : `dot ${kind}`;
  return markup`<path class="whisker ${kind}" d="M${at(low)} ${y}H${at(high)}"/><circle class="${shape}" cx="${at(change)}" cy="${y}" r="3.5"/>`;
}

function scaleOf(scores: readonly ScoreChange[]) {
  const ends = scores.flatMap(({ change_interval: { low, high } }) => [low, high]);
  const low = Math.min(0, ...ends);
  const high = Math.max(0, ...ends);
  const margin = (high - low || 0.01) * 0.06;
  const [from, to] = [low - margin, high + margin];
  const at = (value: number) => round(LEFT + ((RIGHT - LEFT) * (value - from)) / (to - from));
  return { at, ticks: ticksBetween(from, to) };
}

/** Three to six round numbers. */
function ticksBetween(from: number, to: number): readonly number[] {
  const rough = (to - from) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => power * factor >= rough) ?? 10);
  const first = Math.ceil(from / step);
  const last = Math.floor(to / step);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

function isDrawable({ change, change_interval: { low, high } }: ScoreChange): boolean {
  return [change, low, high].every(Number.isFinite);
}
