import Table from 'cli-table3';
import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import type { Gate } from '../../pipelines/clm/gate.ts';
import { formatEventTime } from '../../pipelines/watch/event-time.ts';
import type { Alert } from '../../pipelines/watch/alerts.ts';
import type { OutputStream } from '../output.ts';
import type { CycleResult, Scored } from './dev-chain.ts';
import type { DevSummary } from './summary.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Latest events kept on the screen. */
const EVENT_LINES = 8;

/** Width of the gate's bar. Unit: characters. */
const BAR_WIDTH = 30;

const ACTION_COLOURS = { HOLD: pc.dim, PARTIAL_CLOSE: pc.yellow, CLOSE: pc.magenta } as const;
const LABEL_COLOURS = { WIN: pc.green, LOSS: pc.red, NEUTRAL: pc.dim } as const;

/** The screen that `dev` draws on a terminal: positions with their decisions, what happened lately, totals and the gate. */
export class LiveView {
  readonly #draw: ReturnType<typeof createLogUpdate>;
  #events: string[] = [];

  constructor(output: OutputStream) {
    this.#draw = createLogUpdate(output as NodeJS.WriteStream);
  }

  /** Keeps what happened in a cycle, drawn or not. */
  note(result: CycleResult): void {
    this.#events = [...this.#events, ...eventsOf(result)].slice(-EVENT_LINES);
  }

  show(result: CycleResult, totals: DevSummary, alert: Alert | null): void {
    const heading = `${pc.bold('harvestline dev')}  cycle ${result.cycle}  ${formatEventTime(result.now)}  ${pc.dim('virtual time; Ctrl-C ends with a summary')}`;
    this.#draw(
      [
        heading,
        positionsTable(result.scored),
        ...(this.#events.length > 0 ? this.#events : [pc.dim('nothing was closed yet')]),
        '',
        totalsLine(totals),
        gateLine(totals.gate),
        ...(alert === null ? [] : [pc.red(`alert ${alert.name}: ${alert.evidence}`)]),
      ].join('\n'),
    );
  }

  /** Leaves the last picture on the screen. */
  done(): void {
    this.#draw.done();
  }
}

function positionsTable(scored: readonly Scored[]): string {
  const table = new Table({
    head: ['symbol', 'side', 'age', 'entry', 'mark', 'R', 'conf', 'regime', 'hold/exit', 'decision', 'reason'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'left', 'right', 'left', 'left'],
    style: { head: ['bold'], border: ['dim'], compact: true },
  });
  const ordered = scored.toSorted((one, other) => other.decision.r - one.decision.r);
  for (const { snapshot, decision } of ordered) {
    const colour = ACTION_COLOURS[decision.action];
    const fraction = decision.action === 'PARTIAL_CLOSE' ? ` ${Math.round(decision.fraction * 100)} %` : '';
    table.push([
      snapshot.symbol,
      snapshot.side === 'LONG' ? pc.green('LONG') : pc.red('SHORT'),
      `${((snapshot.observed_at - snapshot.opened_at) / HOUR_MS).toFixed(1)} h`,
      price(snapshot.entry_price),
      price(snapshot.mark_price),
      (decision.r >= 0 ? pc.green : pc.red)(decision.r.toFixed(2)),
      snapshot.confidence === null ? '?' : snapshot.confidence.toFixed(2),
      snapshot.regime ?? '?',
      `${decision.hold_score}/${decision.exit_score}`,
      colour(`${decision.action}${fraction}`),
      pc.dim(decision.reason),
    ]);
  }
  return table.toString();
}

function eventsOf({ reports, outcomes }: CycleResult): string[] {
  const lines: string[] = [];
  for (const report of reports) {
    if (report.status === 'SUBMITTED' || report.status === 'SUPPRESSED') continue;
    const what = `${formatEventTime(report.reported_at)}  ${report.symbol.padEnd(10)} ${report.status}`;
    if (report.status !== 'FILLED') lines.push(pc.red(`${what} ${report.reason}`));
    else
      lines.push(
        `${what} ${report.filled_quantity} at ${price(report.average_price ?? 0)}, ${report.remaining_quantity ?? '?'} left  ${pc.dim(report.reason)}`,
      );
  }
  for (const { closed_at, symbol, label, pnl_percent, confidence } of outcomes) {
    if (label === null || closed_at === null) continue;
    const colour = LABEL_COLOURS[label];
    lines.push(
      `${formatEventTime(closed_at)}  ${symbol.padEnd(10)} ${colour(label)} ${pnl_percent.toFixed(2)} %  ${pc.dim(`confidence at entry ${confidence?.toFixed(2) ?? '?'}`)}`,
    );
  }
  return lines;
}

function totalsLine({ snapshots, decisions, fills, suppressed, unknown }: DevSummary): string {
  const held = Object.values(suppressed).reduce((sum, count) => sum + count, 0);
  return [
    `${snapshots} snapshots`,
    `${decisions.HOLD} hold`,
    `${decisions.PARTIAL_CLOSE} partial`,
    `${decisions.CLOSE} close`,
    `${fills} fills`,
    `${held} suppressed`,
    unknown === 0 ? '0 unknown' : pc.red(`${unknown} unknown`),
  ].join(pc.dim(' | '));
}

function gateLine({ usable, needed, open, eta, labels }: Gate): string {
  const filled = Math.min(BAR_WIDTH, Math.round((usable / needed) * BAR_WIDTH));
  const bar = `${pc.green('█'.repeat(filled))}${pc.dim('░'.repeat(BAR_WIDTH - filled))}`;
  const when = open ? pc.green('open') : eta === null ? 'no pace yet' : `opens about ${formatEventTime(eta)}`;
  return `gate ${bar} ${usable}/${needed} usable, ${when}  ${pc.dim(`WIN ${labels.WIN}, LOSS ${labels.LOSS}, NEUTRAL ${labels.NEUTRAL}`)}`;
}

/** Six significant digits tell any two ticks apart that matter on a screen. */
function price(value: number): string {
  return String(Number(value.toPrecision(6)));
}
