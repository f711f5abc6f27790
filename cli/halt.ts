import { Command, Option } from 'commander';
import { ProcessLock } from '../connectors/embedded/process-lock.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { userName } from '../connectors/system/process.ts';
import { HarvestlineError } from '../errors/harvestline-error.ts';
import { WHOLE_DESK } from '../pipelines/desk/kill-switch.ts';
import { DEV_PROCESS } from '../pipelines/desk/presence.ts';
import type { LogSession } from '../pipelines/runtime/log-session.ts';
import { openLog } from './log-session/log-session.ts';
import { type ChosenLog, chooseLog } from './log-session/choose-log.ts';
import { answerJson, answerLines, isDone } from '../pipelines/desk/view.ts';
import { type CommandedLog, giveCommand, TimeLimit } from '../pipelines/desk/give-command.ts';
import { type LogOptions, logOptions } from './options/log-options.ts';
import { seconds } from './options/parsers.ts';
import { jsonWanted, writeLines } from '../render/output.ts';

interface ControlFlags extends LogOptions {
  readonly by?: string;
  readonly reason?: string;
  readonly scope: string;
  readonly wait: number;
  readonly json?: true;
}

/** The recorded reason where a person in a hurry gave none. */
const NO_REASON = 'none given';

/** A process polls four times a second, and an order sent before has its answer within 5 s. Unit: seconds. */
const DEFAULT_WAIT_S = 10;

export function haltCommand(): Command {
  return controlCommand(
    'halt',
    'HALT',
    'Stop all orders: the kill switch. Execution obeys within a second.',
  ).addHelpText(
    'after',
    `
It names the log that it wrote to, and waits until every process that executes for the scope on that log has acknowledged: from
then on no order arrives. Positions are still watched, scored and recorded; intents are SUPPRESSED as KILL_SWITCH, and an order that was
sent before is settled. What is halted stands in \`status\`, until \`resume\`.

Where nothing executes on that log the halt is recorded for what starts there later, \`halted\` is false, and the exit code 1: a desk
that trades works on another log. Where neither --data nor --brokers (nor HARVESTLINE_DATA, KAFKA_BROKERS) names a log and several can be
meant, it asks for one.

Examples:
  harvestline halt
  harvestline halt --reason "the venue announced maintenance" --by alice
  harvestline halt --scope main                  one account only
  harvestline halt --json --wait 30 | jq .silent

Exit codes: 0 halted: all that executes there obeys; 1 it does not, or that is not known: the last line says which; 2 wrong usage: a
scope that nobody knows, or no log named where several can be meant. Nothing was written then.`,
  );
}

export function resumeCommand(): Command {
  return controlCommand('resume', 'RESUME', 'Let orders be sent again after `halt`.').addHelpText(
    'after',
    `
A halt of the whole desk and one of an account are lifted one by one. A scope of which nobody can tell whether it is halted
(\`kill_switch_unknown\` in \`status\`) is settled by this, too.

Examples:
  harvestline resume --reason "maintenance is over"
  harvestline resume --scope main

Exit codes: 0 resumed, 1 a process has not taken it up, or that is not known: the last line says which; 2 wrong usage.`,
  );
}

function controlCommand(name: string, command: 'HALT' | 'RESUME', description: string): Command {
  return logOptions(new Command(name))
    .description(description)
    .option('--reason <text>', 'why')
    .option('--name, --by <name>', 'who (default: your user name)')
    .addOption(new Option('--scope <scope>', `${WHOLE_DESK}, or the name of an account`).default(WHOLE_DESK))
    .option('--wait <seconds>', 'how long it may take in all', seconds, DEFAULT_WAIT_S)
    .option('--json', 'the answer as one JSON object, as in a pipe')
    .action((flags: ControlFlags, self: Command) =>
      give(command, flags, self.getOptionValueSource('data') !== 'default'),
    );
}

async function give(command: 'HALT' | 'RESUME', flags: ControlFlags, isNamed: boolean): Promise<void> {
  const scope = flags.scope.trim();
  if (scope === '')
    throw new HarvestlineError('USAGE', `--scope is empty: give ${WHOLE_DESK} or the name of an account`);
  const log = chooseLog(flags, isNamed, process.cwd(), process.env);
  const clock = new SystemClock();
  const given = { scope, command, by: text(flags.by) ?? userName(), reason: text(flags.reason) ?? NO_REASON };
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const result = await giveCommand(commanded(log), given, new TimeLimit(clock, flags.wait, log.name, say), clock);
  const answer = { log, given, waited: flags.wait, result };
  const lines = answerLines(answer);
  if (jsonWanted(flags)) {
    await writeLines([JSON.stringify(answerJson(answer))]);
    // Where the command failed, the words are printed on stderr besides.
    if (!isDone(answer)) for (const line of lines) say(line);
  } else await writeLines(lines);
  if (!isDone(answer)) process.exitCode = 1;
  // A connection that hangs must not keep the process alive.
  if (result.trouble !== null) void clock.sleep(0).then(() => process.exit());
}

function commanded(log: ChosenLog): CommandedLog {
  const { kind, options } = log;
  return {
    open: () => open(log),
    isDevWorking: () => kind === 'embedded' && ProcessLock.isHeld(options.data, DEV_PROCESS),
  };
}

/** Read first: a folder without a log is an error, and writing would make one. */
async function open({ kind, options }: ChosenLog): Promise<LogSession> {
  if (kind === 'embedded') await openLog(options, 'read').close();
  return openLog(options, 'write');
}

function text(option: string | undefined): string | null {
  const trimmed = option?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}
