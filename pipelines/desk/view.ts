/** What `halt` and `resume` print, as JSON and for whoever gave the command in a hurry, and what `desk` prints for people. */
import { plainTable } from '../../render/tables.ts';
import { programName } from '../../errors/program-name.ts';
import { pc, printable } from '../../render/terminal.ts';
import { WHOLE_DESK } from './kill-switch.ts';
import { shellWord } from '../../render/output.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { describeStop } from '../../ports/kill-switch.ts';
import type { WorkedAccount } from './claim-book.ts';
import { BEAT_MS } from './presence.ts';
import type { DeskProcess } from '../../schemas/generated/records.ts';
import type { Command, CommandResult } from './give-command.ts';

/** The name of a log for people: its folder, or its brokers. */
interface NamedLog {
  readonly kind: 'embedded' | 'kafka';
  readonly name: string;
}

/** A command, its log, and its result. */
export interface Answer {
  readonly log: NamedLog;
  readonly given: Command;
  /** The time limit. Unit: seconds. */
  readonly waited: number;
  readonly result: CommandResult;
}

/** Whether the exit code is 0: a halt that somebody obeys and nobody is silent about; a resume that is written, with nobody silent. */
export function isDone({ given, result: { outcome } }: Answer): boolean {
  return outcome === 'obeyed' || (given.command === 'RESUME' && outcome === 'idle');
}

export function answerJson(answer: Answer): object {
  const { log, given, result } = answer;
  const { outcome, obedience, standing, trouble } = result;
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
    ...(result.record ?? { command: given.command, issued_at: null, issued_by: given.by, reason: given.reason }),
  };
}

function processJson({ account, venue, mode, process }: DeskProcess): object {
  return { account, venue, mode: mode.toLowerCase(), process };
}

/** For people: the processes that are gone or silent, and in the last line what became of the command. */
export function answerLines(answer: Answer): readonly string[] {
  const { obedience } = answer.result;
  const silent = obedience.silent.map((one) => pc.yellow(`silent: ${processText(one)}`));
  const gone = obedience.gone.map(
    (one) =>
      `gone: ${processText(one)}, last seen ${formatEventTime(one.seen_at)}; if it only stands still, it looks at the switch before it sends anything`,
  );
  return [...gone, ...silent, answer.given.command === 'HALT' ? haltLine(answer) : resumeLine(answer)];
}

function haltLine({ log, given, waited, result }: Answer): string {
  const { outcome, obedience, record, trouble } = result;
  const { obeyed, silent } = obedience;
  const what = named(given.scope);
  const where = placeOf(log);
  const by = `by ${printable(given.by)} (${printable(given.reason)})`;
  switch (outcome) {
    case 'obeyed': {
      const since = formatEventTime(record?.issued_at ?? 0);
      return `${pc.red('halted')} ${what} ${by}: ${count(obeyed.length, obeyed.length)} ${obeyed.length === 1 ? 'obeys' : 'obey'} since ${since} on ${where}; \`${lift(given.scope)}\` lifts it`;
    }
    case 'idle':
      return `${pc.red('NOT HALTED')}: nothing executes for ${what} on ${where} now. The halt is recorded there, and what starts there obeys it. If a desk trades, it works on another log: name that one with --brokers or --data`;
    case 'silent':
      return `${pc.red('NOT KNOWN TO BE HALTED')}: ${obeyed.length} of ${obeyed.length + silent.length} processes that execute for ${what} on ${where} obey; ${silent.length} did not say so within ${waited} s. ${STOP_THEM}`;
    case 'written':
      return `${pc.red('NOT KNOWN WHETHER HALTED')}: the halt is on ${where}, which then gave no answer as to who obeys (${troubleText(trouble)}). ${STOP_THEM}`;
    case 'unconfirmed':
      return `${pc.red('NOT KNOWN WHETHER HALTED')}: ${where} did not say within ${waited} s whether it took the halt (${troubleText(trouble)}). ${STOP_THEM}`;
    case 'unwritten':
      break;
  }
  return `${pc.red('NOT HALTED')}: nothing was written, ${where} gave no answer within ${waited} s (${troubleText(trouble)}). ${STOP_THEM}`;
}

function resumeLine({ log, given, waited, result }: Answer): string {
  const { outcome, obedience, standing, trouble } = result;
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
      return `${pc.yellow('resumed')} ${what}: it is on ${where}, which then gave no answer as to who sends again (${troubleText(trouble)})`;
    case 'unconfirmed':
      return `${pc.red('NOT KNOWN WHETHER RESUMED')}: ${where} did not say within ${waited} s whether it took the command (${troubleText(trouble)})`;
    case 'unwritten':
      break;
  }
  return `${pc.red('NOT RESUMED')}: nothing was written, ${where} gave no answer within ${waited} s (${troubleText(trouble)})`;
}

const STOP_THEM =
  'To be sure stop the processes (kill -9 where they do not answer), close at the exchange what must be closed, and try again';

function processText({ account, venue, mode, process }: DeskProcess): string {
  const accounts = account === '*' ? 'every account' : printable(account);
  return `${printable(process)} (${accounts} at ${printable(venue)}, ${mode.toLowerCase()})`;
}

function count(some: number, all: number): string {
  return `${some} of ${all} executing ${all === 1 ? 'process' : 'processes'}`;
}

function placeOf({ kind, name }: NamedLog): string {
  return kind === 'kafka' ? `Kafka at ${printable(name)}` : `the log in ${printable(name)}`;
}

function lift(scope: string): string {
  return scope === WHOLE_DESK ? `${programName()} resume` : `${programName()} resume --scope ${shellWord(scope)}`;
}

function named(scope: string): string {
  return scope === WHOLE_DESK ? 'the desk' : `account ${printable(scope)}`;
}

function troubleText(trouble: string | null): string {
  return printable(trouble ?? 'no answer');
}

/** `desk list`. */
export function accountLines(accounts: readonly WorkedAccount[]): readonly string[] {
  if (accounts.length === 0) return ['nobody has claimed an account'];
  const columns = [
    { head: 'account' },
    { head: 'venue' },
    { head: 'mode' },
    { head: 'parts' },
    { head: 'since' },
    { head: 'processes' },
  ];
  return plainTable(
    columns,
    accounts.map(({ account, venue, mode, parts, since, standing, processes }) => [
      printable(account),
      printable(venue),
      mode === 'live' ? pc.red(mode) : mode,
      parts.join(', '),
      formatEventTime(since),
      processes.map(printable).join(', ') || pc.yellow(standing ? 'none; stands until it is retired' : 'none'),
    ]),
  );
}

/** `desk retire`. */
export function retiredLines(found: WorkedAccount, dryRun: boolean, by: string, reason: string): readonly string[] {
  const { account, venue, mode, processes } = found;
  const what = `account ${printable(account)}, worked at ${printable(venue)} (${mode})`;
  const first = dryRun
    ? `would retire ${what}`
    : `${pc.green('retired')} ${what}, by ${printable(by)} (${printable(reason)})`;
  if (processes.length === 0) return [first];
  const verb = dryRun ? 'would stop' : `stop within ${BEAT_MS / 1000} s`;
  return [first, `still at work, and ${verb}: ${processes.map(printable).join(', ')}`];
}
