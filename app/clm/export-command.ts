import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { onDiskAsync } from '../../connectors/system/disk-errors.ts';
import { writePast } from '../../connectors/system/terminal.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type WorldOptions, openReadOnlyWorld, worldOptions } from '../open-world.ts';
import { Progress } from '../progress.ts';
import { FORMATS, type Format, formatStream } from './export-formats.ts';
import { EXPORT_TOPICS, type ExportTopic, exportedRecords } from './export-outcomes.ts';

interface ExportFlags extends WorldOptions {
  readonly format: Format;
  readonly output?: string;
  readonly topic: ExportTopic;
}

export function exportCommand(): Command {
  return worldOptions(new Command('export'))
    .description('write outcomes or trades as JSON lines, CSV or an Avro container file')
    .addOption(new Option('--format <format>', 'jsonl, csv or avro').choices([...FORMATS]).default('jsonl'))
    .option('--output <file>', 'write there; to standard output when left out')
    .addOption(
      new Option('--topic <topic>', 'what is exported').choices([...EXPORT_TOPICS]).default(TOPICS.clmOutcome.name),
    )
    .addHelpText(
      'after',
      `
Of clm.outcome the latest record of each position, of trade.closed every record, in order of partition and offset. In CSV a list has a
space between its items, null is empty, and text that begins as a formula does (= + - @, tab, line break) has an apostrophe before it. The Avro file carries the schema: any Avro reader opens it.

Examples:
  $ harvestline clm export > outcomes.jsonl
  $ harvestline clm export --format csv --output outcomes.csv
  $ harvestline clm export --format avro --topic trade.closed --output trades.avro`,
    )
    .action(runExport);
}

async function runExport(flags: ExportFlags): Promise<void> {
  const { format, output, topic } = flags;
  if (format === 'avro' && output === undefined && process.stdout.isTTY)
    throw new HarvestlineError('USAGE', 'an Avro file is not for a terminal: give it a place with --output');
  const world = await openReadOnlyWorld(flags);
  const progress = new Progress(topic, world.counts(topic), process.stderr, new SystemClock());
  const counted = async function* () {
    for await (const record of exportedRecords(world, topic)) {
      progress.add(1);
      yield record;
    }
  };
  try {
    if (output === undefined) await toStandardOutput(counted(), format, topic);
    else await toFile(counted(), format, topic, output);
  } finally {
    progress.done();
    await world.close();
  }
}

/** Whole or not at all: the file gets its name when it is complete. */
async function toFile(records: AsyncIterable<object>, format: Format, topic: ExportTopic, file: string): Promise<void> {
  const unfinished = `${file}.unfinished`;
  try {
    await onDiskAsync(file, async () => {
      await pipeline(Readable.from(records), formatStream(format, topic), createWriteStream(unfinished));
      renameSync(unfinished, file);
    });
  } finally {
    rmSync(unfinished, { force: true });
  }
}

async function toStandardOutput(records: AsyncIterable<object>, format: Format, topic: ExportTopic): Promise<void> {
  try {
    const output = format === 'avro' ? binary(process.stdout) : process.stdout;
    await pipeline(Readable.from(records), formatStream(format, topic), output, { end: false });
  } catch (thrown) {
    // The reader has seen enough (`| head`).
    const gone = thrown instanceof Error && 'code' in thrown && thrown.code === 'EPIPE';
    if (!gone) throw thrown;
  }
}

/** Bytes that are no text, as they are. */
function binary(stream: NodeJS.WriteStream): Writable {
  return new Writable({ write: (chunk: Uint8Array, _encoding, done) => writePast(stream, chunk, done) });
}
