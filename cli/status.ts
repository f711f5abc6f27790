import { Command } from 'commander';
import { pc, printable } from '../render/terminal.ts';
import type { ModelGate } from '../pipelines/clm/gate.ts';
import { formatEventTime } from '../render/event-time.ts';
import type { StallLimits } from '../pipelines/watch/stall-limits.ts';
import type { EpochMillis } from '../schemas/generated/records.ts';
import { isDeadLetterTopic } from '../schemas/topics.ts';
import { onThatLog } from '../pipelines/alerts/alert-commands.ts';
import { logWords, type WorldOptions, worldOptions } from './options/log-options.ts';
import type { ReadOnlyWorld } from '../pipelines/runtime/topic-cursor.ts';
import { watchLines } from '../pipelines/status/view.ts';
import { openReadOnlyWorld } from './log-session/log-session.ts';
import { LineWriter, jsonWanted } from '../render/output.ts';
import { orderCostLines } from '../pipelines/status/execution-figures.ts';
import { plainTable } from '../render/tables.ts';
import { policyInForce } from '../pipelines/scoring/policy-history.ts';
import type { ShadowFigures } from '../pipelines/scoring/shadow-report.ts';
import { type StallLimitsFlag, loadStallLimits, stallLimitsHelp, stallLimitsOption } from './options/policy-options.ts';
import { type StatusReport, statusReport } from '../pipelines/status/status-report.ts';
import type { TopicStatus } from '../pipelines/status/topic-statuses.ts';

export function statusCommand(): Command {
  return worldOptions(new Command('status'))
    .description('Show records, lag, last events, the calibration gate and alerts, as the log has them now.')
    .addOption(stallLimitsOption())
    .option('--json', 'one JSON object, also on a terminal')
    .addHelpText(
      'after',
      `
Times are event time: in a simulated market they are the market's. What is written live, on Kafka, is held against this machine's clock,
so that a feed of which nothing comes any more is seen.

${stallLimitsHelp()}

Examples:
  harvestline status
  harvestline status --json | jq .alerts`,
    )
    .action(async (flags: WorldOptions & StallLimitsFlag & { json?: true }) => {
      const limits = loadStallLimits(flags);
      const world = await openReadOnlyWorld(flags);
      try {
        await status(world, jsonWanted(flags), new LineWriter(process.stdout), limits, logWords(flags));
      } finally {
        await world.close();
      }
    });
}

/**
 * Writes the report: one JSON object on one line, or tables for people. Alerts do not change the exit code. `words` name the log in
 * the commands that alerts print.
 */
export async function status(
  world: Pick<ReadOnlyWorld, 'log' | 'codec' | 'counts' | 'countsOffsets' | 'admin' | 'liveNow'>,
  json: boolean,
  lines: LineWriter,
  limits?: StallLimits,
  words = '',
): Promise<void> {
  const { policy } = await policyInForce(world);
  const found = await statusReport(world, policy, limits);
  const report = { ...found, alerts: found.alerts.map((alert) => onThatLog(alert, words)) };
  for (const line of json ? [JSON.stringify(report)] : readable(report)) await lines.write(line);
  await lines.flush();
}

function readable(report: StatusReport): readonly string[] {
  return [
    ...topicTable(report.topics),
    ...unreadLines(report.topics),
    ...gateLines(report),
    ...positionsLines(report),
    ...haltLines(report),
    ...report.times_ahead.map(aheadLine),
    ...differenceLines(report),
    ...leftLines(report),
    ...watchLines(report.calibrations),
    ...report.shadow.flatMap(shadowLines),
    ...alertLines(report),
  ];
}

function topicTable(topics: StatusReport['topics']): readonly string[] {
  const rows = Object.entries(topics)
    // An empty dead-letter topic is how it should be: not worth a line.
    .filter(([name, topic]) => !isDeadLetterTopic(name) || topic.records > 0)
    .map(([name, topic]) => [name, String(topic.records), lagText(topic), timeText(topic.last?.timestamp)]);
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

/** What nobody reads any more, and what nobody is given yet. */
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

function gateLines({ gate }: StatusReport): readonly string[] {
  const { final, usable, needed, open, eta, labels, excluded, models } = gate;
  const [only] = models.length === 1 ? models : [];
  const opening = openingText({ open, eta, unmet: only?.unmet ?? [] });
  const left = Object.entries(excluded).map(([code, count]) => `, ${count} excluded ${code}`);
  return [
    `${pc.bold('gate')}       ${usable} of ${needed} usable outcomes: ${opening}`,
    `           ${final} final: ${labels.WIN} WIN, ${labels.LOSS} LOSS, ${labels.NEUTRAL} NEUTRAL${left.join('')}`,
    // A map belongs to one model: where there are several, each has a gate of its own.
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
}: StatusReport): readonly string[] {
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

function haltLines({ halted, kill_switch_unknown: unknown }: StatusReport): readonly string[] {
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

function differenceLines({ differences }: StatusReport): readonly string[] {
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

/** What stays at a venue after the desk has closed what it could. */
function leftLines({ resting_left, dust }: StatusReport): readonly string[] {
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

function alertLines({ alerts }: StatusReport): readonly string[] {
  if (alerts.length === 0) return [`${pc.bold('alerts')}     ${pc.green('none')}`];
  return alerts.flatMap(({ name, since, evidence }) => [
    `${pc.red(name)} since ${formatEventTime(since)}`,
    `  ${printable(evidence)}`,
  ]);
}

function timeText(at: EpochMillis | undefined): string {
  return at === undefined ? '' : formatEventTime(at);
}
