import { Command } from 'commander';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { HarvestlineError } from '../errors/harvestline-error.ts';
import { type Decider, approval, readVersions, rejection, rollback } from '../pipelines/calibration/decisions.ts';
import { decisionJson, versionJson, versionLines } from '../pipelines/calibration/version-lines.ts';
import type { CalibrationVersions } from '../pipelines/scoring/confidence-map.ts';
import { jsonWanted, terminalWidth, writeLines } from '../render/output.ts';
import type { ConfidenceCalibration } from '../schemas/generated/records.ts';
import { proposeCommand } from './calibrate/propose-command.ts';
import { slicesCommand } from './calibrate/slices-command.ts';
import { verifyCommand } from './calibrate/verify-command.ts';
import { appendDecision, withLog } from './log-session/log-session.ts';
import { type LogOptions, logOptions } from './options/log-options.ts';

/** `harvestline calibrate`: confidence maps, proposed from evidence and decided by a person. */
export function calibrateCommand(): Command {
  const command = new Command('calibrate')
    .description('confidence maps: proposed by a replay of the outcomes, decided by a person, proved later')
    .addCommand(proposeCommand());
  for (const decision of decisionCommands()) command.addCommand(decision);
  return command
    .addCommand(listCommand())
    .addCommand(verifyCommand())
    .addCommand(slicesCommand())
    .addHelpText(
      'after',
      `
Examples:
  $ harvestline calibrate propose
  $ harvestline calibrate approve cal-0123456789abcdef --by "A. Quant" --reason "gap of 20 points, 1,200 outcomes"
  $ harvestline calibrate list`,
    );
}

interface DecideFlags extends LogOptions {
  readonly by?: string;
  readonly reason?: string;
  readonly override?: true;
  readonly json?: true;
}

type Decide = (versions: CalibrationVersions, decider: Decider) => ConfidenceCalibration;

/** `approve`, `reject` and `rollback`. Each writes one record. */
function decisionCommands(): readonly Command[] {
  return [
    decisionCommand('approve <version>', 'put a version in force: running scorers take it up within seconds')
      .option(
        '--override',
        'approve although a safety bound does not hold, or another version came into force since; the record says so',
      )
      .addHelpText('after', examples('approve cal-0123456789abcdef'))
      .action((version: string, flags: DecideFlags) =>
        decide(flags, (versions, decider) => approval(versions, version, decider, flags.override === true)),
      ),
    decisionCommand('reject <version>', 'say that a version is not to be used')
      .addHelpText('after', examples('reject cal-0123456789abcdef'))
      .action((version: string, flags: DecideFlags) =>
        decide(flags, (versions, decider) => rejection(versions, version, decider)),
      ),
    decisionCommand('rollback [version]', 'take back what is in force: what was in force before is again')
      .addHelpText('after', examples('rollback'))
      .action((version: string | undefined, flags: DecideFlags) =>
        decide(flags, (versions, decider) => rollback(versions, version, decider)),
      ),
  ];
}

function decisionCommand(usage: string, description: string): Command {
  return logOptions(new Command(usage.split(' ')[0]))
    .arguments(usage.split(' ').slice(1).join(' '))
    .description(description)
    .option('--name, --by <name>', 'who decides (needed)')
    .option('--reason <text>', 'why (needed)')
    .option('--json', 'the decision as one JSON object, as in a pipe');
}

function examples(command: string): string {
  return `
Example:
  $ harvestline calibrate ${command} --by "A. Quant" --reason "read the report, bounds hold"

Exit codes: 0 decided, 1 refused, 2 wrong usage.`;
}

async function decide(flags: DecideFlags, make: Decide): Promise<void> {
  const by = flags.by?.trim() ?? '';
  const reason = flags.reason?.trim() ?? '';
  const missing = [by === '' ? '--by NAME' : '', reason === '' ? '--reason TEXT' : ''].filter((one) => one !== '');
  if (missing.length > 0)
    throw new HarvestlineError('USAGE', `a decision needs a name and a reason: ${missing.join(' and ')} missing`);
  const at = new SystemClock().now();
  // Opened for reading first: for writing it would make a log where the folder has none.
  const versions = await withLog(flags, 'read', readVersions);
  const record = make(versions, { by, reason, at });
  await withLog(flags, 'write', (topics) => appendDecision(topics, record));
  await writeLines(jsonWanted(flags) ? [JSON.stringify(decisionJson(record))] : [decisionText(record)]);
}

function decisionText({ version, model_id, status, overridden, restores }: ConfidenceCalibration): string {
  if (status === 'ROLLED_BACK')
    return `${version} is rolled back: ${restores ?? 'raw confidence'} is in force for ${model_id}`;
  if (status !== 'APPROVED') return `${version} is ${status}`;
  const notice = overridden.length === 0 ? '' : `; overridden: ${overridden.join(', ')}`;
  return `${version} is in force for ${model_id}: running scorers take it up within seconds${notice}`;
}

function listCommand(): Command {
  return logOptions(new Command('list'))
    .description('every version with all that was decided about it, and which one is in force')
    .option('--json', 'one version a line as JSON, as in a pipe')
    .addHelpText(
      'after',
      `
Example:
  $ harvestline calibrate list --json | jq 'select(.in_force)'`,
    )
    .action(async (flags: LogOptions & { json?: true }) => {
      const versions = await withLog(flags, 'read', readVersions);
      await writeLines(
        jsonWanted(flags)
          ? versions.all().map((history) => JSON.stringify(versionJson(versions, history)))
          : versionLines(versions, terminalWidth()),
      );
    });
}
