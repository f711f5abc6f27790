/** What `status` prints for people. */
import { formatEventTime } from '../../render/event-time.ts';
import { plainTable } from '../../render/tables.ts';
import { pc, printable } from '../../render/terminal.ts';
import { isDeadLetterTopic } from '../../schemas/topics.ts';
import type { PrintedAlert } from '../alerts/alerts.ts';
import type { ModelGate } from '../clm/gate.ts';
import type { ShadowFigures } from '../scoring/shadow-report.ts';
import type { CalibrationWatch, RateChange, Verdict } from './calibration-watch.ts';
import { orderCostLines } from './execution-figures.ts';
import type { StatusReport } from './status-report.ts';
import type { TopicStatus } from './topic-statuses.ts';

/** The report as JSON and people get it: its alerts with their commands. */
export type PrintedReport = Omit<StatusReport, 'alerts'> & { readonly alerts: readonly PrintedAlert[] };

/** The report for people: tables and lines. */
export function reportLines(report: PrintedReport): readonly string[] {
  return [
    ...topicTable(report.topics),
    ...unreadLines(report.topics),
    ...gateLines(report),
    ...positionsLines(report),
    ...haltLines(report),
    ...report.times_ahead.map(aheadLine),
    ...differenceLines(report),
    ...leftLines(report),
    ...report.calibrations.flatMap(calibrationLines),
    ...report.shadow.flatMap(shadowLines),
    ...alertLines(report),
  ];
}

function topicTable(topics: StatusReport['topics']): readonly string[] {
  const rows = Object.entries(topics)
    // Dead-letter topics are shown only where they hold something.
    .filter(([name, topic]) => !isDeadLetterTopic(name) || topic.records > 0)
    .map(([name, topic]) => [
      name,
      String(topic.records),
      lagText(topic),
      topic.last === null ? '' : formatEventTime(topic.last.timestamp),
    ]);
  const columns = [
    { head: 'topic' },
    { head: Object.values(topics)[0]?.counted ?? 'records', align: 'right' },
    { head: 'lag' },
    { head: 'last event' },
  ] as const;
  return [...plainTable(columns, rows), ''];
}

function lagText({ lag }: TopicStatus): string {
  return Object.entries(lag)
    .map(([group, records]) => (records === 0 ? `${group} 0` : pc.yellow(`${group} ${records}`)))
    .join(', ');
}

/** Records that a group will never read, and offsets that no consumer receives yet. */
function unreadLines(topics: StatusReport['topics']): readonly string[] {
  return Object.entries(topics).flatMap(([name, { never_read, held_back }]) => [
    ...Object.entries(never_read).map(
      ([group, count]) => `${pc.red('never read')} ${count} of ${name} by ${group}: retention removed them first`,
    ),
    ...held_back.map(
      ({ partition, from, offsets, since }) =>
        `${pc.yellow('held back')}  ${offsets} of ${name}[${partition}] from offset ${from}, by a transaction that is open` +
        (since === null ? '' : ` since ${formatEventTime(since)}`),
    ),
  ]);
}

function gateLines({ gate }: PrintedReport): readonly string[] {
  const { final, usable, needed, open, eta, labels, excluded, models } = gate;
  const [only] = models.length === 1 ? models : [];
  const opening = openingText({ open, eta, unmet: only?.unmet ?? [] });
  const left = Object.entries(excluded).map(([code, count]) => `, ${count} excluded ${code}`);
  return [
    `${pc.bold('gate')}       ${usable} of ${needed} usable outcomes: ${opening}`,
    `           ${final} final: ${labels.WIN} WIN, ${labels.LOSS} LOSS, ${labels.NEUTRAL} NEUTRAL${left.join('')}`,
    // A calibration is for one model: several models have a gate each.
    ...(models.length > 1 ? models.map((model) => modelLine(model)) : []),
  ];
}

function modelLine({ model_id: model, usable, needed, open, eta, unmet }: ModelGate): string {
  return `           ${printable(model)} ${usable} of ${needed}: ${openingText({ open, eta, unmet })}`;
}

function openingText({ open, eta, unmet }: Pick<ModelGate, 'open' | 'eta' | 'unmet'>): string {
  if (open) return pc.green('open');
  const missing = unmet.filter(({ condition }) => condition !== 'usable_outcomes');
  const also = missing.map(({ condition, have, need }) => `${condition} ${have} of ${need}`).join(', ');
  const when = eta === null ? 'no estimate yet' : `fills about ${formatEventTime(eta)}`;
  return also === '' ? `closed, ${when}` : `closed: ${also}${eta === null ? '' : `; ${when}`}`;
}

function positionsLines({
  open_positions,
  open_orders,
  reports,
  suppressed,
  orders,
  undecodable,
  ahead,
}: PrintedReport): readonly string[] {
  const why = Object.entries(suppressed).map(([reason, count]) => `${reason} ${count}`);
  const counts = Object.entries(reports).map(([name, count]) => `${count} ${name}`);
  return [
    `${pc.bold('positions')}  ${open_positions} open${open_orders === 0 ? '' : `, ${open_orders} orders without an end yet`}`,
    `${pc.bold('reports')}    ${counts.join(', ')}${why.length === 0 ? '' : ` (suppressed: ${why.join(', ')})`}`,
    ...orderCostLines(orders).map((line) => `${pc.bold('orders')}     ${line}`),
    ...(undecodable === 0 ? [] : [`${pc.yellow('undecodable')} ${undecodable} records`]),
    ...(ahead === 0
      ? []
      : [`${pc.yellow('ahead')}      ${ahead} snapshots whose times lie ahead of what can be: they count for nothing`]),
  ];
}

function haltLines({ halted, kill_switch_unknown: unknown }: PrintedReport): readonly string[] {
  const blind = unknown.map(
    ({ scope, why }) =>
      `${pc.red('NO ORDERS')}  ${printable(scope)}: nobody can tell whether it is halted: ${printable(why)}`,
  );
  const halts = halted.map(
    ({ scope, by, since, reason }) =>
      `${pc.red('HALTED')}     ${printable(scope)} by ${printable(by)} since ${formatEventTime(since)}: ${printable(reason)}`,
  );
  return [...blind, ...halts];
}

function differenceLines({ differences }: PrintedReport): readonly string[] {
  if (differences.length === 0) return [];
  const columns = [{ head: 'venue differs' }, { head: 'kind' }, { head: 'since' }, { head: 'detail' }];
  const rows = differences.map(({ account, symbol, kind, since, detail }) => [
    `${printable(account)} ${printable(symbol)}`,
    kind,
    formatEventTime(since),
    printable(detail),
  ]);
  return ['', ...plainTable(columns, rows), ''];
}

/** Resting orders and dust that stay at a venue. */
function leftLines({ resting_left, dust }: PrintedReport): readonly string[] {
  const rows = [
    ...resting_left.flatMap(({ account, symbol, since, orders }) =>
      orders.map(({ kind, quantity, price, order_id }) => [
        `${printable(account)} ${printable(symbol)}`,
        formatEventTime(since),
        `${kind} of ${quantity ?? 'whatever is open'}${price === null ? '' : ` at ${price}`} still rests (order ${printable(order_id)})`,
      ]),
    ),
    ...dust.map(({ account, symbol, quantity, observed_at }) => [
      `${printable(account)} ${printable(symbol)}`,
      formatEventTime(observed_at),
      `${quantity} is dust: less than the smallest order`,
    ]),
  ];
  return rows.length === 0
    ? []
    : ['', ...plainTable([{ head: 'left behind' }, { head: 'since' }, { head: 'what' }], rows), ''];
}

function aheadLine({ account, source, records, last }: StatusReport['times_ahead'][number]): string {
  const who = `account ${printable(account)}${source === '' ? '' : `, source ${printable(source)}`}`;
  return `${pc.yellow('times ahead')} ${records} ${records === 1 ? 'record' : 'records'} of ${who}, the last set aside at ${formatEventTime(last)}`;
}

function shadowLines({ policy, against, decisions, agreed, resized, flips }: ShadowFigures): readonly string[] {
  return [
    `${pc.bold('shadow')}     ${printable(policy)} against ${printable(against)}, in the last day`,
    `           ${decisions} decisions: ${agreed} the same, ${resized} of another size, ${flips} flips`,
  ];
}

function alertLines({ alerts }: PrintedReport): readonly string[] {
  if (alerts.length === 0) return [`${pc.bold('alerts')}     ${pc.green('none')}`];
  return alerts.flatMap(({ name, since, evidence }) => [
    `${pc.red(name)} since ${formatEventTime(since)}`,
    `  ${printable(evidence)}`,
  ]);
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  not_used_yet: 'not used yet',
  too_early: 'too early to tell',
  steady: pc.green('steady'),
  changed: pc.yellow('changed'),
  think_of_rollback: pc.red('think of a rollback'),
};

/** One calibration in force: its verdict, and the figures behind it. */
function calibrationLines({
  model_id,
  version,
  since,
  verdict,
  reasons,
  win_rate,
  hold_rate,
  factor_rates,
  confidence,
}: CalibrationWatch): readonly string[] {
  return [
    `${pc.bold('calibrated')} ${printable(model_id)} by ${version}` +
      `${since === null ? '' : ` since ${formatEventTime(since)}`}: ${VERDICTS[verdict]}`,
    ...(since === null
      ? []
      : [
          `           win rate   ${rateText(win_rate)}`,
          `           HOLD rate  ${rateText(hold_rate)}`,
          ...factorLines(factor_rates),
          `           confidence ${meanText(confidence.before)} before, ${meanText(confidence.after)} after`,
        ]),
    ...reasons.map((reason) => `           ${reason}`),
  ];
}

/** The factors of confidence: a confidence map changes no others. */
function factorLines(rates: CalibrationWatch['factor_rates']): readonly string[] {
  return Object.entries(rates)
    .filter(([name]) => name.startsWith('confidence_'))
    .map(
      ([name, { before, after, mentions }]) =>
        `           ${name}  ${mentions.before} intents before (${shareText(before)}), ${mentions.after} after (${shareText(after)})`,
    );
}

function shareText(rate: RateChange['before']): string {
  return rate === null ? 'no snapshots' : `${percent(rate.value)} of snapshots`;
}

function rateText({ before, after, difference }: RateChange): string {
  const one = before === null ? 'nothing' : `${percent(before.value)} of ${before.n}`;
  const other = after === null ? 'nothing' : `${percent(after.value)} of ${after.n}`;
  const change =
    difference === null
      ? ''
      : `, difference ${signed(difference.value)} (95 %: ${signed(difference.low)} to ${signed(difference.high)})`;
  return `${one} before, ${other} after${change}`;
}

function meanText(distribution: CalibrationWatch['confidence']['before']): string {
  if (distribution === null) return 'nothing';
  const { mean, q1, q3 } = distribution;
  return `mean ${mean.toFixed(2)} (middle half ${q1.toFixed(2)} to ${q3.toFixed(2)})`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function signed(share: number): string {
  return `${share < 0 ? '−' : '+'}${(100 * Math.abs(share)).toFixed(1)} points`;
}
