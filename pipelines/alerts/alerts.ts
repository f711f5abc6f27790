/**
 * What an alert is: a name, since when it stands, the figures it rests on, and the command to type next. Each capability raises its own
 * alerts, from figures counted in the log; here are their names, how they are printed, and how a running process reports them.
 *
 * Every time is event time (record timestamps), so an alert is the same on every run over the same records, in virtual time too.
 *
 * ALR-1  A command is data until it is printed. The flags that name the log are added then, behind its words: it works as it is printed.
 */
import { programName } from '../../errors/program-name.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Gauge, Metrics } from '../../ports/metrics.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { shellWord } from '../../render/output.ts';
import type { AlertSeverity, EpochMillis } from '../../schemas/generated/records.ts';
import { ALERTS, type AlertName, severityOf } from './alert-table.ts';

/** Part of the chain stands still although every process seems to work. */
export const STALL_ALERTS = [
  'winner_held',
  'no_intents',
  'snapshots_ceased',
  'feed_silent',
  'intents_without_reports',
  'reports_without_trades',
  'trades_without_outcomes',
  'confidence_constant',
] as const satisfies readonly AlertName[];

/** The alerts that a process of `run` raises from the topics. */
const WATCHED_ALERTS = (Object.keys(ALERTS) as readonly AlertName[]).filter((name) => ALERTS[name].gauge);

/** The scope of an alert that is about the whole desk. */
export const WHOLE_DESK_SCOPE = 'desk';

export interface Alert {
  readonly name: AlertName;
  /** What it is about, where alerts of one name stand side by side; the whole desk where left out. */
  readonly scope?: string;
  /** When the episode began. */
  readonly since: EpochMillis;
  /** What was found, in whole sentences with the figures. */
  readonly evidence: string;
  readonly next: NextStep;
}

/** Distinguishes alerts that stand side by side: the key of desk.alert. */
export function alertKey({
  scope = WHOLE_DESK_SCOPE,
  name,
}: {
  readonly scope?: string;
  readonly name: string;
}): string {
  return `${scope}:${name}`;
}

/** What to type next. */
export interface NextStep {
  readonly purpose: 'Look closer' | 'Lift it' | 'Think of a rollback';
  /** More than one: one after the other. */
  readonly commands: readonly AlertCommand[];
}

/** A command of this program, without the flags that name the log. */
export interface AlertCommand {
  /** The command itself, such as `tail` or `dlq list`. */
  readonly words: string;
  /** Its arguments and options, as a program would receive them: not quoted. */
  readonly args: readonly string[];
}

/** An alert as JSON and people get it. */
export interface PrintedAlert extends Pick<Alert, 'name' | 'since'> {
  readonly severity: AlertSeverity;
  readonly scope: string;
  /** The figures, then the command. */
  readonly evidence: string;
  /** The command alone, as a shell takes it. */
  readonly command: string;
}

/** ALR-1. `logFlags`: the flags that name the log, each with a blank before it, quoted for a shell. */
export function printedAlert(alert: Alert, logFlags = ''): PrintedAlert {
  const { name, scope = WHOLE_DESK_SCOPE, since, evidence, next } = alert;
  const command = nextCommand(next, logFlags);
  const severity = severityOf(name);
  return { name, severity, scope, since, evidence: `${evidence} ${next.purpose}: ${command}`, command };
}

/** What to type next, as a shell takes it (ALR-1). */
export function nextCommand({ commands }: NextStep, logFlags = ''): string {
  return commands.map((one) => commandText(one, logFlags)).join(' && ');
}

/** The command as a shell takes it. */
export function commandText({ words, args }: AlertCommand, logFlags = ''): string {
  return `${programName()} ${words}${logFlags}${args.map((arg) => ` ${shellWord(arg)}`).join('')}`;
}

export function lookCloser(words: string, ...args: readonly string[]): NextStep {
  return { purpose: 'Look closer', commands: [{ words, args }] };
}

/** Shows a topic from `since` on. */
export function tailFrom(topic: string, since: EpochMillis): NextStep {
  return lookCloser('tail', topic, '--from', tailStart(since), '--json');
}

/** The years that ISO 8601 writes with four digits; `tail --from` takes a number for later ones. */
const FIRST_ISO_MS = Date.parse('0000-01-01T00:00:00Z');
const LAST_ISO_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** The largest number of fifteen digits: `tail --from` takes no more. */
const LAST_TAIL_MS = 999_999_999_999_999;

function tailStart(since: EpochMillis): string {
  if (since < FIRST_ISO_MS) return 'beginning';
  return since > LAST_ISO_MS ? String(Math.min(since, LAST_TAIL_MS)) : formatEventTime(since);
}

/** Enough to start looking, few enough to read: orders and positions that the evidence of an alert names. */
export const NAMED_IN_EVIDENCE = 3;

/** The first few of a list, and an ellipsis where there are more. */
export function firstFew<T>(all: readonly T[], most: number, text: (one: T) => string): readonly string[] {
  const shown = all.slice(0, most).map(text);
  return all.length > shown.length ? [...shown, '…'] : shown;
}

/** When the oldest of them began. */
export function earliestOf(all: readonly { readonly since: EpochMillis }[]): EpochMillis {
  return all.reduce((oldest, { since }) => Math.min(oldest, since), Infinity);
}

interface RaisedAlertsOptions {
  readonly logger: Logger;
  /** The flags that name the log in the commands of alerts (ALR-1). */
  readonly logWords?: string;
  /** Left out: no gauge. */
  readonly metrics?: Metrics;
  /** The alerts that have a gauge here. */
  readonly names?: readonly AlertName[];
}

/** The alerts that stand now: logs each once when it is raised and once when it is over, and keeps a gauge. */
export class RaisedAlerts {
  readonly #logger: Logger;
  readonly #logFlags: string;
  readonly #gauges: ReadonlyMap<string, Gauge>;
  #standing: ReadonlyMap<string, Alert> = new Map();

  constructor({ logger, metrics, logWords = '', names = WATCHED_ALERTS }: RaisedAlertsOptions) {
    this.#logger = logger;
    this.#logFlags = logWords;
    this.#gauges =
      metrics === undefined ? new Map() : new Map(names.map((name) => [name, metrics.gauge('alert', { name })]));
  }

  /** `alerts` stand now, and no others. */
  become(alerts: readonly Alert[]): void {
    const now = new Map(alerts.map((alert): [string, Alert] => [alertKey(alert), alert]));
    const names: ReadonlySet<string> = new Set(alerts.map(({ name }) => name));
    for (const [name, gauge] of this.#gauges) gauge.set(names.has(name) ? 1 : 0);
    for (const [key, alert] of now) {
      if (this.#standing.has(key)) continue;
      const { name, since, evidence } = printedAlert(alert, this.#logFlags);
      this.#logger.warn({ alert: name, since }, `alert ${name}: ${evidence}`);
    }
    for (const [key, { name, since }] of this.#standing) {
      if (!now.has(key)) this.#logger.info({ alert: name, since }, `alert ${name} is over`);
    }
    this.#standing = now;
  }
}
