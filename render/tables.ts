import Table from 'cli-table3';
import { oneLine, pc } from './terminal.ts';
import { type Content, type Markup, markup, trusted } from './page.ts';

export interface PlainColumn {
  readonly head: string;
  readonly align?: 'left' | 'right';
}

/** Rules and frames cost a third of a narrow terminal; two spaces part columns as well. */
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

/** A table of aligned columns without borders, as lines. Cells may be coloured. */
export function plainTable(columns: readonly PlainColumn[], rows: readonly (readonly string[])[]): readonly string[] {
  const table = new Table({
    head: columns.map(({ head }) => (head === '' ? '' : pc.bold(head))),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    style: { head: [], 'padding-left': 0, 'padding-right': 2 },
    chars: NO_BORDERS,
  });
  for (const row of rows) table.push(row.map(oneLine));
  return table.toString().split('\n').map(withoutPadding);
}

/** Spaces at the end of a line, before the codes that end a colour, would wrap a wide table. Linear: a cell may be nothing but spaces. */
function withoutPadding(line: string): string {
  const codes = CLOSING.exec(line)?.[0] ?? '';
  let end = line.length - codes.length;
  while (line[end - 1] === ' ') end -= 1;
  return line.slice(0, end) + codes;
}

export interface DataColumn {
  readonly head: string;
  readonly align?: 'left' | 'right';
}

/** Rows under a common heading; without `title` the table has none. */
export interface DataGroup {
  readonly title?: string;
  /** The first cell of a row is its header. */
  readonly rows: readonly (readonly Content[])[];
}

/** More columns than this do not fit a telephone (390 px). Unit: columns. */
const FITTING = 4;

/** A table that scrolls by itself where the page is narrow, by keyboard too, and says so there. The caption stays where it is, so it is no `<caption>`. */
export function dataTable(
  caption: string,
  columns: readonly DataColumn[],
  groups: readonly DataGroup[],
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

/** A few numbers spread over the whole width are hard to follow along their row. */
function isNarrow(columns: readonly DataColumn[]): boolean {
  return columns.length <= 4 && columns.slice(1).every(({ align }) => align === 'right');
}

function groupHead(title: string, span: number): Markup {
  return markup`<tr class="group"><th scope="rowgroup" colspan="${span}">${title}</th></tr>`;
}

function tableRow(columns: readonly DataColumn[], row: readonly Content[]): Markup {
  const cells = row.map((cell, index) => {
    const align = alignment(columns[index]?.align);
    return index === 0 ? markup`<th scope="row"${align}>${cell}</th>` : markup`<td${align}>${cell}</td>`;
  });
  return markup`<tr>${cells}</tr>\n`;
}

function alignment(align: DataColumn['align']): Markup | null {
  return align === 'right' ? markup` class="number"` : null;
}
