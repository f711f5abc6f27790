/** An alert for people: whole at any width, with its commands on lines of their own so that they can be copied. */
import { durationText, formatEventSecond } from '../../render/event-time.ts';
import { hanging, together } from '../../render/terminal-text.ts';
import { pc, printable } from '../../render/terminal.ts';
import type { AlertSeverity, EpochMillis } from '../../schemas/generated/records.ts';
import { severityOf } from './alert-table.ts';
import { type Alert, commandText } from './alerts.ts';

/** Where an alert is printed. */
export interface AlertPlace {
  /** Unit: columns. */
  readonly width: number;
  /** Name the log in the commands (ALR-1). */
  readonly logFlags: string;
  /** Event time of the report; null where it is not known. */
  readonly now: EpochMillis | null;
}

const SEVERITY_COLOURS: Readonly<Record<AlertSeverity, (text: string) => string>> = {
  CRITICAL: pc.red,
  WARNING: pc.yellow,
  INFO: pc.dim,
};

export function alertLines({ name, scope, since, evidence, next }: Alert, place: AlertPlace): readonly string[] {
  const severity = severityOf(name);
  const about = scope === undefined ? '' : ` ${printable(scope)}`;
  return [
    ...hanging(
      SEVERITY_COLOURS[severity](`${severity} ${name}`),
      `${about} ${sinceText(since, place.now)}`,
      place.width,
      2,
    ),
    ...hanging('  ', printable(evidence), place.width, 2),
    ...commandLines(next, place.logFlags),
  ];
}

/** A longer one than the terminal is wide is left to the terminal, which copies it as one line. */
function commandLines({ commands }: Alert['next'], logFlags: string): readonly string[] {
  return commands.map((command) => `  ${pc.cyan(printable(commandText(command, logFlags)))}`);
}

function sinceText(since: EpochMillis, now: EpochMillis | null): string {
  const lasted = now === null || now < since ? '' : `, ${together(`for ${durationText(now - since)}`)}`;
  return `since ${together(formatEventSecond(since))}${lasted}`;
}
