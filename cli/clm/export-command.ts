import { Command, Option } from 'commander';
import { TOPICS } from '../../schemas/topics.ts';
import { exportTopic, exportedTopic } from '../export/export-topic.ts';
import { FORMATS, type Format } from '../../pipelines/export/formats.ts';
import { type WorldOptions, worldOptions } from '../options/log-options.ts';

interface ExportFlags extends WorldOptions {
  readonly format: Format;
  readonly output?: string;
  readonly topic: string;
}

/** An older name of `harvestline export`, for what programs call. Times in CSV are in milliseconds here, as they were. */
export function exportCommand(): Command {
  return worldOptions(new Command('export'))
    .description('write outcomes, or another topic: the same as `harvestline export`')
    .addOption(new Option('--format <format>', FORMATS.join(', ')).choices([...FORMATS]).default('jsonl'))
    .option('--output <file>', 'write there; to standard output when left out')
    .option('--topic <topic>', 'what is exported', TOPICS.clmOutcome.name)
    .addHelpText(
      'after',
      `
Times are milliseconds since 1970 in JSON lines and CSV. \`harvestline export --help\` says the rest.

Examples:
  $ harvestline clm export > outcomes.jsonl
  $ harvestline clm export --format csv --output outcomes.csv
  $ harvestline clm export --format avro --topic trade.closed --output trades.avro`,
    )
    .action((flags: ExportFlags) => {
      const topic = exportedTopic(flags.topic, flags.desk);
      return exportTopic({ ...flags, topic, out: flags.output ?? null, times: 'epoch', all: false });
    });
}
