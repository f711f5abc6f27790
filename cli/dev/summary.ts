import { pc, printable } from '../../render/terminal.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { orderCostLines, OrderCosts } from '../../pipelines/status/execution-figures.ts';
import { plainTable } from '../../render/tables.ts';
import type { Gate } from '../../pipelines/clm/gate.ts';
import type { PrintedAlert } from '../../pipelines/alerts/alerts.ts';
import type { ExecutionStatus, OutcomeLabel, OutcomeStatus } from '../../schemas/generated/records.ts';
import type { CycleResult } from '../compose/dev-chain.ts';

const ENDS = { cycles: '', market: '; the market has no more candles', signal: '' } as const;

/** The summary for people. */
export function summaryTable(summary: WholeSummary): readonly string[] {
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
  } = summary;
  const rows: string[][] = [];
  const row = (name: string, value: string | number): void => {
    rows.push([pc.bold(name), String(value)]);
  };
  row('cycles', `${cycles}${until === null ? '' : `, until ${formatEventTime(until)}`}${ENDS[stopped_by]}`);
  row('snapshots', snapshots);
  row('decisions', counts(decisions));
  row('intents', intents);
  row('fills', fills);
  row('suppressed', counts(suppressed));
  for (const line of orderCostLines(orders)) row('orders', line);
  row('rejected', counts(rejected));
  row('unknown', unknown === 0 ? 0 : pc.red(`${unknown}  see: harvestline status`));
  if (Object.keys(dead_letters).length > 0) row('dead letters', pc.red(counts(dead_letters)));
  row(
    'outcomes',
    `${counts({ WIN: outcomes.WIN, LOSS: outcomes.LOSS, NEUTRAL: outcomes.NEUTRAL })}  (${outcomes.FINAL} final, ${outcomes.ACCUMULATING} accumulating)`,
  );
  row(
    'gate',
    `${gate.usable} of ${gate.needed} usable outcomes: ${gate.open ? pc.green('open') : gate.eta === null ? 'closed' : `opens about ${formatEventTime(gate.eta)}`}`,
  );
  for (const { name, evidence } of alerts) row('alert', pc.red(`${name}: ${printable(evidence)}`));
  return plainTable([{ head: 'summary' }, { head: '' }], rows);
}

function counts(byName: Readonly<Record<string, number>>): string {
  const entries = Object.entries(byName);
  return entries.length === 0 ? '0' : entries.map(([name, count]) => `${name} ${count}`).join(', ');
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

/** The summary with the alerts that `status` raises; they take reading the whole log. */
interface WholeSummary extends DevSummary {
  readonly alerts: readonly PrintedAlert[];
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

  add({ now, scored, reports }: CycleResult): void {
    this.#cycles += 1;
    this.#until = now;
    this.#snapshots += scored.length;
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
