/**
 * Dead letters: a record that no processor could act on goes to a dead-letter topic, with the reason in its headers.
 *
 * RUN-4  A letter holds the record as it was received, byte for byte with key and headers, and added headers with the reason. These are
 *      bounded, so that the letter of every record fits into a topic whose limit is a little above its source's. What they leave out is
 *      counted.
 * RUN-5  Where the log refuses the letter for its size nevertheless, its large parts are left out: the value is replaced by its SHA-256 and
 *      length. The record is still on its source topic, at the place that the headers name.
 * RUN-6  The letter's timestamp is when it was written, so that it is kept for the whole retention; the record's own is in a header.
 * RUN-7  The letter has the partition number of its record, or the first where the dead-letter topic has no such partition.
 * RUN-8  Records that retention removed before a group read them have one letter for each stretch, without a record: such a loss is kept,
 *      listed and closed like every other letter.
 */
import { createHash } from 'node:crypto';
import { HarvestlineError, type Problem, formatProblems } from '../../errors/harvestline-error.ts';
import type { EpochMillis, Clock } from '../../ports/clock.ts';
import type { Headers, LogRecord, MovedStart, OutgoingRecord, Substitute, Append } from '../../ports/event-log.ts';
import { deadLetterTopicOf } from '../../schemas/topics.ts';
import type { Logger } from '../../ports/logger.ts';
import { NO_OBSERVER, type ProcessorObserver } from './processor-observer.ts';
import type { Processor } from './processor.ts';

/** Header names of a dead letter: those of KIP-1034, and our own for what a tool needs to act on it. */
export const DEAD_LETTER_HEADERS = {
  exception: '__streams.errors.exception',
  message: '__streams.errors.message',
  topic: '__streams.errors.topic',
  partition: '__streams.errors.partition',
  offset: '__streams.errors.offset',
  code: 'harvestline.errors.code',
  paths: 'harvestline.errors.paths',
  pathsTotal: 'harvestline.errors.paths_total',
  timestamp: 'harvestline.errors.timestamp',
  valueSha256: 'harvestline.errors.value_sha256',
  valueBytes: 'harvestline.errors.value_bytes',
  keyBytes: 'harvestline.errors.key_bytes',
  headersLeftOut: 'harvestline.errors.headers_left_out',
  group: 'harvestline.errors.group',
  offsetTo: 'harvestline.errors.offset_to',
} as const;

type HeaderKey = keyof typeof DEAD_LETTER_HEADERS;

/** RUN-4: bounds of the headers. A path may contain a name that a producer chose. Units: UTF-16 characters, paths. */
const MESSAGE_CHARS = 2000;
const PATHS_CHARS = 4000;
const PATHS = 50;
const PATH_CHARS = 300;

/**
 * RUN-5: bounds of the parts that are kept of a letter that the log refused. Altogether 60 KB with the headers above; no topic of this
 * program is set below that. Unit: bytes.
 */
const KEPT_VALUE_BYTES = 16 * 1024;
const KEPT_HEADERS_BYTES = 16 * 1024;
const KEPT_KEY_BYTES = 4 * 1024;
const HEADER_OVERHEAD_BYTES = 10;

/** Bound of the message where even that is refused. Unit: UTF-16 characters. */
const BARE_MESSAGE_CHARS = 200;

/** The parts of a record that were left out of its letter. */
export interface LeftOut {
  /** Length of the record's value; null where the value is in the letter. */
  readonly valueBytes: number | null;
  readonly keyBytes: number | null;
  /** Number of the record's own headers that are not in the letter. */
  readonly headers: number;
}

interface SettingAside {
  /** The record's topic as the topic table names it; the record's own name where left out. */
  readonly topic?: string;
  readonly at: EpochMillis;
  /** Called when the log has refused the letter for its size, before a smaller one is written (RUN-5). */
  readonly onLeftOut?: (leftOut: LeftOut, refusal: HarvestlineError) => void;
  /** Further headers (RUN-8). */
  readonly also?: readonly (readonly [HeaderKey, string])[];
}

/** How much of the record is in the letter: all of it, its small parts, or nothing but reason and place. */
type Form = 'whole' | 'kept' | 'bare';

const NEXT_FORM: Readonly<Record<Form, Form | null>> = { whole: 'kept', kept: 'bare', bare: null };

/** Every topic has it. */
const FIRST_PARTITION = 0;

/** The letter of a record that was refused with `error`. */
export function deadLetterOf(record: LogRecord, error: HarvestlineError, aside: SettingAside): OutgoingRecord {
  const write = (form: Form, timestamp: EpochMillis, partition: number): Substitute => {
    const letter = letterIn(form, record, error, aside.also ?? []);
    return {
      ...letter,
      timestamp,
      partition,
      ifRefused: (refusal) => {
        const smaller = NEXT_FORM[form];
        // This machine's clock is wrong. The record's own time is good: its topic accepted it.
        if (refusal.code === 'TIMESTAMP_REFUSED')
          return timestamp === record.timestamp ? null : write(form, record.timestamp, partition);
        // RUN-7. Not by the key: kafkajs takes hours to hash one of a megabyte.
        if (refusal.code === 'PARTITION_MISSING')
          return partition === FIRST_PARTITION ? null : write(form, timestamp, FIRST_PARTITION);
        if (refusal.code !== 'RECORD_TOO_LARGE' || smaller === null) return null;
        if (form === 'whole') aside.onLeftOut?.(leftOutOf(record), refusal);
        return write(smaller, timestamp, partition);
      },
    };
  };
  return { topic: deadLetterTopicOf(aside.topic ?? record.topic), ...write('whole', aside.at, record.partition) };
}

/** RUN-8: the letter of what `group` never read, from the offset where it stood to the oldest that is kept. */
function neverReadLetter(
  { topic, partition, to }: Pick<MovedStart, 'topic' | 'partition' | 'to'>,
  from: number,
  group: string,
  at: EpochMillis,
): { readonly letter: OutgoingRecord; readonly error: HarvestlineError } {
  const record: LogRecord = { topic, partition, offset: from, timestamp: at, key: null, value: null, headers: [] };
  const count = to - from === 1 ? '1 record' : `${to - from} records`;
  const error = new HarvestlineError(
    'RECORDS_NEVER_READ',
    `${group} never read ${count} of ${topic}[${partition}], offsets ${from} to ${to - 1}: retention removed them first`,
    { at: { topic, partition, offset: from } },
  );
  const also = [['group', group] as const, ['offsetTo', String(to)] as const];
  return { letter: deadLetterOf(record, error, { at, also }), error };
}

/** The first problems, as many as a header and a log line may hold, and the number of all. */
export function boundedProblems(problems: readonly Problem[]): {
  readonly paths: readonly Problem[];
  readonly total: number;
} {
  const paths: Problem[] = [];
  let chars = '[]'.length;
  for (const { path, why } of problems.slice(0, PATHS)) {
    const problem = { path: cut(path, PATH_CHARS), why: cut(why, PATH_CHARS) };
    chars += JSON.stringify(problem).length + ','.length;
    if (chars > PATHS_CHARS) break;
    paths.push(problem);
  }
  return { paths, total: problems.length };
}

/** The reason, bounded for a header or a log line. */
export function boundedMessage(error: HarvestlineError, most = MESSAGE_CHARS): string {
  return cut(error.problems.length > 0 ? formatProblems(error.problems) : error.message, most);
}

function letterIn(
  form: Form,
  record: LogRecord,
  error: HarvestlineError,
  also: readonly (readonly [HeaderKey, string])[],
): Pick<Substitute, 'key' | 'value' | 'headers'> {
  const { paths, total } = boundedProblems(error.problems);
  const why: [HeaderKey, string][] = [
    ['exception', error.name],
    ['message', boundedMessage(error, form === 'bare' ? BARE_MESSAGE_CHARS : MESSAGE_CHARS)],
    ['topic', record.topic],
    ['partition', String(record.partition)],
    ['offset', String(record.offset)],
    ['code', error.code],
    ['paths', JSON.stringify(form === 'bare' ? [] : paths)],
    ['pathsTotal', String(total)],
    ['timestamp', String(record.timestamp)],
    ...also.map(([key, text]): [HeaderKey, string] => [key, text]),
  ];
  if (form === 'whole') return { key: record.key, value: record.value, headers: withHeaders(record.headers, why) };
  const { key, value, headers } = keptOf(record, form);
  if (value !== record.value && record.value !== null) {
    why.push(['valueSha256', sha256Of(record.value)], ['valueBytes', String(record.value.length)]);
  }
  if (key !== record.key && record.key !== null) why.push(['keyBytes', String(record.key.length)]);
  if (headers.length < record.headers.length) {
    why.push(['headersLeftOut', String(record.headers.length - headers.length)]);
  }
  return { key, value, headers: withHeaders(headers, why) };
}

const NO_BYTES = new Uint8Array(0);

/** RUN-5: each part whole or not at all. A value that is left out is empty: null would be a record without a value. */
function keptOf(
  { key, value, headers }: LogRecord,
  form: Exclude<Form, 'whole'>,
): Pick<LogRecord, 'key' | 'value' | 'headers'> {
  const factor = form === 'bare' ? 0 : 1;
  let left = factor * KEPT_HEADERS_BYTES;
  const kept = headers.filter(([name, bytes]) => {
    const size = HEADER_OVERHEAD_BYTES + Buffer.byteLength(name) + (bytes?.length ?? 0);
    if (size > left) return false;
    left -= size;
    return true;
  });
  return {
    key: key === null || key.length <= factor * KEPT_KEY_BYTES ? key : null,
    value: value === null || value.length <= factor * KEPT_VALUE_BYTES ? value : NO_BYTES,
    headers: kept,
  };
}

function leftOutOf(record: LogRecord): LeftOut {
  const { key, value, headers } = keptOf(record, 'kept');
  return {
    valueBytes: value === record.value ? null : (record.value?.length ?? 0),
    keyBytes: key === record.key ? null : (record.key?.length ?? 0),
    headers: record.headers.length - headers.length,
  };
}

/** Headers that only some letters have. */
const OF_SOME: readonly HeaderKey[] = ['valueSha256', 'valueBytes', 'keyBytes', 'headersLeftOut', 'group', 'offsetTo'];

/** The last header of a name counts. Where the record arrived with a header of ours that is not true of this letter, a null header ends it. */
function withHeaders(arrived: Headers, why: readonly (readonly [HeaderKey, string])[]): Headers {
  const given = new Set(why.map(([key]) => key));
  const names = new Set(arrived.map(([name]) => name));
  const lies = OF_SOME.filter((key) => !given.has(key) && names.has(DEAD_LETTER_HEADERS[key]));
  return [
    ...arrived,
    ...why.map(([key, text]) => [DEAD_LETTER_HEADERS[key], Buffer.from(text)] as const),
    ...lies.map((key) => [DEAD_LETTER_HEADERS[key], null] as const),
  ];
}

/** In hexadecimal digits, as `sha256sum` prints it. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The text, or its beginning and how long it is, in at most `most` characters. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = `… (${text.length} characters)`;
  // Half of a surrogate pair is no text.
  return text.slice(0, most - end.length).replace(/[\uD800-\uDBFF]$/, '') + end;
}

interface MovedStartsOptions {
  readonly processor: Processor;
  readonly group?: string;
  readonly clock: Clock;
  /** The market's under dev: retention on its log goes by that. */
  readonly liveClock?: Clock;
  readonly logger: Logger;
  readonly observer?: ProcessorObserver;
}

/**
 * Reports where a processor's group cannot go on from the offsets that it has committed.
 * RUN-9  For records that retention removed unread, a letter is written before the group goes on: the alert, the figures of `status` and
 *      closing it by hand rest on that letter. Observed topics have none: their dead-letter topic is another processor's.
 * RUN-10  A stretch is logged and counted once in the life of a process, also where the log reports it again.
 */
export class MovedStarts {
  readonly #options: MovedStartsOptions;
  readonly #reported = new Set<string>();

  constructor(options: MovedStartsOptions) {
    this.#options = options;
  }

  async report(moved: readonly MovedStart[], append: Append): Promise<void> {
    const { processor, clock, liveClock } = this.#options;
    const group = this.#options.group ?? processor.name;
    const letters: OutgoingRecord[] = [];
    for (const start of moved) {
      const { topic, from, why } = start;
      if (why === 'made_anew' || from === null) {
        this.#log(start, madeAnew(start, group));
        continue;
      }
      const { letter, error } = neverReadLetter(start, from, group, (liveClock ?? clock).now());
      if (this.#log(start, error)) (this.#options.observer ?? NO_OBSERVER).neverRead(topic, start.to - from);
      if (processor.inputs.some(({ name }) => name === topic)) letters.push(letter);
    }
    if (letters.length > 0) await append(letters);
  }

  /** False where it was reported before (RUN-10). */
  #log({ topic, partition, from, to }: MovedStart, { code, remedy, message }: HarvestlineError): boolean {
    const { processor, group = processor.name, logger } = this.#options;
    const stretch = JSON.stringify([topic, partition, from, to]);
    if (this.#reported.has(stretch)) return false;
    this.#reported.add(stretch);
    const count = code === 'RECORDS_NEVER_READ' && from !== null ? to - from : undefined;
    logger.error({ processor: processor.name, group, topic, partition, from, to, count, code, remedy }, message);
    return true;
  }
}

function madeAnew({ topic, partition, from, to }: MovedStart, group: string): HarvestlineError {
  const stood = from === null ? 'its offsets are gone, too' : `the group stood at offset ${from}`;
  return new HarvestlineError(
    'TOPIC_MADE_ANEW',
    `${topic}[${partition}] was made anew: ${stood}, and ${group} reads it from its beginning, offset ${to}`,
    { at: { topic, partition } },
  );
}
