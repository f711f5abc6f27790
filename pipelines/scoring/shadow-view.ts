import { type ActionMatrix, matrixLines } from '../../render/action-matrix.ts';
import { programName } from '../../errors/program-name.ts';
import { pc, printable } from '../../render/terminal.ts';
import { formatEventMinute, formatEventTime } from '../../render/event-time.ts';
import type { ShadowScore } from './shadow-board.ts';
import type { ShadowDecision } from '../../schemas/generated/records.ts';
import { plainTable } from '../../render/tables.ts';
import type { ShadowReport, ShadowView } from './shadow-report.ts';
import { stripVTControlCharacters } from 'node:util';
import { type Drawing, drawingOn } from '../../render/drawing.ts';
import { LineWriter, terminalWidth } from '../../render/output.ts';

/** How much of the scoreboard is shown. */
interface ShadowLayout {
  /** True: all columns of the flips; false: those that fit into 80 characters. */
  readonly wide: boolean;
  readonly matrix: boolean;
  /** How many of each candidate's latest flips are shown at most. */
  readonly flips: number;
}

const EVERYTHING: ShadowLayout = { wide: true, matrix: true, flips: Infinity };

/** The scoreboard for people. */
export function shadowLines(
  { as_of, undecodable, candidates }: ShadowReport,
  layout: ShadowLayout = EVERYTHING,
): readonly string[] {
  if (as_of === null)
    return [`no decisions of candidates yet: \`${programName()} run scoring --shadow CANDIDATE\` writes them`];
  return [
    `as of ${formatEventTime(as_of)}, the time of the newest decision`,
    ...candidates.flatMap((score) => scoreLines(score, layout)),
    ...(undecodable === 0 ? [] : ['', pc.yellow(`${undecodable} records could not be read`)]),
  ];
}

function scoreLines(score: ShadowScore, { wide, matrix, flips: most }: ShadowLayout): readonly string[] {
  const { policy, against, decisions, agreed, resized, flips, flips_last_hour, flips_last_day } = score;
  const counts = `${decisions} decisions: ${agreed} the same, ${resized} of another size, ${flips} flips`;
  const lately = `(${flips_last_hour} in the last hour, ${flips_last_day} in the last day)`;
  const latest = score.latest_flips.slice(0, most);
  return [
    '',
    `${pc.bold(printable(policy))} against ${printable(against)}`,
    ...(wide ? [`${counts} ${lately}`] : [counts, lately]),
    ...(matrix ? ['', ...matrixLines(recorded(score.matrix), { current: 'current', candidate: 'candidate' })] : []),
    ...(latest.length === 0 ? [] : ['', ...(wide ? flipLines(latest) : shortFlipLines(latest))]),
  ];
}

/** Where both hold nothing is recorded: 0 would be wrong. */
function recorded(matrix: ActionMatrix): Parameters<typeof matrixLines>[0] {
  return { ...matrix, HOLD: { ...matrix.HOLD, HOLD: null } };
}

function flipLines(flips: readonly ShadowDecision[]): readonly string[] {
  const columns = [
    { head: 'latest flips' },
    { head: 'position' },
    { head: 'R', align: 'right' },
    { head: 'current' },
    { head: 'candidate' },
    { head: 'reason' },
  ] as const;
  const rows = flips.map((flip) => [
    formatEventTime(flip.observed_at),
    printable(`${flip.account} ${flip.symbol} ${flip.side}`),
    flip.r.toFixed(2),
    `${flip.current_action} ${flip.current_fraction}`,
    `${flip.action} ${flip.fraction}`,
    printable(flip.reason),
  ]);
  return plainTable(columns, rows);
}

function shortFlipLines(flips: readonly ShadowDecision[]): readonly string[] {
  const columns = [{ head: 'latest flips' }, { head: 'position' }, { head: 'current -> candidate' }] as const;
  const rows = flips.map((flip) => [
    formatEventMinute(flip.observed_at),
    printable(`${flip.account} ${flip.symbol} ${flip.side}`),
    `${flip.current_action} ${flip.current_fraction} -> ${flip.action} ${flip.fraction}`,
  ]);
  return plainTable(columns, rows);
}

/** The least time between two drawings: more of them could not be seen. Unit: milliseconds. */
const FRAME_MS = 100;

/** From the fullest to the plainest: the first that fits the screen is shown. */
const LAYOUTS: readonly ShadowLayout[] = [
  { wide: true, matrix: true, flips: 5 },
  { wide: false, matrix: true, flips: 5 },
  { wide: false, matrix: true, flips: 3 },
  { wide: false, matrix: true, flips: 1 },
  { wide: false, matrix: true, flips: 0 },
  { wide: false, matrix: false, flips: 0 },
];

/** The scoreboard on a terminal, redrawn in place. */
export class ShadowScreen implements ShadowView {
  readonly everyMs = FRAME_MS;
  readonly early = true;
  readonly #terminal: NodeJS.WriteStream;
  readonly #draw: Drawing;
  /** Notices that the terminal is closed, which drawing does not. */
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
    // Some terminals report 0 rows.
    const rows = this.#terminal.rows === 0 ? 24 : this.#terminal.rows;
    const heading = `${pc.bold('harvestline shadow')}  ${pc.dim('Ctrl-C ends it')}`;
    // The heading takes one row, and the cursor another.
    this.#draw([heading, ...linesThatFit(report, terminalWidth(this.#terminal), rows - 2)]);
    return Promise.resolve();
  }

  /** Ends drawing; the last board stays on the screen. */
  done(): void {
    this.#draw.done();
  }
}

/** The fullest layout of the scoreboard that fits, cut where none does. */
export function linesThatFit(report: ShadowReport, columns: number, rows: number): readonly string[] {
  let lines: readonly string[] = [];
  for (const layout of LAYOUTS) {
    lines = shadowLines(report, layout);
    // A table whose lines wrap cannot be read; narrow layouts hardly ever wrap.
    if (layout.wide && lines.some((line) => rowsOf(line, columns) > 1)) continue;
    if (lines.reduce((sum, line) => sum + rowsOf(line, columns), 0) <= rows) return lines;
  }
  const shown: string[] = [];
  // The last row is for the note that there is more.
  let left = rows - 1;
  for (const line of lines) {
    left -= rowsOf(line, columns);
    if (left < 0) break;
    shown.push(line);
  }
  return [...shown, pc.dim('… and more, without --follow')];
}

/** How many rows a line takes. */
function rowsOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns));
}
