import { Argument, Command, Option } from 'commander';
import { TOPICS } from '../schemas/topics.ts';
import { exportTopic, exportedTopic, formatOf } from './export/export-topic.ts';
import { FORMATS, type Format, TIME_FORMS, type TimeTexts } from '../pipelines/export/formats.ts';
import { type LogOptions, logOptions } from './options/log-options.ts';

interface ExportFlags extends LogOptions {
  readonly format?: Format;
  readonly out?: string;
  readonly times?: TimeTexts;
  readonly all?: true;
}

/** `harvestline export`: a topic as a file for the tools of others. */
export function exportCommand(): Command {
  const names = Object.values(TOPICS).map(({ name }) => name);
  return logOptions(new Command('export'))
    .description('write the records of a topic as JSON lines, CSV, an Avro container file or Parquet')
    .addArgument(new Argument('<topic>', `one of ${names.join(', ')}`))
    .addOption(
      new Option('--format <format>', "what is written (default: by the file's name, else jsonl)").choices([
        ...FORMATS,
      ]),
    )
    .option('--out <file>', 'write there; to standard output when left out')
    .addOption(
      new Option(
        '--times <form>',
        'in CSV and JSON lines: utc (2026-02-07T12:00:00.000Z) or epoch, milliseconds since 1970 (default: csv utc, jsonl epoch)',
      ).choices([...TIME_FORMS]),
    )
    .option('--all', 'of a compacted topic every record, not only the latest of each key')
    .addHelpText(
      'after',
      `
Columns are the fields of the topic's schema (docs/topics.md), rows its records in order of partition and offset: of a compacted topic
the latest of each key. Memory does not grow with the topic, but for the keys of a compacted one.

parquet  times are timestamps in UTC, enums strings, lists and nested records Parquet's own: polars.read_parquet, pandas.read_parquet
avro     a container file with the schema: any Avro reader opens it
csv      null is empty, a list or a nested record is JSON in its cell; text that begins as a formula does (= + - @, tab, line break) has an
         apostrophe before it
jsonl    one JSON object a line, as in tail --json

Examples:
  $ harvestline export clm.outcome --out outcomes.parquet
  $ harvestline export position.snapshot --format parquet --out snapshots.parquet --brokers localhost:9092 --registry http://localhost:8081/apis/ccompat/v7
  $ harvestline export trade.closed --format csv --out trades.csv
  $ harvestline export harvest.intent | jq -r .reason | sort | uniq -c

Exit codes: 0 done, 1 some records did not decode, 2 wrong usage.`,
    )
    .action(async (named: string, flags: ExportFlags) => {
      const out = flags.out ?? null;
      const format = flags.format ?? formatOf(out);
      await exportTopic({
        ...flags,
        topic: exportedTopic(named, flags.desk),
        format,
        out,
        times: flags.times ?? (format === 'csv' ? 'utc' : 'epoch'),
        all: flags.all === true,
      });
    });
}
