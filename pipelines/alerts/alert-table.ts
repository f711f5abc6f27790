/**
 * Every alert: how soon a person is needed, what it means, and what to do. The incident page of docs/operations.md, the rules for Prometheus,
 * the records of desk.alert and the order on every screen derive from this table.
 *
 * CRITICAL: now, since money is at stake or orders stand still. WARNING: today. INFO: when convenient.
 */
import type { AlertSeverity } from '../../schemas/generated/records.ts';

interface AlertSpec {
  readonly severity: AlertSeverity;
  /** What stands still, and what that leads to. */
  readonly meaning: string;
  /** What to do first. */
  readonly remedy: string;
  /** Whether each process of `run` has a gauge of it; the others are known to `status` and the watch alone. */
  readonly gauge: boolean;
}

export const ALERTS = {
  winner_held: {
    severity: 'CRITICAL',
    meaning:
      'A position stays above the profit that a policy should take, and nothing is decided about it: the incident that this program exists for.',
    remedy:
      'Ask `explain` with the id in the evidence why it is held. Close it at the venue, or let another policy decide.',
    gauge: true,
  },
  no_intents: {
    severity: 'CRITICAL',
    meaning: 'Snapshots come, and scoring decides to close nothing, or does not run.',
    remedy: 'See that `run scoring` runs and that its lag falls; then ask `explain` about the best position.',
    gauge: true,
  },
  snapshots_ceased: {
    severity: 'WARNING',
    meaning: 'A position that nothing closed is not observed any more, so nothing is decided about it.',
    remedy: 'Look for the position at the venue, and at the log of the source of snapshots.',
    gauge: true,
  },
  feed_silent: {
    severity: 'CRITICAL',
    meaning: 'No snapshot of a whole account comes: none of its positions is watched.',
    remedy: 'See that the source of snapshots runs and reaches the venue.',
    gauge: true,
  },
  intents_without_reports: {
    severity: 'CRITICAL',
    meaning: 'Decisions to close are not executed: execution does not run, waits, or has lost them.',
    remedy: 'See that `run execution` runs for that account, and what its log waits for.',
    gauge: true,
  },
  reports_without_trades: {
    severity: 'WARNING',
    meaning: 'An order was filled, and the trade is not on record.',
    remedy: 'Read the log of execution; `replay --audit` lists what is missing.',
    gauge: true,
  },
  trades_without_outcomes: {
    severity: 'WARNING',
    meaning: 'Closed trades do not reach the outcomes, so nothing can be calibrated from them.',
    remedy: 'See that `run clm` runs, and whether its dead letters say why.',
    gauge: true,
  },
  confidence_constant: {
    severity: 'WARNING',
    meaning: 'A model gives the same confidence to everything: a default, or a model that does not look.',
    remedy: 'Tell those who run the model. Decisions that rest on confidence are worth nothing until then.',
    gauge: true,
  },
  order_set_aside: {
    severity: 'CRITICAL',
    meaning: 'What became of an order could not be found out. Its position is left alone from then on.',
    remedy: 'Look for the order at the venue by its client order id, and close there what is open.',
    gauge: true,
  },
  mark_price_differs: {
    severity: 'CRITICAL',
    meaning: 'The feed and the venue disagree about a price so much that no order is sent.',
    remedy: 'Mend the feed: another scale, another contract, or prices that stand still.',
    gauge: true,
  },
  orders_refused: {
    severity: 'CRITICAL',
    meaning: 'The venue refuses the orders of a position again and again, and what is open stays open.',
    remedy: 'Do what the code in the evidence asks for at the venue, or close by hand.',
    gauge: true,
  },
  letter_without_bytes: {
    severity: 'WARNING',
    meaning: 'A dead letter is too large to carry its record: only the source topic still has it, until retention.',
    remedy: 'Copy the record from the source topic before its retention, then mend what wrote it.',
    gauge: true,
  },
  records_never_read: {
    severity: 'WARNING',
    meaning: 'Retention removed records before a group had read them.',
    remedy: 'Raise the retention of the topic, and see why the group was so far behind.',
    gauge: true,
  },
  settles_soon: {
    severity: 'CRITICAL',
    meaning: 'The contract of an open position is delivered or delisted soon.',
    remedy: 'Close it at the venue, or let the settlement close it at its price.',
    gauge: true,
  },
  trades_starved: {
    severity: 'CRITICAL',
    meaning: 'Intents keep coming for hours, and not one trade was closed.',
    remedy: 'Read why the reports were suppressed or rejected: `tail execution.report`.',
    gauge: false,
  },
  unknown_reports: {
    severity: 'CRITICAL',
    meaning: 'Orders of which nobody can say whether they were filled.',
    remedy: 'Look for them at the venue by the client order ids in the evidence.',
    gauge: false,
  },
  dead_letters: {
    severity: 'WARNING',
    meaning: 'Records that could not be processed wait for a person.',
    remedy: '`dlq list`, mend the cause, then `dlq retry` or `dlq discard`.',
    gauge: false,
  },
  calibration_worse: {
    severity: 'WARNING',
    meaning: 'Since a confidence map is in force the desk wins less often, or raw confidence is truer than mapped.',
    remedy: '`calibrate verify`, and think of a rollback.',
    gauge: false,
  },
  halted: {
    severity: 'CRITICAL',
    meaning: 'A person has stopped all orders.',
    remedy: '`resume`, once the reason is gone.',
    gauge: false,
  },
  kill_switch_unknown: {
    severity: 'CRITICAL',
    meaning: 'Nobody can tell whether orders are stopped, so none is sent.',
    remedy: '`halt` or `resume` the scope anew; see that the topic desk.control is whole.',
    gauge: false,
  },
  venue_differs: {
    severity: 'WARNING',
    meaning: 'Venue and record do not agree about a position.',
    remedy: 'Compare the position at the venue with `status`; the venue is right.',
    gauge: false,
  },
  open_orders: {
    severity: 'WARNING',
    meaning:
      'Orders were announced and have no end: execution may have died, and asks about them when it starts again.',
    remedy: 'Start `run execution` for that account.',
    gauge: false,
  },
  transaction_open: {
    severity: 'WARNING',
    meaning: 'A producer has left a transaction open, and consumers of that partition wait behind it.',
    remedy: 'Find the producer, or abort its transaction with the tools of the broker.',
    gauge: false,
  },
  processor_gone: {
    severity: 'CRITICAL',
    meaning:
      'Records wait for a consumer group, and it has committed nothing for minutes: the process is dead, or hangs.',
    remedy: 'Start it again; its log says what it waited for.',
    gauge: false,
  },
  log_unavailable: {
    severity: 'CRITICAL',
    meaning: 'The broker or the registry does not answer the watch: nothing can be decided, recorded or watched.',
    remedy: '`doctor` says what does not answer.',
    gauge: false,
  },
  notify_failed: {
    severity: 'WARNING',
    meaning: 'A target of messages does not take them. They wait, and the other targets are told.',
    remedy: '`notify test` says what the target answers.',
    gauge: false,
  },
} as const satisfies Record<string, AlertSpec>;

export type AlertName = keyof typeof ALERTS;

/** In falling order: what a reader has to see first. */
const SEVERITIES: readonly AlertSeverity[] = ['CRITICAL', 'WARNING', 'INFO'];

/** How soon a person is needed. A name that this version does not know, from a record of a newer one, counts as the most severe. */
export function severityOf(name: string): AlertSeverity {
  return Object.hasOwn(ALERTS, name) ? ALERTS[name as AlertName].severity : 'CRITICAL';
}

/** The most severe first, then the oldest, then by name. */
export function bySeverity<A extends { readonly name: string; readonly since: number }>(
  alerts: readonly A[],
): readonly A[] {
  const rank = ({ name }: A): number => SEVERITIES.indexOf(severityOf(name));
  return alerts.toSorted(
    (one, other) => rank(one) - rank(other) || one.since - other.since || (one.name < other.name ? -1 : 1),
  );
}
