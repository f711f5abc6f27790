/** A board on a terminal: what is the matter, positions with their decisions, the latest events, totals and the gate. */
import stringWidth from 'string-width';
import type { Board, BoardAlert, BoardEvent } from '../../ports/board.ts';
import { formatEventMinute, formatEventSecond } from '../../render/event-time.ts';
import { count, plural } from '../../render/figures.ts';
import { apart, beginningOf, hanging, together, wrapped } from '../../render/terminal-text.ts';
import { pc, printable } from '../../render/terminal.ts';
import { positionsTable } from './positions-table.ts';

export interface LivePlace {
  /** Unit: columns. */
  readonly width: number;
  /** All lines fit into so many, but for alerts: those are never cut. */
  readonly rows: number;
}

/** At most this many of the latest events; fewer where the positions need the room. */
const EVENT_ROWS = 8;

/** Positions have at least so many lines, with their head, before further alerts are shown whole. */
const POSITION_ROWS = 5;

/** Width of the gate's bar. Unit: characters. */
const BAR_WIDTH = 24;
const NARROW_BAR = 10;

/** Below it the gate is shortened. Unit: columns. */
const NARROW = 80;

/** One line in so many is an event's. */
const EVENT_SHARE = 5;

const SEVERITY_COLOURS = { CRITICAL: pc.red, WARNING: pc.yellow, INFO: pc.dim } as const;

const EVENT_COLOURS: Readonly<Record<string, (text: string) => string>> = {
  WIN: pc.green,
  LOSS: pc.red,
  NEUTRAL: pc.dim,
  FILLED: String,
};

/** `head`: what the process says of itself, above the board. */
export function liveLines(board: Board, head: readonly string[], { width, rows }: LivePlace): readonly string[] {
  const top = [...head, ...wrapped(printable(board.headline), width).map(board.ok ? pc.green : pc.red)];
  const bottom = [...totalsLines(board, width), gateLine(board, width)];
  // Three blank lines, and an event at least.
  const free = rows - heightOf(top, width) - heightOf(bottom, width) - 4;
  const alerts = alertLines(board.alerts, width, free - POSITION_ROWS);
  const left = free - heightOf(alerts, width) - (alerts.length === 0 ? 0 : 1);
  const least = Math.max(1, Math.min(EVENT_ROWS, board.events.length, Math.floor(left / EVENT_SHARE)));
  const positions =
    board.positions.length === 0
      ? [pc.dim('no position is open')]
      : positionsTable(board.positions, { width, rows: Math.max(2, left + 1 - least) });
  const events = eventLines(board.events, width).slice(
    0,
    Math.max(1, Math.min(EVENT_ROWS, left + 1 - positions.length)),
  );
  return [
    ...top,
    '',
    ...(alerts.length === 0 ? [] : [...alerts, '']),
    ...positions,
    '',
    ...(events.length === 0 ? [pc.dim('nothing was closed yet')] : events.toReversed()),
    '',
    ...bottom,
  ];
}

/** The gravest whole, and as many more as there is room for; the others by name. */
function alertLines(alerts: readonly BoardAlert[], width: number, room: number): readonly string[] {
  const lines: string[] = [];
  for (const [index, alert] of alerts.entries()) {
    const whole = wholeAlert(alert, width);
    const names = namesOf(alerts.slice(index), width);
    if (index > 0 && heightOf([...lines, ...whole], width) + names.length > room) return [...lines, ...names];
    lines.push(...whole);
  }
  return lines;
}

function wholeAlert({ name, severity, since, evidence, command }: BoardAlert, width: number): readonly string[] {
  const paint = SEVERITY_COLOURS[severity];
  return [
    ...hanging(paint(`${severity} ${name}`), ` since ${together(formatEventSecond(since))}`, width, 2),
    ...hanging('  ', printable(evidence), width, 2),
    `  ${pc.cyan(printable(command))}`,
  ];
}

function namesOf(alerts: readonly BoardAlert[], width: number): readonly string[] {
  return hanging('and ', alerts.map(({ name, severity }) => `${severity} ${name}`).join(', '), width, 4).map((line) =>
    pc.red(line),
  );
}

/** A command that is longer than the terminal is wide takes more rows than one. */
function heightOf(lines: readonly string[], width: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(stringWidth(line) / width)), 0);
}

/** Newest first, one line each. */
function eventLines(events: readonly BoardEvent[], width: number): readonly string[] {
  return events.map(({ at, symbol, kind, detail }) => {
    const paint = EVENT_COLOURS[kind] ?? pc.red;
    const before = `${formatEventMinute(at)}  ${printable(symbol).padEnd(11)}  `;
    const room = Math.max(0, width - stringWidth(before) - kind.length - 2);
    return `${before}${paint(kind)}  ${beginningOf(printable(detail), room)}`;
  });
}

function totalsLines(
  { decisions, fills, suppressed, unknown_reports: unknown, lag }: Board,
  width: number,
): readonly string[] {
  const filled = Object.values(fills).reduce((sum, one) => sum + one.count, 0);
  const held = Object.values(suppressed).reduce((sum, one) => sum + one, 0);
  const { HOLD, PARTIAL_CLOSE, CLOSE } = decisions;
  const parts = [
    `${count(HOLD)} hold, ${count(PARTIAL_CLOSE)} partial, ${count(CLOSE)} close`,
    `${plural(filled, 'fill')}, ${count(held)} suppressed${unknown === 0 ? '' : `, ${count(unknown)} UNKNOWN`}`,
    `lag ${
      Object.entries(lag)
        .map(([group, records]) => `${printable(group)} ${count(records)}`)
        .join(', ') || 'unknown'
    }`,
  ];
  return wrapped(parts.map(together).join(' · '), width).map(apart);
}

function gateLine({ gate: { usable, needed, open, eta, labels } }: Board, width: number): string {
  const bars = width < NARROW ? NARROW_BAR : BAR_WIDTH;
  const filled = Math.min(bars, Math.round((usable / needed) * bars));
  const bar = `${pc.green('█'.repeat(filled))}${pc.dim('░'.repeat(bars - filled))}`;
  const when = open ? pc.green('open') : eta === null ? 'no pace yet' : `opens ${formatEventMinute(eta)}`;
  const { WIN = 0, LOSS = 0, NEUTRAL = 0 } = labels;
  const counted = width < NARROW ? '' : pc.dim(`  ${WIN} W ${LOSS} L ${NEUTRAL} N`);
  return `gate ${bar} ${usable}/${needed} ${when}${counted}`;
}
