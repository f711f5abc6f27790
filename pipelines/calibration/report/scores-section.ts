import type { CalibrationReport, Evaluation, ScoreChange } from '../report.ts';
import { type DataGroup, dataTable } from '../../../render/data-table.ts';
import { count, interval, score, signedScore } from '../../../render/figures.ts';
import { intervalChart } from './interval-chart.ts';
import { type Content, type Markup, markup } from '../../../render/markup.ts';
import { reliabilityChart } from './reliability-chart.ts';
import { SCORE_TERMS, aucWords, betterText } from './terms.ts';
import { aucText } from './verdict.ts';

/** Scores before and after, and the reliability diagrams that they summarise. */
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
<p class="lead">Out of fold is what to expect of later outcomes; in sample, where the map has seen the answers, flatters it. Intervals are the middle 95 % of 500 resamples of whole blocks of time, around the score: ${worth(report)}. Brier = MCB − DSC + UNC. AUC ${aucText(report.auc)}: ${aucWords(report.auc)}.</p>
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

function worth({ dependence: { n, effective, blocks } }: CalibrationReport): string {
  return `${count(n)} outcomes in ${count(blocks)} blocks are worth ${count(Math.round(effective))} independent ones`;
}

function group(title: string, { n, scores }: Evaluation, nameOf: (score: ScoreChange) => Content): DataGroup {
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

/** The name, and under it what it means. */
function explained({ name }: ScoreChange): Markup {
  return markup`${SCORE_TERMS[name].name}<span class="term">${SCORE_TERMS[name].meaning}; ${betterText(name)}</span>`;
}

function quiet(text: string): Markup {
  return markup`<span class="dim">${text}</span>`;
}
