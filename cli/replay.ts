import { Command, Option } from 'commander';
import { BUILT_IN_POLICIES, DEFAULT_POLICY_ID, type Policy } from '../pipelines/scoring/policy.ts';
import { logOptions, type LogOptions } from './options/log-options.ts';
import { count } from './options/parsers.ts';
import { writeFile } from 'node:fs/promises';
import { SeededRandom } from '../connectors/system/seeded-random.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { HarvestlineError, messageOf } from '../errors/harvestline-error.ts';
import { failedConditions, failedText, parseFailIf } from '../pipelines/replay/fail-if.ts';
import { loadPolicy } from './options/policy-options.ts';
import { openForReading } from './log-session/log-session.ts';
import { jsonWanted, terminalWidth, writeLines } from '../render/output.ts';
import { policyInForce } from '../pipelines/scoring/policy-history.ts';
import { Progress } from '../render/progress.ts';
import { compareInThreads } from './replay/compare-in-threads.ts';
import { comparePolicies } from '../pipelines/replay/compare-policies.ts';
import { parseCosts } from '../pipelines/replay/trading-costs.ts';
import { wrapped } from '../render/terminal-text.ts';
import { parseWindow } from '../pipelines/replay/replay-window.ts';
import { resultLines } from '../pipelines/replay/result-lines.ts';
import { resultPage } from '../pipelines/replay/result-page.ts';
import { auditIntents } from '../pipelines/replay/audit-intents.ts';
import { isProved, auditLines } from '../pipelines/replay/audit-lines.ts';

/** How many flips are listed by default. */
const LISTED = 50;

/** The options of `harvestline replay`. */
interface ReplayFlags extends LogOptions {
  readonly policy: readonly string[];
  /** Recompute intents instead of comparing policies. */
  readonly audit?: true;
  /** Default: the policy in force (policyInForce). */
  readonly against?: string;
  readonly from?: string;
  readonly to?: string;
  readonly failIf: readonly string[];
  readonly flips: number;
  readonly raw?: true;
  readonly maps: 'then' | 'now';
  readonly costs: string;
  readonly seed: number;
  readonly html?: string;
  readonly json?: true;
}

export function replayCommand(): Command {
  const builtIn = [...BUILT_IN_POLICIES.keys()].join(', ');
  return logOptions(new Command('replay'))
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
    .option('--flips <n>', 'list so many flips, the latest first', count, LISTED)
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
    .option('--seed <n>', 'seed of the sample and of the bootstrap', count, 1)
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

Exit codes: 0 done; 1 a --fail-if condition held, or an intent differs or cannot be matched to any snapshot; 2 wrong usage.`;

/** `harvestline replay --policy CANDIDATE`. */
async function compareCommand(flags: ReplayFlags): Promise<void> {
  // Wrong usage is found before anything is read.
  const [candidate, ...more] = flags.policy;
  if (candidate === undefined || more.length > 0)
    throw new HarvestlineError('USAGE', 'a comparison needs one --policy: the candidate, by its id or as a file');
  const conditions = flags.failIf.map(parseFailIf);
  const window = parseWindow(flags.from, flags.to);
  const costs = parseCosts(flags.costs);
  const policy = loadPolicy(candidate);
  const given = flags.against === undefined ? null : loadPolicy(flags.against);
  const clock = new SystemClock();
  const world = await openForReading(flags);
  const progress = new Progress('snapshots', null, process.stderr, clock);
  try {
    // Appends nothing: whether the page can be written must be known before a long replay.
    if (flags.html !== undefined) await writePage(flags.html, '', 'a');
    const against =
      given === null ? await policyInForce(world) : { policy: given, source: 'given' as const, lines: [] };
    const result = await comparePolicies(world, {
      candidate: policy,
      current: against.policy,
      window,
      raw: flags.raw === true,
      maps: flags.maps,
      costs,
      listed: flags.flips,
      random: new SeededRandom(flags.seed),
      threads: {
        compare: (comparison) => compareInThreads({ ...comparison, world: worldOf(flags), seed: flags.seed }),
      },
      onTotal: (records) => progress.expect(records),
      onRecords: (records) => progress.add(records),
    });
    progress.done();
    const failed = failedConditions(conditions, result);
    await writeLines(
      jsonWanted(flags)
        ? [JSON.stringify({ ...result, against_source: against.source, failed })]
        : [
            ...resultLines(result, failed, terminalWidth()),
            ...against.lines.flatMap((line) => ['', ...wrapped(`Compared with ${line}.`, terminalWidth())]),
          ],
    );
    if (flags.html !== undefined) await writePage(flags.html, resultPage(result), 'w');
    if (failed.length === 0) return;
    if (jsonWanted(flags)) for (const one of failed) process.stderr.write(`${failedText(one)}\n`);
    process.exitCode = 1;
  } finally {
    progress.done();
    await world.close();
  }
}

/** The options that open a log, without the others: threads get a copy. */
function worldOf({ data, brokers, registry, desk }: LogOptions): LogOptions {
  return {
    data,
    ...(brokers === undefined ? {} : { brokers }),
    ...(registry === undefined ? {} : { registry }),
    ...(desk === undefined ? {} : { desk }),
  };
}

async function writePage(file: string, page: string, flag: 'w' | 'a'): Promise<void> {
  try {
    await writeFile(file, page, { flag });
  } catch (cause) {
    throw new HarvestlineError('USAGE', `--html ${file}: ${messageOf(cause)}`, { cause });
  }
}

/** `harvestline replay --audit`. */
async function auditCommand(flags: ReplayFlags): Promise<void> {
  const window = parseWindow(flags.from, flags.to);
  const policies = policiesById(flags.policy);
  const clock = new SystemClock();
  const world = await openForReading(flags);
  const progress = new Progress('intents', null, process.stderr, clock);
  try {
    const result = await auditIntents(world, {
      window,
      policies,
      onTotal: (records) => progress.expect(records),
      onRecords: (records) => progress.add(records),
    });
    progress.done();
    await writeLines(jsonWanted(flags) ? [JSON.stringify(result)] : auditLines(result, terminalWidth()));
    if (!isProved(result)) process.exitCode = 1;
  } finally {
    progress.done();
    await world.close();
  }
}

/** Built-in and given policies by id; a given one counts before a built-in one of the same id. Throws USAGE, POLICY_INVALID. */
export function policiesById(given: readonly string[]): ReadonlyMap<string, Policy> {
  const files = given.map(loadPolicy);
  const twice = files.find(({ id }, index) => files.findIndex((other) => other.id === id) !== index);
  if (twice !== undefined) throw new HarvestlineError('USAGE', `--policy: two of them have the id ${twice.id}`);
  return new Map([...BUILT_IN_POLICIES, ...files.map((policy): [string, Policy] => [policy.id, policy])]);
}
