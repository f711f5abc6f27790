import type { CalibrationReport } from '../report.ts';
import { SLICED_BY, type SliceFigures } from '../slice-figures.ts';
import { type DataGroup, dataTable } from '../../../render/data-table.ts';
import { count, interval, percent, probability, score, signedProbability } from '../../../render/figures.ts';
import { type Content, type Markup, markup } from '../../../render/markup.ts';
import { driftText } from './sliced-lines.ts';
import { SLICED_TITLES } from './terms.ts';

/** Parts of a kind beyond these are in report.json. */
const MOST_PARTS = 20;

/** Half a year. Unit: weeks. */
const MOST_WEEKS = 26;

const COLUMNS = [
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
  const parts = SLICED_BY.flatMap((by): DataGroup[] => {
    const own = slices.filter((slice) => slice.by === by);
    return own.length === 0 ? [] : [{ title: SLICED_TITLES[by], rows: own.slice(0, MOST_PARTS).map(cells) }];
  });
  const latest = weeks.slice(-MOST_WEEKS);
  const older = weeks.length === latest.length ? '' : `, the latest ${MOST_WEEKS} of ${count(weeks.length)}`;
  return markup`<section id="slices"><h2>Where it is off</h2>
<p class="lead">Gap: mean raw confidence minus the share that won; above 0 the model is over-confident. Intervals count with days, since positions of one day share a market; fewer than 10 days have none. Among many parts some look odd by chance, and the map stays one for all of them.</p>
${dataTable('Parts of the usable outcomes, the largest first', COLUMNS, [{ rows: [cells(all)] }, ...parts])}
<h3>Over time</h3>
<p class="lead">Drift: ${driftText(cusum)}.</p>
${dataTable(`By the week in which positions closed, from Monday, UTC${older}`, COLUMNS, [{ rows: latest.map(cells) }])}</section>`;
}

function cells({ by, name, n, hit_rate, mean_confidence, gap, gap_low, gap_high, brier }: SliceFigures): Content[] {
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
