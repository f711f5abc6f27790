import { pc, printable } from '../../render/terminal.ts';
import { formatEventMinute } from '../../render/event-time.ts';
import { count, plural } from '../../render/figures.ts';
import { labelled } from '../../render/terminal-text.ts';
import { orderCostLines, OrderCosts } from '../../pipelines/status/execution-figures.ts';
import type { Gate } from '../../pipelines/clm/gate.ts';
import { missingText } from '../../pipelines/status/view.ts';
import { type Alert, commandText } from '../../pipelines/alerts/alerts.ts';
import { alertLines } from '../../pipelines/alerts/view.ts';
import type { ExecutionStatus, OutcomeLabel, OutcomeStatus, PositionId } from '../../schemas/generated/records.ts';
import type { CycleResult } from '../compose/dev-chain.ts';

const ENDS = { cycles: '', market: '; the market has no more candles', signal: '' } as const;

/** Wide enough for the longest name, and a gap. Unit: columns. */
const NAME_WIDTH = 14;

/** The summary for people, on lines of at most `width`. `logFlags` name the log in the commands of what to do next (ALR-1). */
export function summaryLines(summary: WholeSummary, width: number, logFlags: string): readonly string[] {
  const {
    cycles,
    stopped_by,
    until,
    snapshots,
    decisions,
    intents,
    fills,
    suppressed,
    orders,
    rejected,
    unknown,
    dead_letters,
    outcomes,
    gate,
    alerts,
    shown,
  } = summary;
  const lines: string[] = [pc.bold('summary')];
  const row = (name: string, value: string, paint?: (line: string) => string): void => {
    lines.push(...labelled(name, value, { width, column: NAME_WIDTH }, paint));
  };
  row('cycles', `${count(cycles)}${until === null ? '' : `, until ${formatEventMinute(until)}`}${ENDS[stopped_by]}`);
  row('snapshots', count(snapshots));
  row('decisions', counts(decisions));
  row('intents', count(intents));
  row('fills', count(fills));
  if (Object.keys(suppressed).length > 0) row('suppressed', counts(suppressed));
  for (const line of orderCostLines(orders)) row('orders', line);
  if (Object.keys(rejected).length > 0) row('rejected', counts(rejected));
  if (unknown > 0) row('unknown', `${plural(unknown, 'order')} of which nobody knows what became of it`, pc.red);
  if (Object.keys(dead_letters).length > 0) row('dead letters', counts(dead_letters), pc.red);
  const { WIN, LOSS, NEUTRAL, FINAL, ACCUMULATING } = outcomes;
  row(
    'outcomes',
    `${counts({ WIN, LOSS, NEUTRAL })}  (${count(FINAL)} final, ${count(ACCUMULATING)} accumulating; of all runs)`,
  );
  const missing = missingText(gate.models[0]?.unmet ?? []);
  const closed = missing === '' ? 'closed' : `closed: ${missing}`;
  const opening = gate.open ? 'open' : gate.eta === null ? closed : `opens about ${formatEventMinute(gate.eta)}`;
  row('gate', `${gate.usable} of ${gate.needed} usable outcomes: ${opening}`, gate.open ? pc.green : undefined);
  for (const alert of alerts) lines.push('', ...alertLines(alert, { width, logFlags, now: until }));
  const next = [{ words: 'status', args: [] }, ...(shown === null ? [] : [{ words: 'explain', args: [shown] }])];
  lines.push('', pc.bold('next'), ...next.map((command) => `  ${printable(commandText(command, logFlags))}`));
  return lines;
}

function counts(byName: Readonly<Record<string, number>>): string {
  const entries = Object.entries(byName);
  return entries.length === 0 ? '0' : entries.map(([name, times]) => `${name} ${count(times)}`).join(', ');
}

/** What ended a run: `--cycles`, the end of recorded candles, or a signal (or the reader of a pipe that went away). */
export type StoppedBy = 'cycles' | 'market' | 'signal';

/** What `dev` says at its end. Counts are of this run, but for `dead_letters`, `outcomes` and `gate`, which are of the whole record. */
export interface DevSummary {
  readonly cycles: number;
  readonly stopped_by: StoppedBy;
  /** Virtual time of the last cycle; null when there was none. */
  readonly until: number | null;
  readonly snapshots: number;
  readonly decisions: Readonly<Record<'HOLD' | 'PARTIAL_CLOSE' | 'CLOSE', number>>;
  readonly intents: number;
  readonly fills: number;
  /** Terminal reports by status. */
  readonly reports: Readonly<Partial<Record<ExecutionStatus, number>>>;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
  readonly unknown: number;
  /** Cost of fills against the mark, by order style. */
  readonly orders: ReturnType<OrderCosts['byStyle']>;
  /** Records by dead-letter topic; empty where there are none. */
  readonly dead_letters: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<OutcomeStatus | OutcomeLabel, number>>;
  readonly gate: Gate;
}

/** What people are shown besides; alerts are those that `status` raises, and take reading the whole log. */
interface WholeSummary extends DevSummary {
  readonly alerts: readonly Alert[];
  /** A position to explain; null where there was none. */
  readonly shown: PositionId | null;
}

/** The figures of a summary that are of the whole log, not counted cycle by cycle. */
interface WholeRecord {
  readonly stoppedBy: StoppedBy;
  readonly gate: Gate;
  /** Outcomes that are not FINAL yet. */
  readonly accumulating: number;
  readonly deadLetters: Readonly<Record<string, number>>;
}

/** Counts cycle by cycle. */
export class SummaryCounter {
  readonly decisions = { HOLD: 0, PARTIAL_CLOSE: 0, CLOSE: 0 };
  readonly #suppressed = new Map<string, number>();
  readonly #rejected = new Map<string, number>();
  readonly #statuses: Partial<Record<ExecutionStatus, number>> = {};
  readonly #costs = new OrderCosts();
  #cycles = 0;
  #until: number | null = null;
  #snapshots = 0;
  #best: PositionId | null = null;

  /** Of the positions of the latest cycle that had any, the one with the highest R. */
  get best(): PositionId | null {
    return this.#best;
  }

  add({ now, scored, reports }: CycleResult): void {
    this.#cycles += 1;
    this.#until = now;
    this.#snapshots += scored.length;
    const [best] = scored.toSorted((one, other) => other.decision.r - one.decision.r);
    if (best !== undefined) this.#best = best.snapshot.position_id;
    for (const { decision } of scored) this.decisions[decision.action] += 1;
    for (const report of reports) {
      const { status, reason } = report;
      this.#costs.add(report);
      if (status === 'SUBMITTED') continue;
      this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
      if (status === 'SUPPRESSED') increase(this.#suppressed, reason);
      if (status === 'REJECTED') increase(this.#rejected, reason);
    }
  }

  summary({ stoppedBy, gate, accumulating, deadLetters }: WholeRecord): DevSummary {
    return {
      cycles: this.#cycles,
      stopped_by: stoppedBy,
      until: this.#until,
      snapshots: this.#snapshots,
      decisions: { ...this.decisions },
      intents: this.decisions.PARTIAL_CLOSE + this.decisions.CLOSE,
      fills: this.#statuses.FILLED ?? 0,
      reports: { ...this.#statuses },
      suppressed: sorted(this.#suppressed),
      rejected: sorted(this.#rejected),
      unknown: this.#statuses.UNKNOWN ?? 0,
      orders: this.#costs.byStyle(),
      dead_letters: deadLetters,
      outcomes: { ACCUMULATING: accumulating, FINAL: gate.final, ...gate.labels },
      gate,
    };
  }
}

function increase(byName: Map<string, number>, name: string): void {
  byName.set(name, (byName.get(name) ?? 0) + 1);
}

function sorted(byName: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...byName].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
