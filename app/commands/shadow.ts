import { Command } from 'commander';
import { type WorldOptions, openReadOnlyWorld, worldOptions } from '../open-world.ts';
import { LineWriter, jsonWanted } from '../output.ts';
import type { ReadableTopics } from '../read-topic.ts';
import { shadowLines } from '../shadow-lines.ts';
import { shadowReport } from '../shadow-report.ts';

/** `harvestline shadow`: how candidate policies do beside the one in force. */
export function shadowCommand(): Command {
  return worldOptions(new Command('shadow'))
    .description('Show what candidate policies would have done beside the one in force, from shadow.decision.')
    .option('--json', 'one JSON object, also on a terminal')
    .addHelpText(
      'after',
      `
Candidates decide where scoring runs with --shadow; nothing of it is executed. Where both hold there is no record, so the matrix
has no count for it. Times are event time.

Examples:
  harvestline run scoring --shadow mine.json      write what mine.json would do
  harvestline shadow                              how it does
  harvestline shadow --json | jq '.candidates[] | [.policy, .flips_last_hour]'`,
    )
    .action(async (flags: WorldOptions & { json?: true }) => {
      const world = await openReadOnlyWorld(flags);
      try {
        await shadow(world, jsonWanted(flags), new LineWriter(process.stdout));
      } finally {
        await world.close();
      }
    });
}

/** Writes the scoreboard: one JSON object on one line, or tables for people. */
export async function shadow(world: ReadableTopics, json: boolean, lines: LineWriter): Promise<void> {
  const report = await shadowReport(world);
  for (const line of json ? [JSON.stringify(report)] : shadowLines(report)) await lines.write(line);
  await lines.flush();
}
