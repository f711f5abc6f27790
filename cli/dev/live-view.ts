import { type Drawing, drawingOn } from '../../render/drawing.ts';
import { pc, printable } from '../../render/terminal.ts';
import type { Gate } from '../../pipelines/clm/gate.ts';
import type { Alert } from '../../pipelines/alerts/alerts.ts';
import { formatEventMinute } from '../../render/event-time.ts';
import type { CycleResult } from '../compose/dev-chain.ts';
import { positionsTable } from './positions-table.ts';
import type { DevSummary } from './summary.ts';

/** Lines that are neither positions nor events: heading, table head, blank lines, totals, gate, alert, the last line. */
const FIXED_ROWS = 8;

/** At most this many of the latest events; fewer where the positions need the room. */
const EVENT_ROWS = 8;

/** Width of the gate's bar. Unit: characters. */
const BAR_WIDTH = 24;

const LABEL_COLOURS = { WIN: pc.green, LOSS: pc.red, NEUTRAL: pc.dim } as const;

/** The screen that `dev` draws on a terminal: positions with their decisions, what happened lately, totals and the gate. */
export class LiveView {
  readonly #terminal: NodeJS.WriteStream;
  readonly #draw: Drawing;
  #events: readonly string[] = [];

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal;
    this.#draw = drawingOn(terminal);
  }

  /** Keeps what happened in a cycle, drawn or not. */
  note(result: CycleResult): void {
    this.#events = [...this.#events, ...eventsOf(result)].slice(-EVENT_ROWS);
  }

  show(result: CycleResult, totals: DevSummary, alerts: readonly Alert[]): void {
    const { columns, rows } = this.#terminal;
    const positions = positionsTable(result.scored, columns, rows - FIXED_ROWS - 1);
    const eventRows = Math.max(1, Math.min(EVENT_ROWS, rows - FIXED_ROWS - positions.length));
    const lines = [
      `${pc.bold('harvestline dev')}  cycle ${result.cycle}  ${formatEventMinute(result.now)}  ${pc.dim('Ctrl-C: summary')}`,
      ...positions,
      '',
      ...(this.#events.length > 0 ? this.#events.slice(-eventRows) : [pc.dim('nothing was closed yet')]),
      '',
      ...totalsLines(totals, columns),
      gateLine(totals.gate),
      ...alertLines(alerts, columns),
    ];
    this.#draw(lines);
  }

  /** Leaves the last picture on the screen. */
  done(): void {
    this.#draw.done();
  }
}

function eventsOf({ reports, outcomes }: CycleResult): string[] {
  const lines: string[] = [];
  for (const { status, reason, symbol, reported_at, filled_quantity, remaining_quantity } of reports) {
    if (status === 'SUBMITTED' || status === 'SUPPRESSED') continue;
    const what = `${formatEventMinute(reported_at)}  ${symbol.padEnd(11)}  ${status}`;
    if (status === 'FILLED')
      lines.push(
        `${what}  ${filled_quantity}, ${remaining_quantity ?? '?'} left${reason === 'FILLED' ? '' : `  ${pc.dim(reason)}`}`,
      );
    else lines.push(pc.red(`${what}  ${reason}`));
  }
  for (const { closed_at, symbol, label, pnl_percent } of outcomes) {
    if (label === null || closed_at === null) continue;
    lines.push(
      `${formatEventMinute(closed_at)}  ${symbol.padEnd(11)}  ${LABEL_COLOURS[label](`${label} ${pnl_percent.toFixed(2)} %`)}`,
    );
  }
  return lines;
}

/** One line where it fits, else two. */
function totalsLines(
  { snapshots, decisions, fills, suppressed, unknown }: DevSummary,
  columns: number,
): readonly string[] {
  const held = Object.values(suppressed).reduce((sum, count) => sum + count, 0);
  const decided = `${snapshots} snapshots: ${decisions.HOLD} hold, ${decisions.PARTIAL_CLOSE} partial, ${decisions.CLOSE} close`;
  const doubt = `${unknown} unknown`;
  const done = `${fills} fills, ${held} suppressed, ${unknown === 0 ? doubt : pc.red(doubt)}`;
  return decided.length + done.length + 2 <= columns ? [`${decided}  ${done}`] : [decided, done];
}

/** One row: the summary and `status` have each in full. */
function alertLines([first, ...others]: readonly Alert[], columns: number): readonly string[] {
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return [pc.red(printable(`alert ${first.name}${more}: ${first.evidence}`).slice(0, columns))];
}

function gateLine({ usable, needed, open, eta, labels }: Gate): string {
  const filled = Math.min(BAR_WIDTH, Math.round((usable / needed) * BAR_WIDTH));
  const bar = `${pc.green('█'.repeat(filled))}${pc.dim('░'.repeat(BAR_WIDTH - filled))}`;
  const when = open ? pc.green('open') : eta === null ? 'no pace yet' : `opens ${formatEventMinute(eta)}`;
  return `gate ${bar} ${usable}/${needed} ${when}  ${pc.dim(`${labels.WIN} W ${labels.LOSS} L ${labels.NEUTRAL} N`)}`;
}
