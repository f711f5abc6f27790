import { pc } from '../../render/terminal.ts';
import type { EpochMillis } from '../../schemas/generated/records.ts';
import { terminalWidth } from '../../render/output.ts';
import { dateOf } from '../../render/event-time.ts';

/** Under it nothing can be laid out. Unit: characters. */
const LEAST_COLUMNS = 40;

export function widthOf(columns: number | undefined): number {
  return Math.max(LEAST_COLUMNS, terminalWidth({ columns }));
}

const NO_BREAK_SPACE = '\u00A0';

/** Words that stay on one line: a number and its unit, a name and its place. */
export function together(text: string): string {
  return text.replaceAll(' ', NO_BREAK_SPACE);
}

/** `text` after `head`, on as many lines as it takes, each after the first one indented. No word is broken. */
export function hanging(head: string, text: string, width: number, indent = head.length): readonly string[] {
  const lines: string[] = [];
  let line = head;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = ' '.repeat(indent) + word;
    } else line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].map((one) => one.replaceAll(NO_BREAK_SPACE, ' ').trimEnd());
}

/** Lines that are shown together or not at all. */
export interface Block {
  readonly at: EpochMillis;
  readonly lines: readonly string[];
}

/** Which blocks to show: that at `focus`, and around it, earlier ones first, as many as fit into `rows`. */
export function windowOf(
  blocks: readonly Block[],
  focus: number,
  rows: number,
): { readonly begin: number; readonly end: number } {
  const rowsOf = (index: number): number => blocks[index]?.lines.length ?? Infinity;
  let begin = Math.min(focus, blocks.length);
  let end = Math.min(focus + 1, blocks.length);
  let left = rows - (begin < end ? rowsOf(begin) : 0);
  while (begin > 0 && rowsOf(begin - 1) <= left) {
    begin -= 1;
    left -= rowsOf(begin);
  }
  while (end < blocks.length && rowsOf(end) <= left) {
    left -= rowsOf(end);
    end += 1;
  }
  return { begin, end };
}

/** What `build` gives for the most rows of blocks with which all of it, headings and notes too, fits into `rows`; else for the fewest. */
export function fitted(rows: number, build: (blockRows: number) => readonly string[]): readonly string[] {
  for (let blockRows = rows; blockRows > 1; blockRows -= 1) {
    const lines = build(blockRows);
    if (lines.length <= rows) return lines;
  }
  return build(1);
}

/** The lines of the blocks, with the date where it changes; `date` is the one that stands above them. */
export function dated(blocks: readonly Block[], date: string): readonly string[] {
  return blocks.flatMap(({ at, lines }, index) => {
    const before = blocks[index - 1];
    const known = before === undefined ? date : dateOf(before.at);
    return known === dateOf(at) ? lines : [pc.dim(dateOf(at)), ...lines];
  });
}
