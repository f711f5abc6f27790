import { Command } from 'commander';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { historyOf, readVersions } from '../../pipelines/calibration/decisions.ts';
import { verify } from '../../pipelines/calibration/verify.ts';
import { verificationLines } from '../../pipelines/calibration/version-lines.ts';
import { jsonWanted, writeLines } from '../../render/output.ts';
import { StepProgress } from '../../render/progress.ts';
import { calibrationsFolder, withLog } from '../log-session/log-session.ts';
import { type LogOptions, logOptions } from '../options/log-options.ts';
import { proposalFiles, readExportedRows } from './proposal-files.ts';

interface VerifyFlags extends LogOptions {
  readonly rows?: string;
  readonly json?: true;
}

/** Only intervals depend on the seed, and they are not compared. */
const ANY_SEED = 1;

export function verifyCommand(): Command {
  return logOptions(new Command('verify'))
    .description('prove a version: replay its offsets, compare every row, fit again, compare map and scores')
    .argument('<version>', 'as `calibrate list` shows it')
    .option('--rows <file>', 'the exported rows (default: where propose left them)')
    .option('--json', 'one JSON object, as in a pipe')
    .addHelpText(
      'after',
      `
What was changed is named with its position, partition, offset and fields. Rows that retention or compaction took from the topic
are proved by the export.

Example:
  $ harvestline calibrate verify cal-0123456789abcdef

Exit codes: 0 proved, 1 not proved, 2 no such version.`,
    )
    .action(async (version: string, flags: VerifyFlags) => {
      const progress = new StepProgress(process.stderr, new SystemClock());
      const verification = await withLog(flags, 'read', async (topics) => {
        const versions = await readVersions(topics);
        const [proposal] = historyOf(versions, version).records;
        const { parent } = proposal;
        const inForce = parent === null ? null : (versions.find(parent)?.records[0].map ?? null);
        const file = flags.rows ?? proposalFiles(calibrationsFolder(flags), version).rows;
        const rows = { file, read: () => readExportedRows(file) };
        return verify(topics, proposal, inForce, rows, new SeededRandom(ANY_SEED), (step) => progress.step(step));
      }).finally(() => progress.done());
      await writeLines(jsonWanted(flags) ? [JSON.stringify(verification)] : verificationLines(verification));
      if (!verification.verified) process.exitCode = 1;
    });
}
