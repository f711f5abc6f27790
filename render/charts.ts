/** Charts of a page: the unit square of probabilities, and bars by share. */
import { count, percent } from './figures.ts';
import { type Content, type Markup, markup } from './page.ts';

/** The place of the unit square in the drawing. Units: user units of the drawing. */
export const PLOT = { left: 36, top: 8, size: 272, width: 320 } as const;

const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1] as const;

export function plotX(probability: number): number {
  return round(PLOT.left + PLOT.size * probability);
}

export function plotY(probability: number): number {
  return round(PLOT.top + PLOT.size * (1 - probability));
}

/** To a tenth of a unit, which cannot be seen: more digits would only make the page larger. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** `M x y L x y …` through the points that are numbers. */
export function linePath(points: readonly (readonly [x: number, y: number])[]): string {
  return points
    .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y))
    .map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${plotX(x)} ${plotY(y)}`)
    .join('');
}

interface UnitPlot {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly xTitle: string;
  readonly yTitle: string;
  /** Counts of the histogram below, one for each bin of equal width. */
  readonly histogram: readonly number[];
  readonly content: Content;
}

const BARS = { top: PLOT.top + PLOT.size + 6, height: 34 } as const;
const HEIGHT = BARS.top + BARS.height + 34;

/** The unit square with its grid, the line of no change, and a histogram that shares its horizontal axis. */
export function unitPlot({ id, title, description, xTitle, yTitle, histogram, content }: UnitPlot): Markup {
  const bottom = BARS.top + BARS.height;
  const middle = PLOT.left + PLOT.size / 2;
  const grid = TICKS.map(
    (
      tick,
    ) => markup`<path class="grid" d="M${plotX(tick)} ${PLOT.top}V${bottom}M${PLOT.left} ${plotY(tick)}h${PLOT.size}"/>
<text x="${plotX(tick)}" y="${bottom + 13}" text-anchor="middle">${tick.toFixed(1)}</text>
<text x="${PLOT.left - 5}" y="${plotY(tick) + 3.5}" text-anchor="end">${tick.toFixed(1)}</text>`,
  );
  return markup`<svg class="plot" viewBox="0 0 ${PLOT.width} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${title}</title><desc id="${id}-text">${description}</desc>
${grid}${histogramBars(histogram)}
<path class="diagonal" d="M${plotX(0)} ${plotY(0)}L${plotX(1)} ${plotY(1)}"/>
${content}
<text x="${middle}" y="${bottom + 28}" text-anchor="middle">${xTitle}</text>
<text transform="translate(10 ${PLOT.top + PLOT.size / 2}) rotate(-90)" text-anchor="middle">${yTitle}</text>
</svg>`;
}

function histogramBars(histogram: readonly number[]): Content {
  const most = Math.max(1, ...histogram);
  const width = PLOT.size / Math.max(1, histogram.length);
  return histogram.map((n, index) => {
    const height = round((BARS.height * n) / most);
    const left = round(PLOT.left + index * width + 0.5);
    return n === 0
      ? null
      : markup`<rect class="bar" x="${left}" y="${round(BARS.top + BARS.height - height)}" width="${round(width - 1)}" height="${height}"/>`;
  });
}

/** Units: user units of the drawing. */
const LABELS = 96;
const BAR = 210;
const WIDTH = 400;
const ROW = 20;

/** A bar out of a whole. */
export interface SharedBar {
  readonly name: string;
  readonly part: number;
  readonly whole: number;
}

interface BarChart {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  readonly bars: readonly SharedBar[];
}

/** For each name its share as a bar out of a whole, with the figures beside it. */
export function barChart({ id, title, bars: shares }: BarChart): Markup {
  const described = shares.map(({ name, part, whole }) => `${name}: ${count(part)} of ${count(whole)}`);
  const rows = shares.map(({ name, part, whole }, index) => {
    const top = index * ROW;
    const share = whole === 0 ? 0 : part / whole;
    const figures = whole === 0 ? 'none seen' : `${percent(share)} of ${count(whole)}`;
    return markup`<text class="name end" x="${LABELS - 8}" y="${top + 14}">${name}</text><rect class="whole" x="${LABELS}" y="${top + 4}" width="${BAR}" height="13"/><rect class="part" x="${LABELS}" y="${top + 4}" width="${round(BAR * share)}" height="13"/><text x="${LABELS + BAR + 6}" y="${top + 14}">${figures}</text>
`;
  });
  return markup`<svg class="bars" viewBox="0 0 ${WIDTH} ${Math.max(1, shares.length) * ROW + 4}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${title}</title><desc id="${id}-text">${described.join('; ')}.</desc>
${rows}</svg>`;
}
