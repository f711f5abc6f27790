/**
 * Whether all is well, in one line: for `status`, the page, and the live view of `run`.
 *
 * STS-1  "All is well" is said only where nothing is halted, no alert stands, no group is late, no dead letter waits, and
 *        processes are known to work or cannot be known to.
 * STS-2  What is the matter is named from the gravest on, and nothing of it is left out.
 */
import { count, plural } from '../../render/figures.ts';
import { printable } from '../../render/terminal.ts';
import { severityOf } from '../alerts/alert-table.ts';
import type { Gate } from '../clm/gate.ts';

/** What the headline rests on. `StatusReport` has it. */
export interface HeadlineFigures {
  readonly halted: readonly { readonly scope: string }[];
  /** Those of a newer version too, as records of desk.alert name them. */
  readonly alerts: readonly { readonly name: string }[];
  /** By consumer group that has any: records that it should have committed by now. */
  readonly late: Readonly<Record<string, number>>;
  /** Dead letters that nobody has retried or discarded. */
  readonly dead_letters: number;
  /** Processes that work an account; null where that cannot be known. */
  readonly processes: number | null;
  readonly open_positions: number;
  readonly gate: Pick<Gate, 'usable' | 'needed' | 'open'>;
}

export interface Headline {
  readonly state: 'well' | 'warning' | 'critical';
  readonly text: string;
}

export function headlineOf(figures: HeadlineFigures): Headline {
  const { halted, late, dead_letters, processes, open_positions, gate } = figures;
  // These two have words of their own.
  const isTold = (name: string): boolean =>
    (name === 'halted' && halted.length > 0) || (name === 'dead_letters' && dead_letters > 0);
  const names = figures.alerts.map(({ name }) => name).filter((name) => !isTold(name));
  const critical = names.filter((name) => severityOf(name) === 'CRITICAL');
  const others = names.filter((name) => severityOf(name) !== 'CRITICAL');
  const grave = [
    ...(halted.length === 0 ? [] : [`HALTED: ${halted.map(({ scope }) => printable(scope)).join(', ')}`]),
    ...(critical.length === 0
      ? []
      : [`${plural(critical.length, 'critical alert')}: ${critical.map(printable).join(', ')}`]),
  ];
  const rest = [
    ...Object.entries(late).map(([group, records]) => `${printable(group)} is ${plural(records, 'record')} behind`),
    ...(dead_letters === 0 ? [] : [plural(dead_letters, 'dead letter')]),
    ...(processes === 0 ? ['no process works an account'] : []),
    ...(others.length === 0
      ? []
      : [
          `${plural(others.length, critical.length === 0 ? 'alert' : 'other alert')}: ${others.map(printable).join(', ')}`,
        ]),
  ];
  const gateText = gate.open ? 'gate open' : `gate ${count(gate.usable)} of ${count(gate.needed)}`;
  const usual = `${plural(open_positions, 'position')}, ${gateText}`;
  const wrong = [...grave, ...rest];
  if (wrong.length === 0) return { state: 'well', text: `all is well: ${usual}, no alerts` };
  const state = grave.length > 0 || processes === 0 ? 'critical' : 'warning';
  return { state, text: [...wrong, usual].join('; ') };
}
