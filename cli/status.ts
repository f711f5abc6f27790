import { Command } from 'commander';
import { printedAlert } from '../pipelines/alerts/alerts.ts';
import type { ReadSession } from '../pipelines/runtime/log-session.ts';
import { policyInForce } from '../pipelines/scoring/policy-history.ts';
import { statusReport } from '../pipelines/status/status-report.ts';
import { reportLines } from '../pipelines/status/view.ts';
import type { StallLimits } from '../pipelines/watch/stall-limits.ts';
import { LineWriter, jsonWanted } from '../render/output.ts';
import { openForReading } from './log-session/log-session.ts';
import { logWords, type LogOptions, logOptions } from './options/log-options.ts';
import { type StallLimitsFlag, loadStallLimits, stallLimitsHelp, stallLimitsOption } from './options/policy-options.ts';

export function statusCommand(): Command {
  return logOptions(new Command('status'))
    .description('Show records, lag, last events, the calibration gate and alerts, as the log has them now.')
    .addOption(stallLimitsOption())
    .option('--json', 'one JSON object, also on a terminal')
    .addHelpText(
      'after',
      `
Times are event time: in a simulated market they are the market's. What is written live, on Kafka, is held against this machine's clock,
so that a feed of which nothing comes any more is seen.

${stallLimitsHelp()}

Examples:
  harvestline status
  harvestline status --json | jq .alerts`,
    )
    .action(async (flags: LogOptions & StallLimitsFlag & { json?: true }) => {
      const limits = loadStallLimits(flags);
      const world = await openForReading(flags);
      try {
        await status(world, jsonWanted(flags), new LineWriter(process.stdout), limits, logWords(flags));
      } finally {
        await world.close();
      }
    });
}

/**
 * Writes the report: one JSON object on one line, or tables for people. Alerts do not change the exit code. `logFlags` name the log in the
 * commands of alerts (ALR-1).
 */
export async function status(
  world: Pick<ReadSession, 'log' | 'codec' | 'counts' | 'countsOffsets' | 'liveNow'>,
  json: boolean,
  lines: LineWriter,
  limits?: StallLimits,
  logFlags = '',
): Promise<void> {
  const { policy } = await policyInForce(world);
  const found = await statusReport(world, policy, limits);
  const report = { ...found, alerts: found.alerts.map((alert) => printedAlert(alert, logFlags)) };
  for (const line of json ? [JSON.stringify(report)] : reportLines(report)) await lines.write(line);
  await lines.flush();
}
