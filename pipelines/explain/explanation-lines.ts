import { pc, printable } from '../../render/terminal.ts';
import { count, plural, significant } from '../../render/figures.ts';
import type { Explanation, ExplainedDecision } from './explanation.ts';
import { actionCounts, runLines, sameScorer, scorerText, calibrationText } from './run-lines.ts';
import { durationText, durationWords, dateOf, timeOf } from '../../render/event-time.ts';
import { stepLines } from './step-lines.ts';
import type { MeasuredCondition } from '../scoring/rule-conditions.ts';
import type { DecisionChange } from '../scoring/smallest-changes.ts';
import type { Factor } from '../../schemas/generated/records.ts';
import { terminalWidth } from '../../render/output.ts';
import { hanging, sideBySide, together } from '../../render/terminal-text.ts';

/** Narrower terminals are written to as if they were so wide. Unit: columns. */
const LEAST_COLUMNS = 40;

/**
 * An explanation for people: the position, the decision that is explained, then every decision, then all records that followed.
 *
 * EXP-2  No line is wider than the terminal, unless a single word is.
 * EXP-3  Every decision and every record is in it, alike ones in one line with their number and places.
 */
export function explanationLines(explanation: Explanation, columns: number | undefined): readonly string[] {
  const width = Math.max(LEAST_COLUMNS, terminalWidth({ columns }));
  const { position_id, intent_id, decision } = explanation;
  return [
    ...idLines('position', position_id, width),
    ...(intent_id === null ? [] : idLines('intent', intent_id, width)),
    ...summaryLines(explanation, width),
    ...leftOutLines(explanation, width),
    '',
    ...(decision === null ? ['its snapshot is not kept any more'] : decisionLines(decision, width)),
    '',
    ...runLines(explanation, width),
    '',
    ...stepLines(explanation, width),
  ];
}

function idLines(name: string, id: string, width: number): readonly string[] {
  const lines = hanging(name.padEnd('position  '.length), printable(id), width);
  return lines.map((line) => line.replace(name, pc.bold(name)));
}

function summaryLines({ runs, decisions }: Explanation, width: number): readonly string[] {
  const [first] = runs;
  const last = runs.at(-1);
  if (first === undefined || last === undefined) return [];
  const scorer = sameScorer(runs) ? `, all by ${scorerText(first)}` : '';
  const text =
    `${plural(decisions.length, 'snapshot')} in ${plural(runs.length, 'run')}, ` +
    `${durationText(last.to - first.from)}${scorer}: ${actionCounts(runs)}`;
  return hanging('', text, width);
}

/** What makes the explanation less certain or incomplete. */
function leftOutLines({ runs, unscorable, undecodable }: Explanation, width: number): readonly string[] {
  const [first] = unscorable;
  return [
    ...(runs.some(({ assumed }) => assumed)
      ? ['assumed: no record tells for certain which policy decided; --policy sets another']
      : []),
    ...(first === undefined
      ? []
      : [
          `${plural(unscorable.length, 'snapshot')} could not be scored, the first at ` +
            `${together(`${first.topic} ${first.partition}:${first.offset}`)}: ${printable(first.why)}`,
        ]),
    ...Object.entries(undecodable).map(
      ([topic, records]) => `${count(records)} of ${topic} did not decode, and may have been of this position`,
    ),
  ].flatMap((text) => hanging('', text, width).map(pc.yellow));
}

/** One decision in full: its factors, its policy and map, and what would have changed it. */
function decisionLines(decision: ExplainedDecision, width: number): readonly string[] {
  const { action, fraction, reason, at, partition, offset, policy, assumed, unknown } = decision;
  const head = [
    `${action}${action === 'PARTIAL_CLOSE' ? ` ${fraction}` : ''} ${printable(reason)} at ${dateOf(at)} ${timeOf(at)}`,
    `R ${decision.r.toFixed(2)}`,
    `snapshot ${partition}:${offset}`,
  ];
  const by = [
    `policy ${printable(policy)}${assumed ? ' (assumed)' : ''}`,
    calibrationText(decision.calibration_version),
    `unknown: ${unknown.length === 0 ? 'nothing' : unknown.map(printable).join(', ')}`,
  ];
  return [
    ...hanging('', head.map(together).join(', '), width).map((line) => pc.bold(line)),
    ...hanging('', by.map(together).join(', '), width),
    ...ruleLines(decision, width),
    ...factorLines(decision, width),
    ...changeLines(decision, width),
  ];
}

/** The rule that decided, with what it asks for. */
function ruleLines({ conditions, reason }: ExplainedDecision, width: number): readonly string[] {
  if (conditions === null || conditions.length === 0) return [];
  return hanging(`rule ${printable(reason)}: `, conditions.map(conditionText).map(together).join(', '), width, 2);
}

const CONDITION_WORDS: Readonly<Record<MeasuredCondition['name'], (value: string, threshold: string) => string>> = {
  r_above: (value, threshold) => `R ${value} (> ${threshold})`,
  r_below: (value, threshold) => `R ${value} (< ${threshold})`,
  exit_above_hold_plus: (value, threshold) => `exit - hold ${value} (> ${threshold})`,
  exit_at_least_hold_plus: (value, threshold) => `exit - hold ${value} (>= ${threshold})`,
  any_factor: (value) => value,
  symbol: (value) => `symbol ${value}`,
  age_minutes_above: (value, threshold) => `age ${value} min (> ${threshold})`,
  age_minutes_below: (value, threshold) => `age ${value} min (< ${threshold})`,
  gave_back_above: (value, threshold) => `gave back ${value} (> ${threshold})`,
  stop_hit: (value, threshold) => `mark ${value} (stop ${threshold})`,
  take_profit_hit: (value, threshold) => `mark ${value} (take profit ${threshold})`,
};

function conditionText({ name, value, threshold }: MeasuredCondition): string {
  return CONDITION_WORDS[name](exact(value), exact(threshold));
}

function factorLines({ hold_score, exit_score, factors }: ExplainedDecision, width: number): readonly string[] {
  const hold = [`hold ${hold_score}`, ...sideLines(factors, 'HOLD')];
  const exit = [`exit ${exit_score}`, ...sideLines(factors, 'EXIT')];
  const beside = sideBySide([hold, exit], '  ');
  return beside.every(({ length }) => length <= width) ? beside : [...hold, ...exit];
}

/** The factors whose value is an age. */
const AGES: ReadonlySet<string> = new Set(['fresh', 'old']);

const HOUR_MS = 60 * 60 * 1000;

function ageText(hours: number): string {
  return durationWords(hours * HOUR_MS);
}

/** `name points  value (threshold)`, in columns. */
function sideLines(factors: readonly Factor[], side: Factor['side']): readonly string[] {
  const ofSide = factors.filter((factor) => factor.side === side);
  const name = Math.max(0, ...ofSide.map((factor) => printable(factor.name).length));
  const points = Math.max(0, ...ofSide.map((factor) => String(factor.points).length));
  return ofSide.map((factor) => {
    const { value, threshold } = factor;
    const figure = (number: number): string => (AGES.has(factor.name) ? ageText(number) : significant(number, 4));
    const measured = value === null ? '' : `  ${figure(value)}${threshold === null ? '' : ` (${figure(threshold)})`}`;
    return ` ${printable(factor.name).padEnd(name)} ${String(factor.points).padStart(points)}${measured}`;
  });
}

function changeLines(
  { changes, policy, policy_available: available, confidence_mapped: mapped }: ExplainedDecision,
  width: number,
): readonly string[] {
  if (changes === null) {
    const why = available
      ? 'its policy or its map decides otherwise here'
      : `nothing here has ${printable(policy)}; --policy FILE does`;
    return hanging('', `what would have changed it is not known: ${why}`, width);
  }
  if (changes.length > 0) return byOutcome(changes).flatMap((same, index) => outcomeLines(same, index, mapped, width));
  return ['no change of one input would have changed it'];
}

/** Changes that lead to the same decision, together; the smallest change comes first. */
function byOutcome(changes: readonly DecisionChange[]): readonly (readonly DecisionChange[])[] {
  return [...Map.groupBy(changes, ({ action, reason }) => JSON.stringify([action, reason])).values()];
}

function outcomeLines(
  changes: readonly DecisionChange[],
  index: number,
  mapped: boolean,
  width: number,
): readonly string[] {
  const [first] = changes;
  if (first === undefined) return [];
  const ways = changes.map(({ input, from, to }) => {
    if (input === 'age_hours') return together(`age ${age(to)} (was ${age(from)})`);
    return together(
      `${mapped && input === 'confidence' ? 'calibrated ' : ''}${input} ${exact(to)} (was ${exact(from)})`,
    );
  });
  const head = index === 0 ? 'smallest change: ' : 'or ';
  return hanging(head, `${first.action} ${printable(first.reason)} with ${ways.join(', or ')}`, width, 2);
}

function age(hours: number | string | null): string {
  return typeof hours === 'number' ? ageText(hours) : exact(hours);
}

/** With more digits than a factor: for prices, and for values near a threshold. */
function exact(value: number | string | null): string {
  if (value === null) return 'unknown';
  return typeof value === 'string' ? printable(value) : significant(value, 6);
}
