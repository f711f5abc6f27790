import Table from 'cli-table3';
import { oneLine, pc } from './terminal.ts';

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
