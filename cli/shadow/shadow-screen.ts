import { stripVTControlCharacters } from 'node:util';
import { type Drawing, drawingOn } from '../../render/drawing.ts';
import { pc } from '../../render/terminal.ts';
import type { ShadowView } from '../../pipelines/scoring/follow-shadow.ts';
import { LineWriter, terminalWidth } from '../../render/output.ts';
import { type ShadowLayout, shadowLines } from '../../pipelines/scoring/shadow-lines.ts';
import type { ShadowReport } from '../../pipelines/scoring/shadow-report.ts';

/** Faster than the eye follows: boards between two pictures are not drawn. Unit: milliseconds. */
const FRAME_MS = 100;

/** From the fullest to the plainest: what a small screen has no room for goes in this order. */
const LAYOUTS: readonly ShadowLayout[] = [
  { wide: true, matrix: true, flips: 5 },
  { wide: false, matrix: true, flips: 5 },
  { wide: false, matrix: true, flips: 3 },
  { wide: false, matrix: true, flips: 1 },
  { wide: false, matrix: true, flips: 0 },
  { wide: false, matrix: false, flips: 0 },
];

/** The scoreboard on a terminal, drawn over itself. */
export class ShadowScreen implements ShadowView {
  readonly everyMs = FRAME_MS;
  readonly early = true;
  readonly #terminal: NodeJS.WriteStream;
  readonly #draw: Drawing;
  /** Knows when the terminal is gone: drawing does not tell. */
  readonly #output: LineWriter;

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal;
    this.#output = new LineWriter(terminal);
    this.#draw = drawingOn(terminal);
  }

  get closed(): boolean {
    return this.#output.closed;
  }

  show(report: ShadowReport): Promise<void> {
    // Some terminals call themselves 0 rows high.
    const rows = this.#terminal.rows === 0 ? 24 : this.#terminal.rows;
    const heading = `${pc.bold('harvestline shadow')}  ${pc.dim('Ctrl-C ends it')}`;
    // The heading takes a row, and the cursor stands below the last one.
    this.#draw([heading, ...linesThatFit(report, terminalWidth(this.#terminal), rows - 2)]);
    return Promise.resolve();
  }

  /** Leaves the last picture on the screen. */
  done(): void {
    this.#draw.done();
  }
}

/** As much of the scoreboard as has room. */
export function linesThatFit(report: ShadowReport, columns: number, rows: number): readonly string[] {
  let lines: readonly string[] = [];
  for (const layout of LAYOUTS) {
    lines = shadowLines(report, layout);
    // Broken in two, the lines of a table cannot be read; the narrow layouts hardly ever are.
    if (layout.wide && lines.some((line) => rowsOf(line, columns) > 1)) continue;
    if (lines.reduce((sum, line) => sum + rowsOf(line, columns), 0) <= rows) return lines;
  }
  const shown: string[] = [];
  // The last row says that there is more.
  let left = rows - 1;
  for (const line of lines) {
    left -= rowsOf(line, columns);
    if (left < 0) break;
    shown.push(line);
  }
  return [...shown, pc.dim('… and more, without --follow')];
}

/** How many rows of the screen a line takes. */
function rowsOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns));
}
