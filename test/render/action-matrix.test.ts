import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { emptyMatrix, matrixChart, matrixLines } from '../../render/action-matrix.ts';

const SIDES = { current: 'now', candidate: 'a<b>' };

function aMatrix() {
  const matrix = emptyMatrix();
  matrix.PARTIAL_CLOSE.HOLD = 1234;
  matrix.CLOSE.CLOSE = 6;
  return matrix;
}

it('rows are current actions and columns those of the candidate, on a terminal and in a page', () => {
  const lines = matrixLines(aMatrix(), SIDES).map(stripVTControlCharacters);
  expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
    ['now ↓', 'a<b> →', 'HOLD', 'PARTIAL_CLOSE', 'CLOSE'],
    ['HOLD', '0', '0', '0'],
    ['PARTIAL_CLOSE', '1,234', '0', '0'],
    ['CLOSE', '0', '0', '6'],
  ]);
  const { text } = matrixChart(aMatrix(), SIDES, 'T');
  expect(text).toContain('PARTIAL_CLOSE to HOLD: 1,234;');
  expect(text).toContain('CLOSE to CLOSE: 6.');
  expect(text).not.toContain('a<b>');
});

it('what is not recorded is no 0', () => {
  const matrix = aMatrix();
  const [, holds] = matrixLines({ ...matrix, HOLD: { ...matrix.HOLD, HOLD: null } }, SIDES);
  expect(holds?.split(/ {2,}/)).toEqual(['HOLD', '-', '0', '0']);
});
