import { Command } from 'commander';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { followShadow, jsonLines, shadowReport } from '../pipelines/scoring/shadow-report.ts';
import { openForReading } from './log-session/log-session.ts';
import { type LogOptions, logOptions } from './options/log-options.ts';
import { LineWriter, jsonWanted } from '../render/output.ts';
import type { ReadableTopics } from '../pipelines/runtime/topic-cursor.ts';
import { shadowLines, ShadowScreen } from '../pipelines/scoring/shadow-view.ts';
import { onShutdownSignal } from '../connectors/system/process.ts';

interface ShadowFlags extends LogOptions {
  readonly follow?: true;
  readonly json?: true;
}

/** `harvestline shadow`: how candidate policies do beside the one in force. */
export function shadowCommand(): Command {
  return logOptions(new Command('shadow'))
    .description('Show what candidate policies would have done beside the one in force, from shadow.decision.')
    .option('--follow', 'go on as decisions come, until interrupted')
    .option('--json', 'one JSON object, also on a terminal; with --follow one a line')
    .addHelpText('after', HELP)
    .action(async (flags: ShadowFlags) => {
      const world = await openForReading(flags);
      try {
        if (flags.follow === true) await follow(world, jsonWanted(flags));
        else await shadow(world, jsonWanted(flags), new LineWriter(process.stdout));
      } finally {
        await world.close();
      }
    });
}

const HELP = `
Candidates decide where scoring runs with --shadow; nothing of it is executed. Where both hold there is no record, so the matrix
has no count for it. Times are event time. With --follow a terminal shows the board in place; in a pipe a line comes whenever it
has changed, at most one a second.

Examples:
  harvestline run scoring --shadow mine.json      write what mine.json would do
  harvestline shadow                              how it does
  harvestline shadow --follow                     the same, kept up to date as decisions come
  harvestline shadow --json | jq '.candidates[] | [.policy, .flips_last_hour]'
  harvestline shadow --follow --json | jq -c '[.as_of, .candidates[].flips]'`;

/** Shows the board until a signal to stop. */
async function follow(topics: ReadableTopics, json: boolean): Promise<void> {
  const clock = new SystemClock();
  const stop = onShutdownSignal(clock);
  const screen = json ? null : new ShadowScreen(process.stdout);
  try {
    const view = screen ?? jsonLines(new LineWriter(process.stdout));
    await followShadow({ topics, clock, signal: stop.signal }, view);
  } finally {
    screen?.done();
    stop.release();
  }
}

/** Writes the scoreboard: one JSON object on one line, or tables for people. */
export async function shadow(topics: ReadableTopics, json: boolean, lines: LineWriter): Promise<void> {
  const report = await shadowReport(topics);
  for (const line of json ? [JSON.stringify(report)] : shadowLines(report)) await lines.write(line);
  await lines.flush();
}
