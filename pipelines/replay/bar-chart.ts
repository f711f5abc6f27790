import type { FlipCount } from './flip-tally.ts';
import { count, percent } from '../../render/figures.ts';
import { type Markup, markup } from '../../render/markup.ts';
import { round } from '../../render/unit-plot.ts';

/** Units: user units of the drawing. */
const LEFT = 96;
const BAR = 210;
const WIDTH = 400;
const ROW = 20;

export interface BarChart {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  readonly counts: readonly FlipCount[];
}

/** For each name the share of its snapshots that flip, as a bar out of a whole, with the figures beside it. */
export function barChart({ id, title, counts }: BarChart): Markup {
  const described = counts.map(({ name, snapshots, flips }) => `${name}: ${count(flips)} of ${count(snapshots)}`);
  const rows = counts.map(({ name, snapshots, flips }, index) => {
    const top = index * ROW;
    const share = snapshots === 0 ? 0 : flips / snapshots;
    const figures = snapshots === 0 ? 'none seen' : `${percent(share)} of ${count(snapshots)}`;
    return markup`<text class="name end" x="${LEFT - 8}" y="${top + 14}">${name}</text><rect class="whole" x="${LEFT}" y="${top + 4}" width="${BAR}" height="13"/><rect class="part" x="${LEFT}" y="${top + 4}" width="${round(BAR * share)}" height="13"/><text x="${LEFT + BAR + 6}" y="${top + 14}">${figures}</text>
`;
  });
  return markup`<svg class="bars" viewBox="0 0 ${WIDTH} ${Math.max(1, counts.length) * ROW + 4}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${title}</title><desc id="${id}-text">${described.join('; ')}.</desc>
${rows}</svg>`;
}
