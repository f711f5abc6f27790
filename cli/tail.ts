import { Argument, Command, Option } from 'commander';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { HarvestlineError, isKind, messageOf } from '../errors/harvestline-error.ts';
import { didYouMean, nearestFirst } from '../errors/nearest.ts';
import type { Clock } from '../ports/clock.ts';
import type { LogRecord, PartitionOffsets, EventLog } from '../ports/event-log.ts';
import { DeskNames } from '../schemas/desk-names.ts';
import type { RecordCodec } from '../schemas/record-codec.ts';
import { type TopicName, allTopicSpecs, findTopic } from '../schemas/topics.ts';
import { type ReadableTopics, mergePartitions } from '../pipelines/runtime/topic-cursor.ts';
import { openForReading } from './log-session/log-session.ts';
import { type LogOptions, logOptions } from './options/log-options.ts';
import { onShutdownSignal } from '../connectors/system/process.ts';
import { LineWriter, jsonWanted } from '../render/output.ts';
import { plural } from '../render/figures.ts';
import { type TailRecord, base64, jsonLine, readableLine } from '../pipelines/runtime/record-line.ts';
import { parseEventTime } from '../render/event-time.ts';

/** Shown without --from. Unit: records. */
const LAST_RECORDS = 10;

/** How often --follow looks for new records: it feels immediate and costs nothing. Unit: milliseconds. */
const FOLLOW_PAUSE_MS = 250;

export interface TailOptions {
  readonly topic: string;
  readonly from: TailStart;
  /** Go on with new records, until `signal` aborts or the reader goes away. */
  readonly follow: boolean;
  readonly json: boolean;
}

interface TailDependencies {
  readonly world: ReadableTopics;
  readonly lines: LineWriter;
  /** Paces --follow. */
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export function tailCommand(): Command {
  return logOptions(new Command('tail'))
    .description('Show the decoded records of a topic, oldest first, up to the end that stands now.')
    .addArgument(new Argument('<topic>', `one of ${topicNames().join(', ')}`))
    .addOption(
      new Option(
        '--from <start>',
        'beginning, latest (with --follow), an offset, PARTITION:OFFSET[,…], epoch milliseconds or an ISO time (UTC unless it names a zone)',
      ),
    )
    .option('--follow', 'go on with new records until interrupted')
    .option('--json', 'NDJSON, also on a terminal')
    .addHelpText('after', HELP)
    .action(async (named: string, flags: LogOptions & { from?: string; follow?: true; json?: true }) => {
      const options: TailOptions = {
        topic: new DeskNames(flags.desk).inTable(named),
        from: flags.from === undefined ? { kind: 'last' } : parseTailStart(flags.from),
        follow: flags.follow === true,
        json: jsonWanted(flags),
      };
      checkUsage(options);
      const world = await openForReading(flags);
      const clock = new SystemClock();
      const stop = onShutdownSignal(clock);
      try {
        const lines = new LineWriter(process.stdout);
        const undecodable = await tail({ world, lines, clock, signal: stop.signal }, options);
        if (undecodable === 0) return;
        process.stderr.write(`${plural(undecodable, 'record does', 'records do')} not decode; each line says why\n`);
        process.exitCode = 1;
      } finally {
        await world.close();
        stop.release();
      }
    });
}

const HELP = `
Without --from: the last ${LAST_RECORDS} records. Partitions are merged by timestamp.
On a dead-letter topic the value is base64. A value that does not decode is null, with error and value_base64 beside it;
the rest is still shown, and the exit code is 1.

Examples:
  harvestline tail trade.closed
  harvestline tail harvest.intent --from beginning --json | jq -r .value.reason | sort | uniq -c
  harvestline tail execution.report --from 2026-02-07T12:00:00Z --follow`;

/**
 * Writes the records of a topic as lines, and returns how many values did not decode. Ends at the end offsets as they were when it was
 * called, unless it follows. Throws USAGE for a topic that is not in the table.
 */
export async function tail({ world, lines, clock, signal }: TailDependencies, options: TailOptions): Promise<number> {
  checkUsage(options);
  const { log, codec } = world;
  const topic = findTopic(options.topic)?.name ?? null;
  const format = options.json ? jsonLine : readableLine;
  let undecodable = 0;
  let range = await rangeFrom(log, options.topic, options.from, LAST_RECORDS);
  for (let lastOnly = options.from.kind === 'last'; ; lastOnly = false) {
    const runs = mergePartitions(log, options.topic, range, async (batch) => {
      if (topic !== null) await codec.prepare(topic, batch.records);
    });
    for await (const run of lastOnly ? lastOf(runs) : runs) {
      for (const at of run) {
        const record = tailRecord(codec, topic, at);
        if (record.error !== null) undecodable += 1;
        const full = lines.write(format(record));
        if (full !== undefined) await full;
        if (lines.closed || signal.aborted) break;
      }
      if (lines.closed || signal.aborted) break;
    }
    await lines.flush();
    if (!options.follow) return undecodable;
    await clock.sleep(FOLLOW_PAUSE_MS, signal);
    if (lines.closed || signal.aborted) return undecodable;
    range = continued(range, await log.offsets(options.topic));
  }
}

function tailRecord(codec: RecordCodec, topic: TopicName | null, at: LogRecord): TailRecord {
  if (topic === null) return { at, topic, value: base64(at.value), error: null };
  try {
    return { at, topic, value: codec.decode(topic, at), error: null };
  } catch (error) {
    if (!isKind(error, 'poison')) throw error;
    return { at, topic, value: null, error: `${error.code}: ${messageOf(error)}` };
  }
}

/** The last LAST_RECORDS of the merged sequence, which holds at most as many of each partition. */
async function* lastOf(runs: AsyncIterable<readonly LogRecord[]>): AsyncGenerator<readonly LogRecord[]> {
  let last: readonly LogRecord[] = [];
  for await (const run of runs) last = [...last, ...run].slice(-LAST_RECORDS);
  yield last;
}

/** From the end of `range` to the ends as they are now. */
function continued(range: readonly PartitionOffsets[], now: readonly PartitionOffsets[]): readonly PartitionOffsets[] {
  const ends = new Map(now.map(({ partition, end }) => [partition, end]));
  return range.map(({ partition, begin, end }) => {
    const reached = Math.max(begin, end);
    return { partition, begin: reached, end: ends.get(partition) ?? reached };
  });
}

function checkUsage({ topic, from, follow }: TailOptions): void {
  if (!topicNames().includes(topic)) {
    const named = didYouMean(topic, topicNames());
    throw new HarvestlineError('USAGE', `no topic ${named}; there are ${nearestFirst(topic, topicNames()).join(', ')}`);
  }
  if (from.kind === 'latest' && !follow) {
    throw new HarvestlineError('USAGE', '--from latest shows new records only: it needs --follow');
  }
}

function topicNames(): readonly string[] {
  return allTopicSpecs().map(({ name }) => name);
}

/** Where `tail` starts. */
type TailStart =
  | { readonly kind: 'beginning' | 'latest' | 'last' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'partition offsets'; readonly offsets: ReadonlyMap<number, number> }
  | { readonly kind: 'time'; readonly timestamp: number };

/**
 * A number below this is an offset, from it on a time: in milliseconds it is March 1973, before any record, and as an offset it is more
 * than a partition here will ever hold.
 */
const FIRST_TIME_MS = 100_000_000_000;

/** `beginning`, `latest`, an offset, `PARTITION:OFFSET[,…]`, epoch milliseconds or an ISO time. Throws USAGE. */
export function parseTailStart(text: string): TailStart {
  if (text === 'beginning' || text === 'latest') return { kind: text };
  if (/^\d{1,15}$/.test(text)) {
    const number = Number(text);
    return number < FIRST_TIME_MS ? { kind: 'offset', offset: number } : { kind: 'time', timestamp: number };
  }
  if (/^\d{1,9}:\d{1,15}(,\d{1,9}:\d{1,15})*$/.test(text)) {
    const pairs = text.split(',').map((pair) => pair.split(':').map(Number));
    return {
      kind: 'partition offsets',
      offsets: new Map(pairs.map(([partition = 0, offset = 0]) => [partition, offset])),
    };
  }
  const timestamp = parseEventTime(text);
  if (timestamp === null) {
    throw new HarvestlineError(
      'USAGE',
      `--from ${text}: must be beginning, latest, an offset, PARTITION:OFFSET[,…], epoch milliseconds or an ISO time`,
    );
  }
  return { kind: 'time', timestamp };
}

/** The stretch of a topic from `start` to its ends as they are now. `last`: how many records of each partition the kind `last` takes. */
async function rangeFrom(
  log: EventLog,
  topic: string,
  start: TailStart,
  last: number,
): Promise<readonly PartitionOffsets[]> {
  const ends = await log.offsets(topic);
  // After the ends are known: a record appended in between lies beyond them and is left out.
  const byTime = start.kind === 'time' ? await log.offsetsAt(topic, start.timestamp) : undefined;
  const range = ends.map((part) => ({ ...part, begin: Math.max(part.begin, firstOffset(start, part, last, byTime)) }));
  return start.kind === 'partition offsets' ? range.filter(({ partition }) => start.offsets.has(partition)) : range;
}

function firstOffset(
  start: TailStart,
  { partition, begin, end }: PartitionOffsets,
  last: number,
  byTime: ReadonlyMap<number, number> | undefined,
): number {
  switch (start.kind) {
    case 'beginning':
      return begin;
    case 'last':
      return end - last;
    case 'offset':
      return start.offset;
    case 'partition offsets':
      return start.offsets.get(partition) ?? end;
    case 'time':
      return byTime?.get(partition) ?? end;
    case 'latest':
    default:
      return end;
  }
}
