import { ACTIONS, type Matrix } from './flip-tally.ts';
import { count, percent } from '../../render/figures.ts';
import { type Markup, markup } from '../../render/markup.ts';

/** Units: user units of the drawing. */
const LEFT = 104;
const TOP = 36;
const CELL = { width: 84, height: 44 } as const;

/** A cell with every snapshot is this deep; ink stays readable on it in light and dark. */
const DEEPEST = 0.45;

/** The least that is seen at all. */
const FAINTEST = 0.06;

/** Rows: what the current policy says; columns: what the candidate says. Off the diagonal are the flips. */
export function matrixChart(matrix: Matrix, current: string, candidate: string): Markup {
  const total = ACTIONS.reduce((sum, from) => sum + ACTIONS.reduce((row, to) => row + matrix[from][to], 0), 0);
  const cells = ACTIONS.flatMap((from, row) =>
    ACTIONS.map((to, column) => {
      const n = matrix[from][to];
      const share = total === 0 ? 0 : n / total;
      const left = LEFT + column * CELL.width;
      const top = TOP + row * CELL.height;
      const middle = left + CELL.width / 2;
      return markup`<rect class="${from === to ? 'same' : 'flip'}" fill-opacity="${depth(share)}" x="${left}" y="${top}" width="${CELL.width}" height="${CELL.height}"/><rect class="cell" fill="none" x="${left}" y="${top}" width="${CELL.width}" height="${CELL.height}"/><text class="count" x="${middle}" y="${top + 20}">${count(n)}</text><text x="${middle}" y="${top + 34}">${percent(share)}</text>
`;
    }),
  );
  const heads = ACTIONS.map(
    (action, index) =>
      markup`<text class="name" x="${LEFT + (index + 0.5) * CELL.width}" y="${TOP - 7}">${action}</text><text class="name row" x="${LEFT - 8}" y="${TOP + (index + 0.5) * CELL.height + 4}">${action}</text>`,
  );
  const described = ACTIONS.flatMap((from) => ACTIONS.map((to) => `${from} to ${to}: ${count(matrix[from][to])}`));
  return markup`<svg class="matrix" viewBox="0 0 ${LEFT + 3 * CELL.width + 2} ${TOP + 3 * CELL.height + 2}" role="img" aria-labelledby="matrix-title matrix-text">
<title id="matrix-title">Snapshots by what ${current} and ${candidate} decide</title><desc id="matrix-text">${described.join('; ')}.</desc>
<text x="${LEFT + 1.5 * CELL.width}" y="12">${candidate} →</text><text class="row" x="${LEFT - 8}" y="${TOP - 7}">${current} ↓</text>
${heads}
${cells}</svg>`;
}

function depth(share: number): number {
  // The square root, so that rare flips are not lost beside what both agree on.
  return share === 0 ? 0 : Number((FAINTEST + (DEEPEST - FAINTEST) * Math.sqrt(share)).toFixed(2));
}
