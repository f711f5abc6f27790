import type { Reliability } from '../report.ts';
import { count, probability } from '../../../render/figures.ts';
import { type Markup, markup } from '../../../render/markup.ts';
import { linePath, unitPlot } from '../../../render/unit-plot.ts';

/** A CORP reliability diagram: fit, consistency band, diagonal, and how many forecasts lie where. */
export function reliabilityChart(which: 'before' | 'after', title: string, reliability: Reliability): Markup {
  const { x, y, band, histogram } = reliability;
  const edge = [...pairs(band.x, band.high), ...pairs(band.x, band.low).toReversed()];
  const fit = pairs(x, y);
  const content = markup`<path class="band ${which}" d="${linePath(edge)}Z"/>
<path class="fit ${which}" d="${linePath(fit)}"/>`;
  return unitPlot({
    id: `reliability-${which}`,
    title,
    description: described(fit, histogram),
    xTitle: which === 'before' ? 'raw confidence' : 'calibrated confidence',
    yTitle: 'win rate',
    histogram,
    content: edge.length === 0 ? markup`<path class="fit ${which}" d="${linePath(fit)}"/>` : content,
  });
}

/** The chart in words, for who cannot see it. */
function described(fit: readonly (readonly [number, number])[], histogram: readonly number[]): string {
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

function pairs(x: readonly number[], y: readonly number[]): (readonly [number, number])[] {
  return x.map((value, index) => [value, y[index] ?? Number.NaN] as const);
}
