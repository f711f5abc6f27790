import { Command, Option } from 'commander';
import { pc, printable } from '../../connectors/system/terminal.ts';
import { userName } from '../../connectors/system/user-name.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Halt } from '../../ports/kill-switch.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import type { DeskControl } from '../../schemas/generated/records.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { withLog } from '../calibrate/calibrate-world.ts';
import { DeskControlWatch, WHOLE_DESK } from '../desk-control.ts';
import { type WorldOptions, worldOptions } from '../open-world.ts';
import { jsonWanted, writeLines } from '../output.ts';

interface ControlFlags extends WorldOptions {
  readonly by?: string;
  readonly reason?: string;
  readonly scope: string;
  readonly json?: true;
}

/** What stands where a person in a hurry gave no reason. */
const NO_REASON = 'none given';

export function haltCommand(): Command {
  return controlCommand('halt', 'Stop all orders: the kill switch. Execution obeys within a second.')
    .addHelpText(
      'after',
      `
Positions are still watched, scored and recorded; intents are SUPPRESSED as KILL_SWITCH, and an order that was announced
before is settled. What is halted stands in \`status\`, until \`resume\`.

Examples:
  harvestline halt
  harvestline halt --reason "the venue announced maintenance" --by alice
  harvestline halt --scope main                  one account only

Exit codes: 0 written, 1 the log is not there or not prepared, 2 wrong usage.`,
    )
    .action((flags: ControlFlags) => command('HALT', flags));
}

export function resumeCommand(): Command {
  return controlCommand('resume', 'Let orders be sent again after `halt`.')
    .addHelpText(
      'after',
      `
A halt of the whole desk and one of an account are lifted one by one.

Examples:
  harvestline resume --reason "maintenance is over"
  harvestline resume --scope main

Exit codes: 0 written, 1 the log is not there or not prepared, 2 wrong usage.`,
    )
    .action((flags: ControlFlags) => command('RESUME', flags));
}

function controlCommand(name: string, description: string): Command {
  return worldOptions(new Command(name))
    .description(description)
    .option('--reason <text>', 'why')
    .option('--name, --by <name>', 'who (default: your user name)')
    .addOption(new Option('--scope <scope>', `${WHOLE_DESK}, or the name of an account`).default(WHOLE_DESK))
    .option('--json', 'the record as one JSON object, as in a pipe');
}

async function command(what: 'HALT' | 'RESUME', flags: ControlFlags): Promise<void> {
  const scope = flags.scope.trim();
  if (scope === '')
    throw new HarvestlineError('USAGE', `--scope is empty: give ${WHOLE_DESK} or the name of an account`);
  const clock = new SystemClock();
  const issued_at = clock.now();
  const record: DeskControl = {
    scope,
    command: what,
    issued_at,
    issued_by: given(flags.by) ?? userName(),
    reason: given(flags.reason) ?? NO_REASON,
  };
  // Looked at first, so that a folder without a log is named and not made.
  await withLog(flags, 'read', () => Promise.resolve());
  const halts = await withLog(flags, 'write', async (world) => {
    await world.log.append([new TopicWriter('desk', world.codec).encode(TOPICS.deskControl, record, issued_at)]);
    const watch = new DeskControlWatch(world, clock, SILENT_LOGGER);
    await watch.look();
    return watch.halts();
  });
  await writeLines(jsonWanted(flags) ? [JSON.stringify(record)] : readable(record, halts));
}

function readable({ scope, command: what, issued_by, reason }: DeskControl, halts: readonly Halt[]): readonly string[] {
  const said = `${named(scope)} by ${printable(issued_by)} (${printable(reason)})`;
  if (what === 'HALT') {
    const lift = scope === WHOLE_DESK ? '' : ` --scope ${scope}`;
    return [`${pc.red('halted')} ${said}: execution sends no orders; \`harvestline resume${lift}\` lifts it`];
  }
  const standing = halts.map((halt) => `${pc.red('still halted')} ${named(halt.scope)}: ${printable(halt.reason)}`);
  return [`${pc.green('resumed')} ${said}`, ...standing];
}

function named(scope: string): string {
  return scope === WHOLE_DESK ? 'the desk' : `account ${printable(scope)}`;
}

function given(option: string | undefined): string | null {
  const trimmed = option?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}
