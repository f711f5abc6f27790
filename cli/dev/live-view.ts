import { type Drawing, drawingOn } from '../../render/drawing.ts';
import { pc, printable } from '../../render/terminal.ts';
import type { Gate } from '../../pipelines/clm/gate.ts';
import { type Alert, printedAlert } from '../../pipelines/alerts/alerts.ts';
import { missingText } from '../../pipelines/status/view.ts';
import { DEFAULT_LIMITS } from '../../pipelines/execution/limits.ts';
import { ageText, formatEventMinute, timeOf } from '../../render/event-time.ts';
import stringWidth from 'string-width';
import { hanging } from '../../render/terminal-text.ts';
import type { EpochMillis, PositionId } from '../../schemas/generated/records.ts';
import type { CycleResult, Scored } from '../compose/dev-chain.ts';
import type { DevSummary } from './summary.ts';
import { type TableColumn, plainTable } from '../../render/tables.ts';

/** Lines that are neither positions nor events: heading, table head, blank lines, totals, gate, the first line of an alert, the last line. */
const FIXED_ROWS = 8;

/** At most this many of the latest events; fewer where the positions need the room. */
const EVENT_ROWS = 8;

/** Width of the gate's bar. Unit: characters. */
const BAR_WIDTH = 24;

const LABEL_COLOURS = { WIN: pc.green, LOSS: pc.red, NEUTRAL: pc.dim } as const;

/** The screen of `dev` on a terminal: positions with their decisions, the latest events, totals and the gate. */
export class LiveView {
  readonly #terminal: NodeJS.WriteStream;
  readonly #logFlags: string;
  readonly #page: string | null;
  readonly #draw: Drawing;
  readonly #cooldowns = new Cooldowns();
  #events: readonly string[] = [];

  /** `logFlags` name the log in the commands of alerts (ALR-1); `page` is the address of the same in a browser. */
  constructor(terminal: NodeJS.WriteStream, logFlags: string, page: string | null) {
    this.#terminal = terminal;
    this.#page = page;
    this.#logFlags = logFlags;
    this.#draw = drawingOn(terminal);
  }

  /** Keeps the events of a cycle, whether it is drawn or not. */
  note(result: CycleResult): void {
    this.#cooldowns.note(result);
    this.#events = [...this.#events, ...eventsOf(result)].slice(-EVENT_ROWS);
  }

  show(result: CycleResult, totals: DevSummary, alerts: readonly Alert[]): void {
    const { columns, rows } = this.#terminal;
    const scored = result.scored.map((one) => ({ ...one, cooldown: this.#cooldowns.of(one.snapshot.position_id) }));
    const said = alertLines(alerts, this.#logFlags, columns);
    const positions = positionsTable(scored, columns, rows - FIXED_ROWS - Math.max(1, said.length));
    const free = rows - FIXED_ROWS - positions.length - Math.max(0, said.length - 1);
    const eventRows = Math.max(1, Math.min(EVENT_ROWS, free));
    const lines = [
      headingLine(result, this.#page, columns),
      ...positions,
      '',
      ...(this.#events.length > 0 ? this.#events.slice(-eventRows) : [pc.dim('nothing was closed yet')]),
      '',
      ...totalsLines(totals, columns),
      gateLine(totals.gate),
      ...said,
    ];
    this.#draw(lines);
  }

  /** Leaves the last picture on the screen. */
  done(): void {
    this.#draw.done();
  }
}

/** The address is never cut; what else there is room for stands beside it. */
function headingLine({ cycle, now }: CycleResult, page: string | null, columns: number): string {
  const parts = [
    pc.bold('harvestline dev'),
    ...(page === null ? [] : [pc.cyan(page)]),
    `cycle ${cycle}`,
    formatEventMinute(now),
    pc.dim('Ctrl-C: summary'),
  ];
  const widthOf = (some: readonly string[]): number => stringWidth(some.join('  '));
  while (parts.length > 2 && widthOf(parts) > columns) parts.pop();
  return parts.join('  ');
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

/** The first alert, whole, with its command on a line of its own; the names of the others, which the summary and `status` show. */
function alertLines([first, ...others]: readonly Alert[], logFlags: string, columns: number): readonly string[] {
  if (first === undefined) return [];
  const evidence = hanging(`alert ${first.name}: `, printable(first.evidence), columns, 2);
  const more = others.length === 0 ? [] : hanging('  and ', others.map(({ name }) => name).join(', '), columns, 2);
  return [
    ...evidence.map((line) => pc.red(line)),
    `  ${printable(printedAlert(first, logFlags).command)}`,
    ...more.map((line) => pc.red(line)),
  ];
}

function gateLine({ usable, needed, open, eta, labels, models }: Gate): string {
  const filled = Math.min(BAR_WIDTH, Math.round((usable / needed) * BAR_WIDTH));
  const bar = `${pc.green('█'.repeat(filled))}${pc.dim('░'.repeat(BAR_WIDTH - filled))}`;
  const missing = missingText(models[0]?.unmet ?? []);
  const closed =
    eta === null ? (missing === '' ? 'no pace yet' : `closed: ${missing}`) : `opens ${formatEventMinute(eta)}`;
  const when = open ? pc.green('open') : closed;
  return `gate ${bar} ${usable}/${needed} ${when}  ${pc.dim(`${labels.WIN} W ${labels.LOSS} L ${labels.NEUTRAL} N`)}`;
}

const ACTION_COLOURS = { HOLD: pc.dim, PARTIAL_CLOSE: pc.yellow, CLOSE: pc.magenta } as const;

/** A position as the table shows it. */
interface Row extends Scored {
  readonly cooldown: Cooldown | null;
}

interface Column extends TableColumn {
  /** The narrowest terminal that has room for it. Unit: characters. */
  readonly fromWidth: number;
  readonly text: (row: Row, decision: DecisionWords) => string;
}

/** How much is said of a decision. */
type DecisionWords = 'full' | 'short' | 'least';

/** A partial close that execution does not act on yet. */
interface Cooldown {
  /** Null: the partial close that began it was before this process. */
  readonly until: EpochMillis | null;
}

/** By position, the cooldown that suppressed the intent of the latest cycle. */
class Cooldowns {
  /** When a position was observed for its latest partial close. */
  readonly #began = new Map<PositionId, EpochMillis>();
  #running: ReadonlySet<PositionId> = new Set();

  note({ scored, reports }: CycleResult): void {
    const observed = new Map(scored.map(({ snapshot }) => [snapshot.position_id, snapshot.observed_at]));
    for (const { position_id: id, status, action } of reports) {
      const at = observed.get(id);
      if (at !== undefined && action === 'PARTIAL_CLOSE' && status === 'FILLED') this.#began.set(id, at);
    }
    const suppressed = reports.filter(({ status, reason }) => status === 'SUPPRESSED' && reason === 'COOLDOWN');
    this.#running = new Set(suppressed.map(({ position_id: id }) => id));
  }

  of(id: PositionId): Cooldown | null {
    if (!this.#running.has(id)) return null;
    const began = this.#began.get(id);
    return { until: began === undefined ? null : began + DEFAULT_LIMITS.cooldownMs };
  }
}

/** In the order of the screen. Each `fromWidth` is the sum of the usual widths of the columns up to there. */
const COLUMNS: readonly Column[] = [
  { head: 'symbol', fromWidth: 0, text: ({ snapshot }) => snapshot.symbol },
  {
    head: 'side',
    fromWidth: 0,
    text: ({ snapshot }) => (snapshot.side === 'LONG' ? pc.green('LONG') : pc.red('SHORT')),
  },
  {
    head: 'age',
    align: 'right',
    fromWidth: 0,
    text: ({ snapshot }) => ageText(snapshot.observed_at - snapshot.opened_at),
  },
  { head: 'entry', align: 'right', fromWidth: 118, text: ({ snapshot }) => priceText(snapshot.entry_price) },
  { head: 'mark', align: 'right', fromWidth: 95, text: ({ snapshot }) => priceText(snapshot.mark_price) },
  {
    head: 'R',
    align: 'right',
    fromWidth: 0,
    text: ({ decision }) => (decision.r >= 0 ? pc.green : pc.red)(decision.r.toFixed(2)),
  },
  { head: 'conf', align: 'right', fromWidth: 0, text: ({ snapshot }) => snapshot.confidence?.toFixed(2) ?? '?' },
  { head: 'regime', fromWidth: 106, text: ({ snapshot }) => snapshot.regime ?? '?' },
  {
    head: 'hold/exit',
    align: 'right',
    fromWidth: 0,
    text: ({ decision }) => `${decision.hold_score}/${decision.exit_score}`,
  },
  { head: 'decision', fromWidth: 0, text: decisionText },
  { head: 'reason', fromWidth: 160, text: ({ decision }) => pc.dim(decision.reason) },
];

/** The positions, best R first, as lines that fit into `width` characters; at most `rows` lines with the head. */
function positionsTable(scored: readonly Row[], width: number, rows: number): readonly string[] {
  const columns = COLUMNS.filter(({ fromWidth }) => width >= fromWidth);
  const ordered = scored.toSorted((one, other) => other.decision.r - one.decision.r);
  const shown = ordered.length < rows ? ordered : ordered.slice(0, Math.max(0, rows - 2));
  const table = (decision: DecisionWords): readonly string[] =>
    plainTable(
      columns,
      shown.map((one) => columns.map(({ text }) => text(one, decision))),
    );
  // A row that is wider than the terminal would wrap, and push the first line off the screen.
  const fits = (lines: readonly string[]): boolean => lines.every((line) => stringWidth(line) <= width);
  const [long, short] = [width < FULL_DECISION_WIDTH ? null : table('full'), table('short')];
  const lines = long !== null && fits(long) ? long : fits(short) ? short : table('least');
  const more = ordered.length - shown.length;
  return [...lines, ...(more > 0 ? [pc.dim(`… and ${more} more`)] : [])];
}

/** From this width on a decision is written in full beside the price columns. Unit: characters. */
const FULL_DECISION_WIDTH = 130;

/** `PARTIAL_CLOSE 28 % · cooldown until 15:30`, and shorter: `PARTIAL 28 % · cooldown 15:30`, `PARTIAL 28 % · 15:30`. */
function decisionText({ decision, cooldown }: Row, words: DecisionWords): string {
  const { action, fraction } = decision;
  const paint = ACTION_COLOURS[action];
  if (action !== 'PARTIAL_CLOSE') return paint(action);
  const share = `${Math.round(fraction * 100)} %`;
  if (cooldown === null) return paint(`${action} ${share}`);
  const until = cooldown.until === null ? '' : clockTime(cooldown.until);
  if (words === 'least') return pc.dim(`PARTIAL ${share} · ${until === '' ? 'cooldown' : until}`);
  if (words === 'short') return pc.dim(`PARTIAL ${share} · cooldown ${until}`.trimEnd());
  return pc.dim(`${action} ${share} · cooldown${until === '' ? '' : ` until ${until}`}`);
}

/** HH:MM in UTC. */
function clockTime(at: EpochMillis): string {
  return timeOf(at).slice(0, 'HH:MM'.length);
}

/** Six significant digits are enough to tell two ticks apart on a screen. */
function priceText(value: number): string {
  return String(Number(value.toPrecision(6)));
}
