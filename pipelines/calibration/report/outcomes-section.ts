import type { CalibrationReport } from '../report.ts';
import { dataTable } from '../../../render/data-table.ts';
import { count, interval, percent, plural, points, probability } from '../../../render/figures.ts';
import { type Content, type Markup, markup } from '../../../render/markup.ts';
import { rateBar } from './rate-bar.ts';
import { type SliceRow, sliceGroups } from './slice-groups.ts';

/** More rows of a kind than this tell nobody more. */
const TOP = 20;

/** What the fit was made of, what was left out, and how small an effect so many outcomes can show. */
export function outcomesSection(report: CalibrationReport): Markup {
  const { label_rule: rule, counts, detectable } = report;
  const enough = Math.abs(detectable.found) >= detectable.gap;
  return markup`<section id="outcomes"><h2>Outcomes</h2>
<p class="lead">${rule}. ${count(counts.final)} final outcomes were read: ${count(counts.usable)} usable, ${count(counts.neutral)} NEUTRAL, ${count(counts.excluded)} excluded.</p>
<h3>By label rule</h3>
${labelRates(report)}
<h3>What so many outcomes can show</h3>
<p>${count(detectable.n)} outcomes find a gap of ${points(detectable.gap)} between said and true win rate in 4 of 5 samples (95 % test). The gap found is ${points(detectable.found)}: ${enough ? 'large enough to be seen' : 'too small to be told from chance with so few'}.</p>
<h3>By slice</h3>
${slices(report)}
<h3>Left out</h3>
${exclusions(report)}</section>`;
}

function labelRates({ label_rates: rates }: CalibrationReport): Markup {
  const columns = [
    { head: 'Rule' },
    { head: 'Outcomes', align: 'right' },
    { head: 'P(WIN)', align: 'right' },
    { head: 'P(WIN | decided)', align: 'right' },
    { head: 'NEUTRAL', align: 'right' },
  ] as const;
  const share = (value: number | null): string => (value === null ? '–' : percent(value));
  const rows = rates.map(({ rule, n, win, win_if_decided: decided, neutral_share: neutral }, index) => [
    index === 0 ? markup`<strong>${rule}</strong> (fitted)` : rule,
    count(n),
    share(win),
    share(decided),
    share(neutral),
  ]);
  return dataTable('The rule that was fitted, and what the others would have given', columns, [{ rows }]);
}

function slices(report: CalibrationReport): Markup {
  const columns = [
    { head: 'Slice' },
    { head: 'n', align: 'right' },
    { head: 'Wins', align: 'right' },
    { head: 'Win rate', align: 'right' },
    { head: '95 % interval', align: 'right' },
    { head: 'Mean confidence', align: 'right' },
    { head: '0 to 100 %' },
  ] as const;
  const groups = sliceGroups(report.slices, TOP).map(({ title, rows }) => ({ title, rows: rows.map(cells) }));
  const caption =
    'Dot and bar: win rate with Wilson’s 95 % interval; tick: mean raw confidence. A position with several exit reasons counts for each';
  return dataTable(caption, columns, groups);
}

function cells({ name, n, won, confidence }: SliceRow): readonly Content[] {
  const said = probability(confidence);
  if (won === null) return [name, count(n), '–', '–', '–', said, null];
  const { wins, rate, interval: range } = won;
  return [
    name,
    count(n),
    count(wins),
    percent(rate),
    markup`<span class="dim">${interval(range, percent)}</span>`,
    said,
    rateBar(won, confidence),
  ];
}

function exclusions({ excluded, counts }: CalibrationReport): Markup {
  if (excluded.length === 0) return markup`<p class="lead">Nothing: every final outcome is part of the fit.</p>`;
  const columns = [
    { head: 'Reason' },
    { head: 'Outcomes', align: 'right' },
    { head: 'Of all final', align: 'right' },
  ] as const;
  const rows = excluded.map(({ reason, n }) => [reason, count(n), percent(n / counts.final)]);
  return dataTable(`${plural(excluded.length, 'reason')}, the most frequent first`, columns, [{ rows }]);
}
