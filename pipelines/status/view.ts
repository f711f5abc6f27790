/** What `status` prints: for people whether all is well, what is the matter, then the figures, with what is empty folded; or JSON. */
import { formatEventMinute, formatEventSecond } from '../../render/event-time.ts';
import { count, plural, significant } from '../../render/figures.ts';
import { fittingTable } from '../../render/tables.ts';
import { hanging, labelled, together } from '../../render/terminal-text.ts';
import { pc, printable } from '../../render/terminal.ts';
import type { EpochMillis } from '../../schemas/generated/records.ts';
import { isDeadLetterTopic } from '../../schemas/topics.ts';
import { printedAlert } from '../alerts/alerts.ts';
import { bySeverity } from '../alerts/alert-table.ts';
import { alertLines } from '../alerts/view.ts';
import type { ModelGate } from '../clm/gate.ts';
import type { ShadowFigures } from '../scoring/shadow-report.ts';
import { calibrationTexts } from './calibration-view.ts';
import { orderCostLines } from './execution-figures.ts';
import { type Headline, headlineOf } from './headline.ts';
import type { StatusReport } from './status-report.ts';
import type { TopicStatus } from './topic-statuses.ts';

/** What the report was read from, and where it is printed. */
export interface ReportPlace {
  /** Unit: columns. */
  readonly width: number;
  /** The flags that name the log in the commands of alerts (ALR-1). */
  readonly logFlags: string;
  /** The log, for people: a folder or brokers. */
  readonly log: string;
  /** The name of the desk whose topics these are; empty where the log has one desk. */
  readonly desk: string;
  /** The policy in force, and where that is known from. */
  readonly policy: readonly string[];
}

/** Wide enough for the longest label, and a gap. Unit: columns. */
const LABEL_WIDTH = 12;

/** Enough to tell two quantities apart, and never the digits of a binary fraction. */
const QUANTITY_DIGITS = 8;

const HEADLINE_COLOURS: Readonly<Record<Headline['state'], (line: string) => string>> = {
  well: pc.green,
  warning: pc.yellow,
  critical: pc.red,
};

/** The headline, wrapped. */
function headlineLines({ state, text }: Headline, width: number): readonly string[] {
  return hanging('', text, width, 2).map((line) => pc.bold(HEADLINE_COLOURS[state](line)));
}

/** The report for people, on lines of at most `width`; a longer word, such as a position's id, has a line of its own. */
export function reportLines(report: StatusReport, place: ReportPlace): readonly string[] {
  const { width, logFlags } = place;
  const alerts = bySeverity(report.alerts).map((alert) => alertLines(alert, { width, logFlags, now: report.as_of }));
  const sections = [
    headlineLines(headlineOf(report), width),
    ...alerts,
    [...stopLines(report, width), ...unreadLines(report.topics, width), ...setAsideLines(report, width)],
    [...sourceLines(report, place), ...figureLines(report, width)],
    differenceLines(report, width),
    leftLines(report, width),
    topicLines(report.topics, width),
  ];
  return sections.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

/** The report as one line of JSON: with the headline, and the commands of its alerts (ALR-1). */
export function reportJson(report: StatusReport, { logFlags }: Pick<ReportPlace, 'logFlags'>): string {
  const alerts = bySeverity(report.alerts).map((alert) => printedAlert(alert, logFlags));
  return JSON.stringify({ headline: headlineOf(report), ...report, alerts });
}

/** A figure with its name; further texts go below the first one. */
function entry(label: string, texts: readonly string[], width: number, paint?: (line: string) => string) {
  const place = { width, column: LABEL_WIDTH };
  return texts.flatMap((text, index) => labelled(index === 0 ? label : '', text, place, paint));
}

/** What the figures rest on. */
function sourceLines({ as_of, calibrations }: StatusReport, { log, desk, policy, width }: ReportPlace) {
  const when = as_of === null ? 'nothing is recorded yet' : `as of ${timeText(as_of)} UTC`;
  const maps = calibrations.length === 0 ? ['none: confidence is as the models give it'] : [];
  return [
    ...entry('log', [`${printable(log)}, ${when}`], width),
    ...(desk === '' ? [] : entry('desk', [printable(desk)], width)),
    ...entry('policy', policy, width),
    ...entry('map', maps, width),
    ...calibrations.flatMap((calibration) => entry('map', calibrationTexts(calibration), width)),
  ];
}

function figureLines(report: StatusReport, width: number): readonly string[] {
  const { gate, open_positions, open_orders, reports, suppressed, orders, shadow } = report;
  const why = Object.entries(suppressed).map(([reason, times]) => `${reason} ${count(times)}`);
  const counts = Object.entries(reports)
    .filter(([, times]) => times > 0)
    .map(([name, times]) => `${count(times)} ${name}${name === 'SUPPRESSED' ? ` (${why.join(', ')})` : ''}`);
  const waiting = open_orders === 0 ? '' : `, ${plural(open_orders, 'order')} without an end yet`;
  return [
    ...entry('gate', gateTexts(gate), width),
    ...entry('positions', [`${count(open_positions)} open${waiting}`], width),
    ...(counts.length === 0 ? [] : entry('reports', [counts.join(', ')], width)),
    ...entry('orders', orderCostLines(orders), width),
    ...shadow.flatMap((figures) => entry('shadow', shadowTexts(figures), width)),
  ];
}

function gateTexts({ final, usable, needed, open, eta, labels, excluded, models }: StatusReport['gate']) {
  const [only] = models.length === 1 ? models : [];
  const opening = openingText({ open, eta, unmet: only?.unmet ?? [] });
  const left = Object.entries(excluded).map(([code, times]) => `, ${count(times)} excluded ${code}`);
  const named = Object.entries(labels).map(([label, times]) => `${count(times)} ${label}`);
  return [
    `${count(usable)} of ${count(needed)} usable outcomes: ${opening}`,
    ...(final === 0 ? [] : [`${count(final)} final: ${named.join(', ')}${left.join('')}`]),
    // A calibration is for one model: several models have a gate each.
    ...(models.length > 1 ? models.map((model) => modelText(model)) : []),
  ];
}

function modelText({ model_id: model, usable, needed, open, eta, unmet }: ModelGate): string {
  return `${printable(model)} ${count(usable)} of ${count(needed)}: ${openingText({ open, eta, unmet })}`;
}

function openingText({ open, eta, unmet }: Pick<ModelGate, 'open' | 'eta' | 'unmet'>): string {
  if (open) return 'open';
  const also = missingText(unmet);
  const when = eta === null ? 'no estimate yet' : `fills about ${together(formatEventMinute(eta))}`;
  return also === '' ? `closed, ${when}` : `closed: ${also}${eta === null ? '' : `; ${when}`}`;
}

/** What keeps a gate closed besides the count of outcomes, such as `symbols 1 of 2`; empty where nothing does. */
export function missingText(unmet: ModelGate['unmet']): string {
  const missing = unmet.filter(({ condition }) => condition !== 'usable_outcomes');
  return missing.map(({ condition, have, need }) => `${condition} ${have} of ${need}`).join(', ');
}

function shadowTexts({ policy, against, decisions, agreed, resized, flips }: ShadowFigures): readonly string[] {
  return [
    `${printable(policy)} against ${printable(against)}, in the last day`,
    `${count(decisions)} decisions: ${count(agreed)} the same, ${count(resized)} of another size, ${count(flips)} flips`,
  ];
}

function stopLines({ halted, kill_switch_unknown: unknown }: StatusReport, width: number): readonly string[] {
  const blind = unknown.flatMap(({ scope, why }) => {
    const text = `${printable(scope)}: nobody can tell whether it is halted: ${printable(why)}`;
    return entry('NO ORDERS', [text], width, pc.red);
  });
  const halts = halted.flatMap(({ scope, by, since, reason }) => {
    const text = `${printable(scope)} by ${printable(by)} since ${timeText(since)}: ${printable(reason)}`;
    return entry('HALTED', [text], width, pc.red);
  });
  return [...blind, ...halts];
}

/** Records that a group will never read, and offsets that no consumer receives yet. */
function unreadLines(topics: StatusReport['topics'], width: number): readonly string[] {
  return Object.entries(topics).flatMap(([name, { never_read, held_back }]) => [
    ...Object.entries(never_read).flatMap(([group, records]) => {
      const text = `${count(records)} of ${name} by ${group}: retention removed them first`;
      return entry('never read', [text], width, pc.red);
    }),
    ...held_back.flatMap(({ partition, from, offsets, since }) => {
      const open = since === null ? '' : ` since ${timeText(since)}`;
      const text = `${count(offsets)} of ${name}[${partition}] from offset ${from}, by a transaction that is open${open}`;
      return entry('held back', [text], width, pc.yellow);
    }),
  ]);
}

/** Records that no figure counts. */
function setAsideLines({ undecodable, ahead, times_ahead }: StatusReport, width: number): readonly string[] {
  return [
    ...(undecodable === 0 ? [] : entry('undecodable', [plural(undecodable, 'record')], width, pc.yellow)),
    ...(ahead === 0
      ? []
      : entry(
          'ahead',
          [`${plural(ahead, 'snapshot')} dated far ahead of the rest of the account, set aside until another agrees`],
          width,
          pc.yellow,
        )),
    ...times_ahead.flatMap(({ account, source, records, last }) => {
      const who = `account ${printable(account)}${source === '' ? '' : `, source ${printable(source)}`}`;
      const text = `${plural(records, 'record')} of ${who}, the last set aside at ${timeText(last)}`;
      return entry('times ahead', [text], width, pc.yellow);
    }),
  ];
}

function differenceLines({ differences }: StatusReport, width: number): readonly string[] {
  if (differences.length === 0) return [];
  const columns = [{ head: 'venue differs' }, { head: 'kind' }, { head: 'since' }, { head: 'detail' }];
  const rows = differences.map(({ account, symbol, kind, since, detail }) => [
    `${printable(account)} ${printable(symbol)}`,
    kind,
    timeText(since),
    printable(detail),
  ]);
  return fittingTable(columns, rows, width);
}

/** Resting orders and dust that stay at a venue. */
function leftLines({ resting_left, dust }: StatusReport, width: number): readonly string[] {
  const quantityText = (quantity: number): string => significant(quantity, QUANTITY_DIGITS);
  const rows = [
    ...resting_left.flatMap(({ account, symbol, since, orders }) =>
      orders.map(({ kind, quantity, price, order_id }) => {
        const size = quantity === null ? 'whatever is open' : quantityText(quantity);
        const at = price === null ? '' : ` at ${quantityText(price)}`;
        const what = `${kind} of ${size}${at} still rests (order ${printable(order_id)})`;
        return [`${printable(account)} ${printable(symbol)}`, timeText(since), what];
      }),
    ),
    ...dust.map(({ account, symbol, quantity, observed_at }) => [
      `${printable(account)} ${printable(symbol)}`,
      timeText(observed_at),
      `${quantityText(quantity)} is dust: less than the smallest order`,
    ]),
  ];
  if (rows.length === 0) return [];
  return fittingTable([{ head: 'left behind' }, { head: 'since' }, { head: 'what' }], rows, width);
}

/** Topics with records as a table, and the others by name: dead-letter topics without records say nothing. */
function topicLines(topics: StatusReport['topics'], width: number): readonly string[] {
  const all = Object.entries(topics);
  const filled = all.filter(([, { records }]) => records > 0);
  const empty = all.filter(([name, { records }]) => records === 0 && !isDeadLetterTopic(name)).map(([name]) => name);
  const columns = [
    { head: 'topic' },
    { head: all[0]?.[1].counted ?? 'records', align: 'right' },
    { head: 'lag' },
    { head: 'last event' },
  ] as const;
  const rows = filled.map(([name, topic]) => [
    name,
    count(topic.records),
    lagText(topic),
    topic.last === null ? '' : timeText(topic.last.timestamp),
  ]);
  return [
    ...(rows.length === 0 ? [] : fittingTable(columns, rows, width)),
    ...(empty.length === 0 ? [] : hanging('empty: ', empty.join(', '), width, 2)),
  ];
}

/** A time that no line break parts. */
function timeText(at: EpochMillis): string {
  return together(formatEventSecond(at));
}

/** The groups that are behind; `0` where there are groups and none is. */
function lagText({ lag }: TopicStatus): string {
  const groups = Object.entries(lag);
  const behind = groups.filter(([, records]) => records > 0);
  if (behind.length === 0) return groups.length === 0 ? '' : '0';
  return behind.map(([group, records]) => pc.yellow(`${group} ${count(records)}`)).join(', ');
}
