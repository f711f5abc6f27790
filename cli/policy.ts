import { Command } from 'commander';
import { pc, printable } from '../render/terminal.ts';
import { BUILT_IN_POLICIES, DEFAULT_POLICY_ID } from '../pipelines/scoring/policy.ts';
import { plural } from '../render/figures.ts';
import { jsonWanted, writeLines } from '../render/output.ts';
import { HarvestlineError } from '../errors/harvestline-error.ts';
import { readVersions } from '../pipelines/calibration/decisions.ts';
import { type LogOptions, logOptions } from './options/log-options.ts';
import { withLog } from './log-session/log-session.ts';
import { type MapInForce, type PolicyFinding, checkPolicies } from '../pipelines/scoring/check-policies.ts';
import { loadPolicy, readPolicyFile } from './options/policy-options.ts';
import { policyLines } from '../pipelines/scoring/policy-view.ts';

interface Flags {
  readonly json?: true;
}

/** `harvestline policy`: policies as files. */
export function policyCommand(): Command {
  return new Command('policy')
    .description('check policy files, show a policy in words, list the built-in ones')
    .addCommand(checkCommand())
    .addCommand(showCommand())
    .addCommand(listCommand());
}

function checkCommand(): Command {
  return logOptions(new Command('check'))
    .description('name everything that is wrong with policy files, by path, and warn of what is hardly meant')
    .argument('<files...>', 'policies as JSON')
    .option('--json', 'one finding a line as JSON, then a summary, as in a pipe')
    .addHelpText(
      'after',
      `
Examples:
  $ harvestline policy check my-policy.json
  $ harvestline policy check examples/policies/*.json --json | jq -r 'select(.level == "warning") | .path'

A threshold that a confidence map in force cannot reach is a warning, too, where there is a log to read it from.

Exit codes: 0 every file is a policy, warnings or not; 1 at least one is not.`,
    )
    .action(async (files: readonly string[], flags: Flags & LogOptions) => {
      const findings = await checkPolicies(files, readPolicyFile, () => mapsInForce(flags));
      const problems = findings.filter(({ level }) => level === 'problem').length;
      const summary = {
        level: 'summary',
        files: files.length,
        problems,
        warnings: findings.length - problems,
      } as const;
      await writeLines(
        jsonWanted(flags)
          ? [...findings, summary].map((line) => JSON.stringify(line))
          : [
              ...findings.map(findingLine),
              `${plural(files.length, 'file')}, ${plural(problems, 'problem')}, ${plural(summary.warnings, 'warning')}`,
            ],
      );
      if (problems > 0) process.exitCode = 1;
    });
}

/** None where there is no log: policies are checked before a desk has one. */
async function mapsInForce(options: LogOptions): Promise<readonly MapInForce[]> {
  try {
    return (await withLog(options, 'read', readVersions)).allInForce();
  } catch (thrown) {
    if (thrown instanceof HarvestlineError && thrown.code === 'LOG_UNREADABLE') return [];
    throw thrown;
  }
}

function findingLine({ level, file, path, why }: PolicyFinding): string {
  return `${level === 'problem' ? pc.red('problem') : pc.yellow('warning')}  ${printable(`${file}: ${path}: ${why}`)}`;
}

function showCommand(): Command {
  return new Command('show')
    .description('show a policy: factors with points and thresholds, profit rungs, rules in order')
    .argument('<id-or-file>', `${[...BUILT_IN_POLICIES.keys()].join(', ')}, or a JSON file`)
    .option('--json', 'the policy itself, on one line, as in a pipe')
    .addHelpText(
      'after',
      `
Examples:
  $ harvestline policy show ${DEFAULT_POLICY_ID}
  $ harvestline policy show legacy --json | jq '.id = "mine"' > mine.json`,
    )
    .action(async (idOrFile: string, flags: Flags) => {
      const policy = loadPolicy(idOrFile);
      return writeLines(jsonWanted(flags) ? [JSON.stringify(policy)] : policyLines(policy));
    });
}

function listCommand(): Command {
  return new Command('list')
    .description('list the built-in policies')
    .option('--json', 'one policy a line as JSON, as in a pipe')
    .action(async (flags: Flags) => {
      const policies = [...BUILT_IN_POLICIES.values()].map(({ id, description }) => ({
        id,
        default: id === DEFAULT_POLICY_ID,
        description,
      }));
      await writeLines(
        policies.map((policy) =>
          jsonWanted(flags)
            ? JSON.stringify(policy)
            : `${pc.bold(policy.id)}${policy.default ? ' (default)' : ''}: ${policy.description}`,
        ),
      );
    });
}
