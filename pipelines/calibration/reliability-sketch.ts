import { pc } from '../../render/terminal.ts';
import { calibrate } from '../scoring/confidence-map.ts';
import type { Reliability } from './report.ts';

/** A character is about twice as high as wide, so this is a square. */
const COLUMNS = 20;
const ROWS = 10;

const BARS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** A reliability diagram of a few lines: ● observed, ░ where a calibrated forecast stays, · perfect; below it where forecasts lie. */
export function reliabilitySketch(
  title: string,
  reliability: Reliability,
  colour: (text: string) => string,
): readonly string[] {
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const cells = Array.from({ length: COLUMNS }, (_column, column) =>
      cell(reliability, column, ROWS - 1 - row, colour),
    );
    return `${yLabel(row)} ${cells.join('')}`;
  });
  const axis = `    0${' '.repeat(COLUMNS / 2 - 3)}0.5${' '.repeat(COLUMNS / 2 - 2)}1`;
  return [`    ${pc.bold(title)}`, ...rows, `    ${pc.dim(bars(reliability.histogram))}`, pc.dim(axis)];
}

function cell({ x, y, band }: Reliability, column: number, level: number, colour: (text: string) => string): string {
  const from = column / COLUMNS;
  const to = (column + 1) / COLUMNS;
  const middle = (from + to) / 2;
  const within = (xs: readonly number[]): boolean => (xs[0] ?? Infinity) < to && (xs.at(-1) ?? -Infinity) >= from;
  if (within(x) && levelOf(calibrate({ x, y }, middle)) === level) return colour('●');
  if (
    within(band.x) &&
    levelOf(calibrate({ x: band.x, y: band.low }, middle)) <= level &&
    levelOf(calibrate({ x: band.x, y: band.high }, middle)) >= level
  )
    return pc.dim('░');
  return levelOf(middle) === level ? pc.dim('·') : ' ';
}

function levelOf(probability: number): number {
  return Math.min(ROWS - 1, Math.floor(probability * ROWS));
}

function yLabel(row: number): string {
  if (row === 0) return pc.dim('1.0');
  if (row === ROWS - 1) return pc.dim('0.0');
  return row === ROWS / 2 ? pc.dim('0.5') : '   ';
}

/** Any forecast at all shows as a bar. */
function bars(histogram: readonly number[]): string {
  const most = Math.max(1, ...histogram);
  return histogram.map((n) => BARS[Math.ceil((n / most) * (BARS.length - 1))] ?? ' ').join('');
}
