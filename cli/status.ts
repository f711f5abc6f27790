import { Command } from 'commander';
import type { ReadSession } from '../pipelines/runtime/log-session.ts';
import { policyInForce } from '../pipelines/scoring/policy-history.ts';
import { statusReport } from '../pipelines/status/status-report.ts';
import { type ReportPlace, reportJson, reportLines } from '../pipelines/status/view.ts';
import type { StallLimits } from '../pipelines/watch/stall-limits.ts';
import { LineWriter, jsonWanted, terminalWidth } from '../render/output.ts';
import { chooseLog } from './log-session/choose-log.ts';
import { openForReading } from './log-session/log-session.ts';
import { logWords, type LogOptions, logOptions } from './options/log-options.ts';
import { type StallLimitsFlag, loadStallLimits, stallLimitsHelp, stallLimitsOption } from './options/policy-options.ts';

export function statusCommand(): Command {
  return logOptions(new Command('status'))
    .description(
      'Say in one line whether all is well; then alerts, gate, positions, lag and last events, as the log has them now.',
    )
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
      const session = await openForReading(flags);
      try {
        await status(session, new LineWriter(process.stdout), { ...placeOf(flags), json: jsonWanted(flags), limits });
      } finally {
        await session.close();
      }
    });
}

interface StatusPlace extends Omit<ReportPlace, 'policy'> {
  readonly json: boolean;
  readonly limits?: StallLimits;
}

function placeOf(flags: LogOptions): Omit<ReportPlace, 'policy'> {
  const { kind, name } = chooseLog(flags, true, process.cwd(), process.env);
  return {
    width: terminalWidth(),
    logFlags: logWords(flags),
    log: kind === 'kafka' ? `Kafka at ${name}` : name,
    desk: flags.desk ?? '',
  };
}

/** Writes the report: one JSON object on one line, or lines for people. Alerts do not change the exit code. */
export async function status(
  session: Pick<ReadSession, 'log' | 'codec' | 'counts' | 'countsOffsets' | 'liveNow'>,
  lines: LineWriter,
  { json, limits, ...place }: StatusPlace,
): Promise<void> {
  const { policy, lines: policyLines } = await policyInForce(session);
  const report = await statusReport(session, policy, limits);
  const text = json ? [reportJson(report, place)] : reportLines(report, { ...place, policy: policyLines });
  for (const line of text) await lines.write(line);
  await lines.flush();
}
