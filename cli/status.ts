import { Command } from 'commander';
import { onShutdownSignal } from '../connectors/system/process.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { policyInForce } from '../pipelines/scoring/policy-history.ts';
import { followStatus } from '../pipelines/status/follow-status.ts';
import { StatusScreen, reportStream } from '../pipelines/status/follow-views.ts';
import { type StatusTopics, statusReport } from '../pipelines/status/status-reader.ts';
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
    .option('--watch', 'show it again while the log grows, until Ctrl-C')
    .option('--json', 'one JSON object, also on a terminal')
    .addHelpText(
      'after',
      `
Times are event time: in a simulated market they are the market's. What is written live, on Kafka, is held against this machine's clock,
so that a feed of which nothing comes any more is seen.

With --watch a terminal is redrawn in place; in a pipe there is one JSON object a line, whenever anything but the time has changed. The first report
reads the log, the next ones what came since.

${stallLimitsHelp()}

Examples:
  harvestline status
  harvestline status --watch
  harvestline status --watch --json | jq -c .headline
  harvestline status --json | jq .alerts`,
    )
    .action(async (flags: StatusFlags) => {
      const limits = loadStallLimits(flags);
      const place = placeOf(flags);
      const json = jsonWanted(flags);
      const session = await openForReading(flags);
      try {
        if (flags.watch === true) await watch(session, place, json, limits);
        else await status(session, new LineWriter(process.stdout), { ...place, width: terminalWidth(), json, limits });
      } finally {
        await session.close();
      }
    });
}

interface StatusFlags extends LogOptions, StallLimitsFlag {
  readonly json?: true;
  readonly watch?: true;
}

interface StatusPlace extends Omit<ReportPlace, 'policy'> {
  readonly json: boolean;
  readonly limits?: StallLimits;
}

function placeOf(flags: LogOptions): Omit<ReportPlace, 'policy' | 'width'> {
  const { kind, name } = chooseLog(flags, true, process.cwd(), process.env);
  return {
    logFlags: logWords(flags),
    log: kind === 'kafka' ? `Kafka at ${name}` : name,
    desk: flags.desk ?? '',
  };
}

/** Shows the report again and again, until a signal to stop. */
async function watch(
  topics: StatusTopics,
  place: Omit<ReportPlace, 'policy' | 'width'>,
  json: boolean,
  limits: StallLimits,
): Promise<void> {
  const clock = new SystemClock();
  const stop = onShutdownSignal(clock);
  const screen = json ? null : new StatusScreen(process.stdout, place);
  const view = screen ?? reportStream(new LineWriter(process.stdout), place);
  try {
    await followStatus({ topics, limits, clock, signal: stop.signal }, view);
  } finally {
    screen?.done();
    stop.release();
  }
}

/** Writes the report: one JSON object on one line, or lines for people. Alerts do not change the exit code. */
export async function status(
  session: StatusTopics,
  lines: LineWriter,
  { json, limits, ...place }: StatusPlace,
): Promise<void> {
  const { policy, lines: policyLines } = await policyInForce(session);
  const report = await statusReport(session, policy, limits);
  const text = json ? [reportJson(report, place)] : reportLines(report, { ...place, policy: policyLines });
  for (const line of text) await lines.write(line);
  await lines.flush();
}
