import { Command, InvalidArgumentError, Option } from 'commander';
import { BUILT_IN_POLICIES, DEFAULT_POLICY_ID } from '../pipelines/scoring/policy.ts';
import { auditCommand } from './replay/audit-command.ts';
import { compareCommand } from './replay/compare-command.ts';
import { worldOptions } from './options/log-options.ts';
import type { ReplayFlags } from './replay/replay-flags.ts';

/** Flips that are listed unless asked otherwise. */
const LISTED = 50;

export function replayCommand(): Command {
  const builtIn = [...BUILT_IN_POLICIES.keys()].join(', ');
  return worldOptions(new Command('replay'))
    .description(
      'Score recorded snapshots again: what a candidate policy would decide otherwise, or whether intents can be proved.',
    )
    .addOption(
      new Option(
        '--policy <id-or-file>',
        `the candidate: ${builtIn}, or a JSON file; with --audit files that intents name, repeatable`,
      )
        .default([], 'none')
        .argParser((value: string, before: readonly string[]) => [...before, value]),
    )
    .addOption(
      new Option('--audit', 'recompute recorded intents from their snapshots, and list every difference').conflicts([
        'against',
        'failIf',
        'flips',
        'raw',
        'maps',
        'costs',
        'seed',
        'html',
      ]),
    )
    .option(
      '--against <id-or-file>',
      `the policy to compare with (default: the one in force, as policy.applied tells, else ${DEFAULT_POLICY_ID})`,
    )
    .option(
      '--from <start>',
      'beginning, epoch milliseconds or an ISO time (UTC unless it names a zone), by record timestamps',
    )
    .option(
      '--to <end>',
      'epoch milliseconds or an ISO time (UTC unless it names a zone), not included (default: the end that stands now)',
    )
    .addOption(
      new Option('--fail-if <condition>', "exit 1 where it holds, for example 'flips>5%'; may be repeated")
        .default([], 'none')
        .argParser((value: string, before: readonly string[]) => [...before, value]),
    )
    .option('--flips <n>', 'list so many flips, the latest first', parseCount, LISTED)
    .addOption(
      new Option('--maps <which>', "calibration maps: those of each snapshot's own time, or those in force now")
        .choices(['then', 'now'])
        .default('then'),
    )
    .option('--raw', 'raw confidence, even where a calibration map is in force')
    .option(
      '--costs <which>',
      'what trading costs: recorded (measured on trade.closed), policy, none, or FEE[,FUNDING] in ratios of notional, a side and eight hours; auto takes the first of the three that is known',
      'auto',
    )
    .option('--seed <n>', 'seed of the sample and of the bootstrap', parseCount, 1)
    .option('--html <file>', 'write one self-contained page with charts')
    .option('--json', 'one JSON object, as in a pipe')
    .addHelpText('after', HELP)
    .action((flags: ReplayFlags) => (flags.audit === true ? auditCommand(flags) : compareCommand(flags)));
}

const HELP = `
The recorded snapshots are streamed past both policies between end offsets that are fixed at the start. A flip is another action.
Results are net of fees and funding where these are known, in R of the risk that was taken; beside them stands what the same positions
really made, as clm.outcome has it. Both policies see the confidence maps that scoring applied to each snapshot at its time, and where
nothing was scored those that were approved then; --raw leaves them out.
--fail-if takes flips, close_flips, hold_flips (a number, or % of the snapshots), longest_hold_hours (the candidate's) and
mean_r_change, with > >= < <=.

--audit reads harvest.intent (--from and --to by its timestamps) and decides each one again from its snapshot, and the policy and the
calibration version that policy.applied says were in force: an intent that names others differs. Where nothing says so, by those that
it names. An intent that cannot be recomputed is counted as unverifiable, with the reason, and fails unless retention has removed its
snapshot. A policy that is a file and was never recorded must be given with --policy.

Examples:
  harvestline replay --policy legacy
  harvestline replay --policy my-policy.json --from 2026-02-01 --html replay.html
  harvestline replay --policy my-policy.json --fail-if 'flips>5%' --fail-if 'mean_r_change<0' --json | jq .matrix
  harvestline replay --audit --policy my-policy.json

Exit codes: 0 done; 1 a --fail-if condition held, or an intent differs or cannot be founded; 2 wrong usage.`;

function parseCount(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 0) throw new InvalidArgumentError('It must be a whole number, not negative.');
  return n;
}
