import { Command } from 'commander';
import { pc } from '../render/terminal.ts';
import type { TopicDrift } from '../ports/event-log.ts';
import { allTopicSpecs } from '../schemas/topics.ts';
import { openLog } from './log-session/log-session.ts';
import { type LogOptions, logOptions } from './options/log-options.ts';
import { LineWriter, jsonWanted } from '../render/output.ts';

const EXAMPLES = `
What differs of an existing topic (partitions, cleanup, retention, the largest record of a dead-letter topic) is reported as
drift and not changed, but for one thing: a dead-letter topic grows with its source, to as many partitions. A dead-letter topic
takes 64 KiB more than its source does: a dead letter is its record, and why.

Examples:
  $ harvestline topics apply --dry-run    what is missing, what differs
  $ harvestline topics apply              create what is missing

Exit codes: 0 every topic is as the table says (or would be), 1 at least one differs.`;

/** `harvestline topics`: the topics of schemas/topics.ts in a log. */
export function topicsCommand(): Command {
  return new Command('topics').description('create the topics, report how they differ').addCommand(applyCommand());
}

function applyCommand(): Command {
  return logOptions(new Command('apply'))
    .description('create the topics that are missing, and report those that differ; touches no data')
    .option('--dry-run', 'say what would be created, and change nothing')
    .option('--json', 'one topic a line as JSON, as in a pipe')
    .addHelpText('after', EXAMPLES)
    .action(async (options: LogOptions & { readonly dryRun?: true; readonly json?: true }) => {
      const dryRun = options.dryRun === true;
      const session = openLog(options, dryRun ? 'read' : 'write');
      try {
        const specs = allTopicSpecs();
        const found = dryRun ? await session.log.compareTopics(specs) : await session.log.createTopics(specs);
        const lines = new LineWriter(process.stdout);
        for (const topic of found) await lines.write(jsonWanted(options) ? JSON.stringify(topic) : lineOf(topic));
        await lines.flush();
        if (found.some(({ state }) => state === 'drifted')) process.exitCode = 1;
      } finally {
        await session.close();
      }
    });
}

const STATE_TEXT: Readonly<Record<TopicDrift['state'], string>> = {
  missing: pc.yellow('missing  '),
  created: pc.green('created  '),
  grown: pc.green('grown    '),
  unchanged: pc.dim('unchanged'),
  drifted: pc.red('drifted  '),
};

function lineOf({ topic, state, detail }: TopicDrift): string {
  return `${STATE_TEXT[state]}  ${pc.bold(topic)}${detail === undefined ? '' : `: ${detail}`}`;
}
