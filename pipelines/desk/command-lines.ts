/** What became of a command of the kill switch: as JSON, and in plain words for whoever gave it in a hurry. */
import { pc, printable } from '../../render/terminal.ts';
import { WHOLE_DESK } from './kill-switch.ts';
import { shellWord } from '../../render/suggested-commands.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { describeStop } from '../../ports/kill-switch.ts';
import type { DeskProcess } from '../../schemas/generated/records.ts';
import type { Command, Told } from './give-command.ts';

/** A log as people are told of it: the folder, or the brokers. */
export interface NamedLog {
  readonly kind: 'embedded' | 'kafka';
  readonly name: string;
}

/** What was asked, on which log, and what came of it. */
export interface Answer {
  readonly log: NamedLog;
  readonly given: Command;
  readonly waited: number;
  readonly told: Told;
}

/** A halt holds where somebody obeys and nobody is silent; a resume where it is written and nobody is silent. */
export function isDone({ given, told: { outcome } }: Answer): boolean {
  return outcome === 'obeyed' || (given.command === 'RESUME' && outcome === 'idle');
}

export function answerJson(answer: Answer): object {
  const { log, given, told } = answer;
  const { outcome, obedience, standing, trouble } = told;
  const { obeyed, silent, gone } = obedience;
  return {
    [given.command === 'HALT' ? 'halted' : 'resumed']: isDone(answer),
    log: log.name,
    scope: given.scope,
    outcome,
    obeyed: obeyed.map(processJson),
    silent: silent.map(processJson),
    gone: gone.map(processJson),
    standing,
    trouble,
    ...(told.record ?? { command: given.command, issued_at: null, issued_by: given.by, reason: given.reason }),
  };
}

function processJson({ account, venue, mode, process }: DeskProcess): object {
  return { account, venue, mode: mode.toLowerCase(), process };
}

/** For people; the last line says where it stands. */
export function answerLines(answer: Answer): readonly string[] {
  const { obedience } = answer.told;
  const silent = obedience.silent.map((one) => pc.yellow(`silent: ${processText(one)}`));
  const gone = obedience.gone.map(
    (one) =>
      `gone: ${processText(one)}, last seen ${formatEventTime(one.seen_at)}; if it only stands still, it looks at the switch before it sends anything`,
  );
  return [...gone, ...silent, answer.given.command === 'HALT' ? haltLine(answer) : resumeLine(answer)];
}

function haltLine({ log, given, waited, told }: Answer): string {
  const { outcome, obedience, record, trouble } = told;
  const { obeyed, silent } = obedience;
  const what = named(given.scope);
  const where = placeOf(log);
  const by = `by ${printable(given.by)} (${printable(given.reason)})`;
  switch (outcome) {
    case 'obeyed': {
      const since = formatEventTime(record?.issued_at ?? 0);
      return `${pc.red('halted')} ${what} ${by}: ${count(obeyed.length, obeyed.length)} obey since ${since} on ${where}; \`${lift(given.scope)}\` lifts it`;
    }
    case 'idle':
      return `${pc.red('NOT HALTED')}: nothing executes for ${what} on ${where} now. The halt is recorded there, and what starts there obeys it. If a desk trades, it works on another log: name that one with --brokers or --data`;
    case 'silent':
      return `${pc.red('NOT KNOWN TO BE HALTED')}: ${obeyed.length} of ${obeyed.length + silent.length} processes that execute for ${what} on ${where} obey; ${silent.length} did not say so within ${waited} s. ${STOP_THEM}`;
    case 'written':
      return `${pc.red('NOT KNOWN WHETHER HALTED')}: the halt is on ${where}, which then gave no answer as to who obeys (${reason(trouble)}). ${STOP_THEM}`;
    case 'unconfirmed':
      return `${pc.red('NOT KNOWN WHETHER HALTED')}: ${where} did not say within ${waited} s whether it took the halt (${reason(trouble)}). ${STOP_THEM}`;
    case 'unwritten':
      break;
  }
  return `${pc.red('NOT HALTED')}: nothing was written, ${where} gave no answer within ${waited} s (${reason(trouble)}). ${STOP_THEM}`;
}

function resumeLine({ log, given, waited, told }: Answer): string {
  const { outcome, obedience, standing, trouble } = told;
  const { obeyed, silent } = obedience;
  const what = named(given.scope);
  const where = placeOf(log);
  const still = standing.map((stop) => `; ${pc.red('still stopped')}: ${printable(describeStop(stop))}`).join('');
  switch (outcome) {
    case 'obeyed':
      return `${pc.green('resumed')} ${what} by ${printable(given.by)} (${printable(given.reason)}) on ${where}: ${count(obeyed.length, obeyed.length)} may send again${still}`;
    case 'idle':
      return `${pc.green('resumed')} ${what} by ${printable(given.by)} (${printable(given.reason)}) on ${where}, where nothing executes now${still}`;
    case 'silent':
      return `${pc.yellow('resumed')} ${what} on ${where}, but ${silent.length} of ${obeyed.length + silent.length} executing processes did not say within ${waited} s that they send again${still}`;
    case 'written':
      return `${pc.yellow('resumed')} ${what}: it is on ${where}, which then gave no answer as to who sends again (${reason(trouble)})`;
    case 'unconfirmed':
      return `${pc.red('NOT KNOWN WHETHER RESUMED')}: ${where} did not say within ${waited} s whether it took the command (${reason(trouble)})`;
    case 'unwritten':
      break;
  }
  return `${pc.red('NOT RESUMED')}: nothing was written, ${where} gave no answer within ${waited} s (${reason(trouble)})`;
}

const STOP_THEM =
  'To be sure stop the processes (kill -9 where they do not answer), close at the exchange what must be closed, and try again';

function processText({ account, venue, mode, process }: DeskProcess): string {
  const whose = account === '*' ? 'every account' : printable(account);
  return `${printable(process)} (${whose} at ${printable(venue)}, ${mode.toLowerCase()})`;
}

function count(some: number, all: number): string {
  return `${some} of ${all} executing ${all === 1 ? 'process' : 'processes'}`;
}

function placeOf({ kind, name }: NamedLog): string {
  return kind === 'kafka' ? `Kafka at ${printable(name)}` : `the log in ${printable(name)}`;
}

function lift(scope: string): string {
  return scope === WHOLE_DESK ? 'harvestline resume' : `harvestline resume --scope ${shellWord(scope)}`;
}

function named(scope: string): string {
  return scope === WHOLE_DESK ? 'the desk' : `account ${printable(scope)}`;
}

function reason(trouble: string | null): string {
  return printable(trouble ?? 'no answer');
}
