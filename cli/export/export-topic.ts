import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { extname } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { onDiskAsync } from '../../connectors/system/disk-errors.ts';
import { writePast } from '../../render/terminal.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { programName } from '../../errors/program-name.ts';
import { didYouMean, nearestFirst } from '../../errors/nearest.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import { TOPICS, type TopicName, findTopic, isDeadLetterTopic } from '../../schemas/topics.ts';
import { openForReading } from '../log-session/log-session.ts';
import type { LogOptions } from '../options/log-options.ts';
import { Progress } from '../../render/progress.ts';
import { plural } from '../../render/figures.ts';
import { FORMATS, type Format, type TimeTexts, formatStream, isBinary } from '../../pipelines/export/formats.ts';
import { exportedRecords } from '../../pipelines/export/exported-records.ts';

/** The format where the file's name has no known extension. */
const DEFAULT_FORMAT: Format = 'jsonl';

interface ExportRequest extends LogOptions {
  readonly topic: TopicName;
  readonly format: Format;
  readonly times: TimeTexts;
  /** Every record of a compacted topic. */
  readonly all: boolean;
  /** Null: standard output. */
  readonly out: string | null;
}

/** Writes a topic in one format. Sets exit code 1 where records did not decode. */
export async function exportTopic(request: ExportRequest): Promise<void> {
  const { format, out, topic, times, all } = request;
  if (isBinary(format) && out === null && process.stdout.isTTY)
    throw new HarvestlineError('USAGE', `a file in ${format} is not for a terminal: give it a place with --out FILE`);
  const world = await openForReading(request);
  const progress = new Progress(topic, world.counts(topic), process.stderr, new SystemClock());
  let written = 0;
  let undecodable = 0;
  const onUndecodable = (): void => {
    undecodable += 1;
  };
  const counted = async function* () {
    for await (const record of exportedRecords(world, topic, { all, onUndecodable })) {
      progress.add(1);
      written += 1;
      yield record;
    }
  };
  try {
    const bytes = formatStream(format, topic, times);
    if (out === null) await toStandardOutput(counted(), bytes, isBinary(format));
    else await toFile(counted(), bytes, out);
  } finally {
    progress.done();
    await world.close();
  }
  if (out !== null) process.stderr.write(`${plural(written, 'record')} of ${topic} in ${out}\n`);
  if (undecodable === 0) return;
  process.stderr.write(
    `${plural(undecodable, 'record does', 'records do')} not decode, left out; \`${programName()} tail ${topic}\` shows why\n`,
  );
  process.exitCode = 1;
}

/** A topic of the table, by its name or by that of the desk. Throws USAGE for others, and for dead letters, which are bytes. */
export function exportedTopic(named: string, desk: string | undefined): TopicName {
  const name = new DeskNames(desk).inTable(named);
  const topic = findTopic(name);
  if (topic !== undefined) return topic.name;
  if (isDeadLetterTopic(name))
    throw new HarvestlineError(
      'USAGE',
      `${name} holds bytes, not records: \`${programName()} tail ${name} --json\` shows them`,
    );
  const names = Object.values(TOPICS).map((one) => one.name);
  const known = nearestFirst(name, names).join(', ');
  throw new HarvestlineError('USAGE', `no topic ${didYouMean(name, names)}; there are ${known}`);
}

/** The format by the extension of a file's name. */
export function formatOf(out: string | null): Format {
  const extension = out === null ? '' : extname(out).slice(1);
  return FORMATS.find((format) => format === extension) ?? DEFAULT_FORMAT;
}

/** The file gets its name when it is complete, so it is whole or not there. */
async function toFile(records: AsyncIterable<object>, bytes: NodeJS.ReadWriteStream, file: string): Promise<void> {
  const unfinished = `${file}.unfinished`;
  try {
    await onDiskAsync(file, async () => {
      await pipeline(Readable.from(records), bytes, createWriteStream(unfinished));
      renameSync(unfinished, file);
    });
  } finally {
    rmSync(unfinished, { force: true });
  }
}

async function toStandardOutput(
  records: AsyncIterable<object>,
  bytes: NodeJS.ReadWriteStream,
  binary: boolean,
): Promise<void> {
  try {
    const output = binary ? pastGuards(process.stdout) : process.stdout;
    await pipeline(Readable.from(records), bytes, output, { end: false });
  } catch (thrown) {
    // The reader went away (`| head`): that is no error.
    const gone = thrown instanceof Error && 'code' in thrown && thrown.code === 'EPIPE';
    if (!gone) throw thrown;
  }
}

/** Writes bytes past the guard of text. */
function pastGuards(stream: NodeJS.WriteStream): Writable {
  return new Writable({ write: (chunk: Uint8Array, _encoding, done) => writePast(stream, chunk, done) });
}
