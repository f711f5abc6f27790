/**
 * Lays out text on lines of a terminal. Widths are in columns: a wide character takes two.
 *
 * REN-4  A control character in text to be laid out, a line break too, is foreign: it is shown (REN-1), and nothing is laid out by it.
 */
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { oneLine, pc } from './terminal.ts';

const NO_BREAK_SPACE = '\u00A0';

/** Words that `hanging` keeps on one line: a number and its unit, a name and its place. */
export function together(text: string): string {
  return text.replaceAll(' ', NO_BREAK_SPACE);
}

/** Undoes `together`, once lines are broken. */
export function apart(line: string): string {
  return line.replaceAll(NO_BREAK_SPACE, ' ');
}

/** Text on lines of at most `width`, without colours; a longer word gets a line of its own. */
export function wrapped(text: string, width: number): readonly string[] {
  return wrapAnsi(oneLine(text), width).split('\n');
}

/** `text` after `head`, wrapped; every line but the first is indented. */
export function hanging(head: string, text: string, width: number, indent = stringWidth(head)): readonly string[] {
  // A word of the length of what the head has more than the indent, so that all lines are wrapped alike.
  const filler = 'x'.repeat(Math.max(0, stringWidth(head) - indent));
  const [first = '', ...rest] = wrapped(filler + text, width - indent);
  return [head + first.slice(filler.length), ...rest.map((line) => ' '.repeat(indent) + line)].map(apart);
}

/** `text` beside a label whose column is `column` wide, wrapped; each of its lines is painted by itself. */
export function labelled(
  label: string,
  text: string,
  { width, column }: { readonly width: number; readonly column: number },
  paint: (line: string) => string = String,
): readonly string[] {
  const [first = '', ...rest] = hanging('', text, width - column).map(paint);
  const head = ' '.repeat(Math.max(0, column - stringWidth(label)));
  return [(label === '' ? '' : pc.bold(label)) + head + first, ...rest.map((line) => ' '.repeat(column) + line)];
}

/** Columns of lines beside each other. Lines may be coloured. */
export function sideBySide(blocks: readonly (readonly string[])[], gap: string): readonly string[] {
  const widths = blocks.map((lines) => Math.max(0, ...lines.map((line) => stringWidth(line))));
  const height = Math.max(...blocks.map(({ length }) => length));
  return Array.from({ length: height }, (_, index) =>
    blocks
      .map((lines, column) => padded(lines[index] ?? '', widths[column] ?? 0))
      .join(gap)
      .trimEnd(),
  );
}

function padded(line: string, width: number): string {
  return line + ' '.repeat(Math.max(0, width - stringWidth(line)));
}

/** As much of a line as fits, with an ellipsis where that is not all of it. The line may be coloured. */
export function beginningOf(line: string, width: number): string {
  if (stringWidth(line) <= width) return line;
  const [first = ''] = wrapAnsi(oneLine(line), Math.max(1, width - 1), {
    hard: true,
    trim: false,
    wordWrap: false,
  }).split('\n');
  return `${first}…`;
}
