import { Command } from 'commander';
import { type WorldOptions, worldOptions } from '../options/log-options.ts';
import { jsonWanted, writeLines } from '../../render/output.ts';
import { withLog } from '../log-session/log-session.ts';
import { readVersions } from '../../pipelines/calibration/read-versions.ts';
import { versionJson, versionTable } from '../../pipelines/calibration/version-lines.ts';

export function listCommand(): Command {
  return worldOptions(new Command('list'))
    .description('every version with all that was decided about it, and which one is in force')
    .option('--json', 'one version a line as JSON, as in a pipe')
    .addHelpText(
      'after',
      `
Example:
  $ harvestline calibrate list --json | jq 'select(.in_force)'`,
    )
    .action(async (flags: WorldOptions & { json?: true }) => {
      const versions = await withLog(flags, 'read', readVersions);
      await writeLines(
        jsonWanted(flags)
          ? versions.all().map((history) => JSON.stringify(versionJson(versions, history)))
          : versionTable(versions),
      );
    });
}
