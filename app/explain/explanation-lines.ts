import pc from 'picocolors';
import { formatEventTime } from '../../pipelines/watch/event-time.ts';
import { plainTable } from '../plain-table.ts';
import { printable } from '../printable.ts';
import type { DecisionRun, ExplainedDecision, ExplainedStep, Explanation } from './gather.ts';

/** So that it fits a screen: the JSON has all. Unit: lines. */
const SHOWN_RUNS = 15;
const SHOWN_STEPS = 20;

/** The explanation for people. */
export function explanationLines({
  position_id,
  intent_id,
  decisions,
  decision,
  steps,
}: Explanation): readonly string[] {
  return [
    `${pc.bold('position')}  ${printable(position_id)}${intent_id === null ? '' : `, intent ${printable(intent_id)}`}`,
    '',
    ...decisionRows(decisions),
    ...(decision === null ? ['its snapshot is not kept any more'] : decisionLines(decision)),
    '',
    ...stepRows(steps),
  ];
}

function decisionRows(runs: readonly DecisionRun[]): readonly string[] {
  const columns = [
    { head: 'decision' },
    { head: 'reason' },
    { head: 'from' },
    { head: 'to' },
    { head: 'count', align: 'right' },
    { head: 'hold/exit', align: 'right' },
    { head: 'R', align: 'right' },
    { head: 'policy' },
  ] as const;
  const rows = runs
    .slice(-SHOWN_RUNS)
    .map((run) => [
      actionText(run),
      printable(run.reason),
      formatEventTime(run.from),
      formatEventTime(run.to),
      String(run.count),
      `${run.hold_score}/${run.exit_score}`,
      run.r.toFixed(2),
      policyText(run),
    ]);
  return [...plainTable(columns, rows), ...earlier(runs.length - SHOWN_RUNS), ...assumedNote(runs), ''];
}

/** That no intent came of a decision to act is a fault only where it is certain that it was decided. */
function actionText({ action, intents, assumed }: DecisionRun): string {
  if (action === 'HOLD' || intents) return action;
  return assumed ? `would ${action}` : pc.yellow(`${action}, no intent`);
}

function policyText({ policy, assumed }: { readonly policy: string; readonly assumed: boolean }): string {
  return assumed ? pc.dim(`${printable(policy)}, assumed`) : printable(policy);
}

function assumedNote(runs: readonly DecisionRun[]): readonly string[] {
  if (runs.every(({ assumed }) => !assumed)) return [];
  return [pc.dim('assumed: no record tells for certain which policy decided; --policy sets another')];
}

function decisionLines(decision: ExplainedDecision): readonly string[] {
  const { action, fraction, reason, at, input, policy, calibration_version: version, unknown, factors } = decision;
  const columns = [
    { head: 'factor' },
    { head: 'side' },
    { head: 'points', align: 'right' },
    { head: 'value', align: 'right' },
    { head: 'threshold', align: 'right' },
  ] as const;
  const rows = factors.map(({ name, side, points, value, threshold }) => [
    printable(name),
    side,
    String(points),
    value === null ? '' : figure(value),
    threshold === null ? '' : figure(threshold),
  ]);
  return [
    `${pc.bold(action)}${action === 'PARTIAL_CLOSE' ? ` ${fraction}` : ''} ${printable(reason)} at ${formatEventTime(at)}, hold ` +
      `${decision.hold_score} exit ${decision.exit_score}, R ${decision.r.toFixed(2)}  ${place(input)}`,
    `policy ${printable(policy)}${decision.assumed ? ' (assumed)' : ''}, ${version === null ? 'raw confidence' : `calibration ${printable(version)}`}, unknown: ${unknown.length === 0 ? 'nothing' : unknown.join(', ')}`,
    ...plainTable(columns, rows),
    ...(decision.policy_available
      ? []
      : [`what would have changed it is not known: nothing here has that policy; --policy FILE does`]),
    ...(decision.policy_available && decision.changes.length === 0
      ? ['no change of one input would have changed it']
      : []),
    ...decision.changes.map(
      ({ input: name, from, to, action: other, reason: why }) =>
        `would have been ${other} (${printable(why)}) with ${name} ${figure(to)} instead of ${figure(from)}`,
    ),
  ];
}

function stepRows(steps: readonly ExplainedStep[]): readonly string[] {
  if (steps.length === 0) return ['nothing followed: no intent, no report, no trade, no outcome'];
  const columns = [
    { head: 'what followed' },
    { head: 'after', align: 'right' },
    { head: 'record' },
    { head: '' },
  ] as const;
  const rows = steps
    .slice(-SHOWN_STEPS)
    .map((step) => [formatEventTime(step.at), afterText(step.after_ms), place(step), printable(step.what)]);
  return [...plainTable(columns, rows), ...earlier(steps.length - SHOWN_STEPS)];
}

function earlier(count: number): readonly string[] {
  return count > 0 ? [pc.dim(`and ${count} earlier ones: --json shows them`)] : [];
}

function place({ topic, partition, offset }: { topic: string; partition: number; offset: number }): string {
  return `${topic} ${partition}:${offset}`;
}

function afterText(ms: number | null): string {
  if (ms === null) return '';
  return ms < 60_000 ? `${ms} ms` : `${(ms / 60_000).toFixed(1)} min`;
}

function figure(value: number | string | null): string {
  if (value === null) return 'unknown';
  return typeof value === 'string' ? printable(value) : String(Number(value.toPrecision(6)));
}
