import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { plainTable } from '../../render/tables.ts';

const COLUMNS = [{ head: 'a' }, { head: 'b', align: 'right' }, { head: 'c' }] as const;
const linesOf = (rows: readonly (readonly string[])[]): readonly string[] =>
  plainTable(COLUMNS, rows).map((line) => stripVTControlCharacters(line));

test('aligns columns, and leaves no spaces at the end of a line', () => {
  expect(
    linesOf([
      ['x', '1', ''],
      ['long', '22', 'y'],
    ]),
  ).toEqual(['a      b  c', 'x      1', 'long  22  y']);
});

test('a foreign line break or code is part of its cell', () => {
  expect(linesOf([['x\ny', '\u001B[7m', 'z']])[1]).toBe(String.raw`x\u000ay  \u001b[7m  z`);
});

test('a cell of spaces only takes no longer than any other', () => {
  expect(linesOf([[`${' '.repeat(500_000)}x`, '1', 'y']])).toHaveLength(2);
});
