/** Open positions as a table for people that fits a terminal: `positions`, `dev` and `run` show the same one. */
import stringWidth from 'string-width';
import type { BoardPosition } from '../../ports/board.ts';
import { ageText, timeOf } from '../../render/event-time.ts';
import { significant } from '../../render/figures.ts';
import { type TableColumn, plainTable } from '../../render/tables.ts';
import { beginningOf } from '../../render/terminal-text.ts';
import { pc, printable } from '../../render/terminal.ts';

const MINUTE_MS = 60_000;

/** Six significant digits are enough to tell two ticks apart on a screen. */
const PRICE_DIGITS = 6;

const ACTION_COLOURS = { HOLD: pc.dim, PARTIAL_CLOSE: pc.yellow, CLOSE: pc.magenta } as const;

/** How a decision is written, the longest first. */
type DecisionStyle = 'full' | 'short' | 'shortest';

interface Row {
  readonly position: BoardPosition;
  /** What `explain` takes for it. */
  readonly name: string;
}

interface Column extends TableColumn {
  /** Columns of greater worth get the room that there is; null: always shown. */
  readonly worth: number | null;
  readonly text: (row: Row, style: DecisionStyle) => string;
}

/** A decision is written shorter before one of these is left out, and then these before one of those. */
const WORTH_MORE = 6;
const WORTH_MOST = 8;

/** In the order of the screen. */
const COLUMNS: readonly Column[] = [
  { head: 'position', worth: null, text: ({ name }) => printable(name) },
  { head: 'side', worth: 8, text: ({ position: { side } }) => (side === 'LONG' ? pc.green(side) : pc.red(side)) },
  {
    head: 'age',
    align: 'right',
    worth: 9,
    text: ({ position: { age_minutes: minutes } }) => ageText(minutes * MINUTE_MS),
  },
  { head: 'entry', align: 'right', worth: 2, text: ({ position }) => priceText(position.entry_price) },
  { head: 'mark', align: 'right', worth: 4, text: ({ position }) => priceText(position.mark_price) },
  {
    head: 'R',
    align: 'right',
    worth: null,
    text: ({ position: { r } }) => (r >= 0 ? pc.green : pc.red)(r.toFixed(2)),
  },
  { head: 'conf', align: 'right', worth: 7, text: confidenceText },
  { head: 'regime', worth: 3, text: ({ position: { regime } }) => printable(regime ?? '?') },
  {
    head: 'hold/exit',
    align: 'right',
    worth: 6,
    text: ({ position }) => `${significant(position.hold_score, 3)}/${significant(position.exit_score, 3)}`,
  },
  { head: 'decision', worth: null, text: ({ position }, style) => decisionText(position, style) },
  { head: 'reason', worth: 1, text: ({ position: { reason } }) => pc.dim(printable(reason)) },
  { head: 'position_id', worth: 5, text: ({ position }) => printable(position.position_id) },
];

const GAP = 2;

interface TablePlace {
  /** Unit: columns of the terminal. */
  readonly width: number;
  /** At most so many lines, with the head; all where left out. */
  readonly rows?: number;
  /** All that are open: a name has to tell one apart from these. The shown ones where left out. */
  readonly among?: readonly BoardPosition[];
}

/** One line a position, in the order given; the last line says how many had no room. */
export function positionsTable(positions: readonly BoardPosition[], place: TablePlace): readonly string[] {
  const { width, rows = Infinity, among = positions } = place;
  const names = explainNames(among);
  const shown = positions.length < rows ? positions : positions.slice(0, Math.max(0, rows - 2));
  const cells = shown.map((position) => ({
    position,
    name: names.get(position.position_id) ?? position.position_id,
  }));
  const { columns, style } = fitting(cells, width);
  const lines = plainTable(
    columns,
    cells.map((row) => columns.map(({ text }) => text(row, style))),
  ).map((line) => beginningOf(line, width));
  const more = positions.length - shown.length;
  return more > 0 ? [...lines, pc.dim(`… and ${more} more`)] : lines;
}

/** The columns that fit, and how long a decision may be. */
function fitting(
  rows: readonly Row[],
  width: number,
): { readonly columns: readonly Column[]; readonly style: DecisionStyle } {
  for (const [style, least] of [
    ['full', WORTH_MORE],
    ['short', WORTH_MORE],
    ['shortest', WORTH_MOST],
    ['shortest', Infinity],
  ] as const) {
    const columns = columnsFor(rows, width, style, least);
    if (columns !== null) return { columns, style };
  }
  return { columns: COLUMNS.filter(({ worth }) => worth === null), style: 'shortest' };
}

/** The columns that fit with decisions in that style, the worthiest first; null where not even those of `least` worth do. */
function columnsFor(
  rows: readonly Row[],
  width: number,
  style: DecisionStyle,
  least: number,
): readonly Column[] | null {
  const must = ({ worth }: Column): boolean => worth === null || worth >= least;
  const widthOf = (column: Column): number =>
    GAP + Math.max(stringWidth(column.head), ...rows.map((row) => stringWidth(column.text(row, style))));
  const chosen = new Set(COLUMNS.filter(must));
  let left = width + GAP - [...chosen].reduce((sum, column) => sum + widthOf(column), 0);
  if (left < 0) return null;
  for (const column of COLUMNS.toSorted((one, other) => (other.worth ?? 0) - (one.worth ?? 0))) {
    const needs = chosen.has(column) ? Infinity : widthOf(column);
    if (needs > left) continue;
    chosen.add(column);
    left -= needs;
  }
  return COLUMNS.filter((column) => chosen.has(column));
}

/**
 * The shortest name of each position that `explain` takes: its symbol, or the beginning of its id as far as it is needed. By id.
 */
export function explainNames(positions: readonly BoardPosition[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  const shapes = positions.map((position) => {
    const { position_id: id, account, symbol, side } = position;
    const beginnings = [`${account}:${symbol}`, `${account}:${symbol}:${side}`];
    return { id, names: [symbol, ...beginnings.filter((beginning) => id.startsWith(beginning))] };
  });
  for (const name of shapes.flatMap((shape) => shape.names)) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const shape of shapes) names.set(shape.id, shape.names.find((name) => counts.get(name) === 1) ?? shape.id);
  return names;
}

function confidenceText({ position: { confidence, calibrated_confidence: mapped } }: Row): string {
  if (confidence === null) return '?';
  return mapped === null ? confidence.toFixed(2) : `${confidence.toFixed(2)}→${mapped.toFixed(2)}`;
}

/** `PARTIAL_CLOSE 28 % · cooldown until 15:30`, and shorter where that has no room. Times are in UTC. */
function decisionText({ action, fraction, cooldown_until: until }: BoardPosition, style: DecisionStyle): string {
  const paint = ACTION_COLOURS[action];
  if (action !== 'PARTIAL_CLOSE') return paint(action);
  const partial = `${style === 'full' ? action : 'PARTIAL'} ${Math.round(fraction * 100)} %`;
  if (until === null) return paint(partial);
  const time = timeOf(until).slice(0, 'HH:MM'.length);
  const words = { full: ` · cooldown until ${time}`, short: ` · cooldown ${time}`, shortest: ` from ${time}` };
  return pc.dim(partial + words[style]);
}

function priceText(value: number): string {
  return significant(value, PRICE_DIGITS);
}
