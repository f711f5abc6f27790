/** Tables, as lines of a terminal and as part of a page. */
import Table from 'cli-table3';
import stringWidth from 'string-width';
import { oneLine, pc } from './terminal.ts';
import { apart, hanging } from './terminal-text.ts';
import { type Content, type Markup, markup, trusted } from './page.ts';

export interface TableColumn {
  readonly head: string;
  readonly align?: 'left' | 'right';
}

/** Frames take a third of a narrow terminal; two spaces separate columns as well. */
const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
} as const;

/** The codes that end colours at the end of a line. */
// oxlint-disable-next-line no-control-regex -- colour codes are control characters
const CLOSING = /(?:\u001B\[[\d;]+m)*$/;

/** A table for a terminal: aligned columns without borders, as lines. Cells may be coloured. */
export function plainTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): readonly string[] {
  const table = new Table({
    head: columns.map(({ head }) => (head === '' ? '' : pc.bold(head))),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    style: { head: [], 'padding-left': 0, 'padding-right': 2 },
    chars: NO_BORDERS,
  });
  for (const row of rows) table.push(row.map(oneLine));
  return table.toString().split('\n').map(withoutPadding);
}

/**
 * A table for a terminal of `width` columns. Where it has no room, each row is a text: its first cell, then the others that are not empty,
 * each after the head of its column.
 */
export function fittingTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  width: number,
): readonly string[] {
  const table = plainTable(columns, rows).map(apart);
  if (table.every((line) => stringWidth(line) <= width)) return table;
  return rows.flatMap(([name = '', ...cells]) => {
    const texts = cells.map((cell, index) => (cell === '' ? '' : `${columns[index + 1]?.head ?? ''} ${cell}`.trim()));
    return hanging(pc.bold(oneLine(name)), `  ${texts.filter((text) => text !== '').join(' · ')}`, width, 2);
  });
}

/** Without the spaces at its end, before the codes that end a colour: they would wrap a wide table. In linear time, for a cell may be nothing but spaces. */
function withoutPadding(line: string): string {
  const codes = CLOSING.exec(line)?.[0] ?? '';
  let end = line.length - codes.length;
  while (line[end - 1] === ' ') end -= 1;
  return line.slice(0, end) + codes;
}

/** Rows of a page's table, under a heading where `title` is given. */
export interface RowGroup {
  readonly title?: string;
  /** The first cell of a row is its header. */
  readonly rows: readonly (readonly Content[])[];
}

/** More columns than this do not fit the 390 px of a telephone. Unit: columns. */
const FITTING = 4;

/**
 * A table for a page. Where the page is narrow it scrolls by itself, by keyboard too, and says so. The caption does not scroll, so it is no
 * `<caption>`.
 */
export function dataTable(
  caption: string,
  columns: readonly TableColumn[],
  groups: readonly RowGroup[],
  { wide = columns.length > FITTING }: { readonly wide?: boolean } = {},
): Markup {
  const heads = columns.map(({ head, align }) => markup`<th scope="col"${alignment(align)}>${head}</th>`);
  const bodies = groups.map(
    ({ title, rows }) =>
      markup`<tbody>${title === undefined ? null : groupHead(title, columns.length)}${rows.map((row) => tableRow(columns, row))}</tbody>`,
  );
  return markup`<p class="caption" aria-hidden="true">${caption}${wide ? trusted('<span class="sideways"> This table scrolls sideways →</span>') : null}</p>
<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table${isNarrow(columns) ? trusted(' class="narrow"') : null} aria-label="${caption}"><thead><tr>${heads}</tr></thead>${bodies}</table></div>`;
}

/** A few columns of numbers are not spread over the whole width: rows would be hard to follow. */
function isNarrow(columns: readonly TableColumn[]): boolean {
  return columns.length <= 4 && columns.slice(1).every(({ align }) => align === 'right');
}

function groupHead(title: string, span: number): Markup {
  return markup`<tr class="group"><th scope="rowgroup" colspan="${span}">${title}</th></tr>`;
}

function tableRow(columns: readonly TableColumn[], row: readonly Content[]): Markup {
  const cells = row.map((cell, index) => {
    const align = alignment(columns[index]?.align);
    return index === 0 ? markup`<th scope="row"${align}>${cell}</th>` : markup`<td${align}>${cell}</td>`;
  });
  return markup`<tr>${cells}</tr>\n`;
}

function alignment(align: TableColumn['align']): Markup | null {
  return align === 'right' ? markup` class="number"` : null;
}
