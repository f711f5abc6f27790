import { Argument, Command } from 'commander';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { examine } from '../pipelines/doctor/check.ts';
import { examinationJson, examinationLines } from '../pipelines/doctor/view.ts';
import { DEFAULT_POLICY_ID } from '../pipelines/scoring/policy.ts';
import { jsonWanted, terminalWidth, writeLines } from '../render/output.ts';
import { PROCESSOR_NAMES, SOURCE } from './compose/build-processors.ts';
import { type DoctorOptions, deskChecks } from './compose/desk-checks.ts';
import { logOptions } from './options/log-options.ts';
import { shadowOption, stallLimitsOption } from './options/policy-options.ts';
import { venueOptions } from './options/venue-options.ts';

/** `harvestline doctor`: whether this desk can run, before it does. */
export function doctorCommand(): Command {
  return venueOptions(logOptions(new Command('doctor')))
    .description('Say whether this desk can run: Kafka, registry, clocks, disk, keys, policy. Changes nothing.')
    .addArgument(
      new Argument('[processors...]', 'those that are to run; the exchange is asked for execution and snapshots')
        .choices([...PROCESSOR_NAMES, SOURCE])
        .default([...PROCESSOR_NAMES], PROCESSOR_NAMES.join(' ')),
    )
    .option('--policy <id-or-file>', 'policy to score with', DEFAULT_POLICY_ID)
    .addOption(shadowOption())
    .addOption(stallLimitsOption())
    .option('--notify <file>', 'targets of alerts, as for `run watch`; they are reached, but sent nothing')
    .option('--json', 'one JSON object, as in a pipe')
    .addHelpText(
      'after',
      `
Give it the options that \`run\` is to get. Each check takes 10 s at most, and those that do not need each other are made side by side. It
writes no record, sends no order and makes no folder. Without a Kafka it examines the embedded log.

Examples:
  harvestline doctor                                  this folder, or the Kafka of KAFKA_BROKERS
  harvestline doctor --venue binanceusdm --live --symbols BTCUSDT,ETHUSDT
  harvestline doctor --json | jq '.checks[] | select(.ok | not)'

Exit codes: 0 every check passed, 1 one failed or could not be made, 2 wrong usage.`,
    )
    .action(async (processors: readonly string[], options: DoctorOptions) => {
      const clock = new SystemClock();
      const found = await examine(await deskChecks(processors, options, clock), clock);
      await writeLines(
        jsonWanted(options) ? [JSON.stringify(examinationJson(found))] : examinationLines(found, terminalWidth()),
      );
      process.exitCode = found.ok ? 0 : 1;
      // What did not answer must not keep the process.
      void clock.sleep(0).then(() => process.exit());
    });
}
