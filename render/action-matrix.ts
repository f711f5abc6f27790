/** The matrix of actions: what is decided now against what a candidate (a policy, a calibration map) decides on the same snapshots. */
import { count, percent } from './figures.ts';
import { type Markup, markup } from './page.ts';
import { plainTable } from './tables.ts';
import { pc } from './terminal.ts';

/** From keeping everything to closing everything. */
export const ACTIONS = ['HOLD', 'PARTIAL_CLOSE', 'CLOSE'] as const;
export type Action = (typeof ACTIONS)[number];

type Matrix<N> = Readonly<Record<Action, Readonly<Record<Action, N>>>>;

/** Current action -> candidate action -> snapshots. */
export type ActionMatrix = Matrix<number>;

/** A matrix to count in. */
export function emptyMatrix(): Record<Action, Record<Action, number>> {
  const row = (): Record<Action, number> => ({ HOLD: 0, PARTIAL_CLOSE: 0, CLOSE: 0 });
  return { HOLD: row(), PARTIAL_CLOSE: row(), CLOSE: row() };
}

/** The names of both sides. */
interface Sides {
  readonly current: string;
  readonly candidate: string;
}

/** For a terminal: rows are current actions, columns the candidate's, flips in a colour. Null: not recorded. */
export function matrixLines(matrix: Matrix<number | null>, { current, candidate }: Sides): readonly string[] {
  const columns = [
    { head: `${current} ↓  ${candidate} →` },
    ...ACTIONS.map((head) => ({ head, align: 'right' as const })),
  ];
  const rows = ACTIONS.map((from) => [
    from,
    ...ACTIONS.map((to) => {
      const n = matrix[from][to];
      if (n === null) return '-';
      return from !== to && n > 0 ? pc.yellow(count(n)) : count(n);
    }),
  ]);
  return plainTable(columns, rows);
}

/** Units: user units of the drawing. */
const LEFT = 104;
const TOP = 36;
const CELL = { width: 84, height: 44 } as const;

/** The depth of a cell with all snapshots; text stays readable on it in light and dark. */
const DEEPEST = 0.45;

/** The least depth that can be seen. */
const FAINTEST = 0.06;

/** For a page: rows are current actions, columns the candidate's; off the diagonal are the flips. Once in a page. */
export function matrixChart(matrix: ActionMatrix, { current, candidate }: Sides, title: string): Markup {
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
<title id="matrix-title">${title}</title><desc id="matrix-text">${described.join('; ')}.</desc>
<text x="${LEFT + 1.5 * CELL.width}" y="12">${candidate} →</text><text class="row" x="${LEFT - 8}" y="${TOP - 7}">${current} ↓</text>
${heads}
${cells}</svg>`;
}

function depth(share: number): number {
  // The square root, so that rare flips are seen beside what both agree on.
  return share === 0 ? 0 : Number((FAINTEST + (DEEPEST - FAINTEST) * Math.sqrt(share)).toFixed(2));
}
