import { stripVTControlCharacters } from 'node:util';

/** Words on lines of at most `width`; a longer word gets a line of its own. Text comes without colours. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Columns of lines beside each other. Lines may be coloured. */
export function sideBySide(blocks: readonly (readonly string[])[], gap: string): readonly string[] {
  const widths = blocks.map((lines) => Math.max(0, ...lines.map(visibleLength)));
  const height = Math.max(...blocks.map(({ length }) => length));
  return Array.from({ length: height }, (_, index) =>
    blocks
      .map((lines, column) => padded(lines[index] ?? '', widths[column] ?? 0))
      .join(gap)
      .trimEnd(),
  );
}

function padded(line: string, width: number): string {
  return line + ' '.repeat(Math.max(0, width - visibleLength(line)));
}

function visibleLength(line: string): number {
  return stripVTControlCharacters(line).length;
}
