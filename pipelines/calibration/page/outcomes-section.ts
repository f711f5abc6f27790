import { round } from '../../../render/charts.ts';
import {
  count,
  interval,
  percent,
  plural,
  points,
  probability,
  score,
  signedProbability,
} from '../../../render/figures.ts';
import { type Content, type Markup, markup } from '../../../render/page.ts';
import { type RowGroup, dataTable } from '../../../render/tables.ts';
import { driftText } from '../report-words.ts';
import type { CalibrationReport, Slice } from '../report.ts';
import { SLICED_BY, type SliceFigures, type SlicedBy } from '../slice-figures.ts';
import { type Interval, wilsonInterval } from '../statistics.ts';

/** Symbols and reasons beyond these become one row; the report as JSON has all. Unit: rows of a kind. */
const MOST_SLICES = 20;

/** Parts of a kind beyond these are in the report as JSON only. Unit: rows of a kind. */
const MOST_PARTS = 20;

/** Half a year. Unit: weeks. */
const MOST_WEEKS = 26;

/** Kinds of slices in the order in which they are shown, with their names in the table. */
const SLICE_TITLES = {
  label: 'Label',
  model: 'Model',
  side: 'Side',
  exit_reason: 'Exit reason',
  policy: 'Policy at close',
  regime: 'Regime at entry',
  symbol: 'Symbol',
} as const satisfies Record<Slice['by'], string>;

/** Names of what `--by` splits the outcomes by. */
const SLICED_TITLES = {
  symbol: 'Symbol',
  side: 'Side',
  regime: 'Regime at entry',
  age: 'Time held',
  policy: 'Policy at close',
} as const satisfies Record<SlicedBy, string>;

/** The outcomes behind the fit by label rule and slice, the outcomes left out, and how small a gap so many can show. */
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
${sliceTable(report)}
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

function sliceTable(report: CalibrationReport): Markup {
  const columns = [
    { head: 'Slice' },
    { head: 'n', align: 'right' },
    { head: 'Wins', align: 'right' },
    { head: 'Win rate', align: 'right' },
    { head: '95 % interval', align: 'right' },
    { head: 'Mean confidence', align: 'right' },
    { head: '0 to 100 %' },
  ] as const;
  const groups = Object.entries(SLICE_TITLES).flatMap(([by, title]): RowGroup[] => {
    const own = report.slices.filter((slice) => slice.by === by).toSorted((one, other) => other.n - one.n);
    const rest = own.slice(MOST_SLICES);
    const shown = [...own.slice(0, MOST_SLICES), ...(rest.length === 0 ? [] : [merged(rest)])];
    return own.length === 0 ? [] : [{ title, rows: shown.map(sliceCells) }];
  });
  const caption =
    'Dot and bar: win rate with Wilson’s 95 % interval; tick: mean raw confidence. A position with several exit reasons counts for each';
  return dataTable(caption, columns, groups);
}

/** Several slices of a kind as one. */
function merged(slices: readonly Slice[]): Slice {
  const n = slices.reduce((sum, slice) => sum + slice.n, 0);
  return {
    by: slices[0]?.by ?? 'symbol',
    name: `${slices.length} others`,
    n,
    wins: slices.reduce((sum, { wins }) => sum + wins, 0),
    confidence: slices.reduce((sum, slice) => sum + slice.confidence * slice.n, 0) / n,
  };
}

/** By label there is no win rate: the label is the result itself. */
function sliceCells({ by, name, n, wins, confidence }: Slice): readonly Content[] {
  const mean = probability(confidence);
  if (by === 'label') return [name, count(n), '–', '–', '–', mean, null];
  const rate = wins / n;
  const range = wilsonInterval({ successes: wins, n });
  return [
    name,
    count(n),
    count(wins),
    percent(rate),
    markup`<span class="dim">${interval(range, percent)}</span>`,
    mean,
    rateBar(rate, range, confidence),
  ];
}

/** Width of the bar. Unit: user units of the drawing. */
const BAR_WIDTH = 120;

/** A win rate with its interval, and a tick at the mean confidence. Hidden from screen readers: the table has the numbers. */
function rateBar(rate: number, { low, high }: Interval, confidence: number): Markup {
  const at = (share: number) => round(4 + (BAR_WIDTH - 8) * share);
  return markup`<svg class="rate" viewBox="0 0 ${BAR_WIDTH} 12" aria-hidden="true"><path class="grid" d="M4 6H${BAR_WIDTH - 4}"/><path class="whisker after" d="M${at(low)} 6H${at(high)}"/><circle class="dot after" cx="${at(rate)}" cy="6" r="3"/><path class="said" d="M${at(confidence)} 1V11"/></svg>`;
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

const PART_COLUMNS = [
  { head: 'Part' },
  { head: 'n', align: 'right' },
  { head: 'Hit rate', align: 'right' },
  { head: 'Mean confidence', align: 'right' },
  { head: 'Gap', align: 'right' },
  { head: '95 % interval', align: 'right' },
  { head: 'Brier', align: 'right' },
] as const;

/** Where raw confidence is off: by the parts asked for, and week by week. */
export function slicesSection({ sliced }: CalibrationReport): Markup {
  const { all, slices, weeks, cusum } = sliced;
  const parts = SLICED_BY.flatMap((by): RowGroup[] => {
    const own = slices.filter((slice) => slice.by === by);
    return own.length === 0 ? [] : [{ title: SLICED_TITLES[by], rows: own.slice(0, MOST_PARTS).map(partCells) }];
  });
  const latest = weeks.slice(-MOST_WEEKS);
  const older = weeks.length === latest.length ? '' : `, the latest ${MOST_WEEKS} of ${count(weeks.length)}`;
  return markup`<section id="slices"><h2>Where it is off</h2>
<p class="lead">Gap: mean raw confidence minus the share that won; above 0 the model is over-confident. Intervals count with days, since positions of one day share a market; fewer than 10 days have none. Among many parts some look odd by chance, and the map stays one for all of them.</p>
${dataTable('Parts of the usable outcomes, the largest first', PART_COLUMNS, [{ rows: [partCells(all)] }, ...parts])}
<h3>Over time</h3>
<p class="lead">Drift: ${driftText(cusum)}.</p>
${dataTable(`By the week in which positions closed, from Monday, UTC${older}`, PART_COLUMNS, [{ rows: latest.map(partCells) }])}</section>`;
}

function partCells({ by, name, n, hit_rate, mean_confidence, gap, gap_low, gap_high, brier }: SliceFigures): Content[] {
  const range =
    gap_low === null || gap_high === null ? '–' : interval({ low: gap_low, high: gap_high }, signedProbability);
  return [
    by === 'all' ? 'All' : name,
    count(n),
    percent(hit_rate),
    probability(mean_confidence),
    signedProbability(gap),
    markup`<span class="dim">${range}</span>`,
    score(brier),
  ];
}
