/**
 * A dead letter: a record that no processor could act on, with the reason, as it goes to its dead-letter topic.
 *
 * RUN-4  It is the record as it was received, byte for byte with key and headers, and headers that say why. Those are bounded, so that a
 *      topic that takes a little more than its source takes the letter of every record; what they leave out is counted.
 * RUN-5  Where the log refuses it for its size all the same, what is large is left out of it, and named: the value by its SHA-256 and
 *      length. The record is still on its source topic, at the place that the headers give.
 * RUN-6  Its timestamp is when it was set aside, so that it is kept for the topic's whole retention; the record's own is in a header.
 * RUN-7  It lies in the partition number of its record, or in the first where the dead-letter topic has no such partition.
 * RUN-8  Records that retention removed before a group read them have one letter for each stretch, without a record, that says which: so a
 *      loss is kept, listed and closed as whatever else nobody could act on.
 */
import { createHash } from 'node:crypto';
import { HarvestlineError, type Problem, formatProblems } from '../../errors/harvestline-error.ts';
import type { EpochMillis, Clock } from '../../ports/clock.ts';
import type { Headers, LogRecord, MovedStart, OutgoingRecord, Substitute, Append } from '../../ports/event-log.ts';
import { deadLetterTopicOf } from '../../schemas/topics.ts';
import type { Logger } from '../../ports/logger.ts';
import { NO_OBSERVER, type ProcessorObserver } from './processor-observer.ts';
import type { Processor } from './processor.ts';

/** Header names of a dead letter: KIP-1034's, and those of our own for what a tool needs to act on it. */
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

/** RUN-4: the most that may stand in the headers. A path may hold a name that a producer chose. Units: UTF-16 characters, paths. */
const MESSAGE_CHARS = 2000;
const PATHS_CHARS = 4000;
const PATHS = 50;
const PATH_CHARS = 300;

/**
 * RUN-5: what is kept whole of a letter that the log refused. Altogether 60 KB with the headers above: a topic that takes less is set
 * for records of another kind. Unit: bytes.
 */
const KEPT_VALUE_BYTES = 16 * 1024;
const KEPT_HEADERS_BYTES = 16 * 1024;
const KEPT_KEY_BYTES = 4 * 1024;
const HEADER_OVERHEAD_BYTES = 10;

/** And of the message where even that is refused. Unit: UTF-16 characters. */
const BARE_MESSAGE_CHARS = 200;

/** What the log refused of a letter. */
export interface LeftOut {
  /** Of the record's value; null where it is in the letter. */
  readonly valueBytes: number | null;
  readonly keyBytes: number | null;
  /** Number of the record's own headers that are not in the letter. */
  readonly headers: number;
}

export interface SettingAside {
  /** The record's topic by the name that the topic table has for it; the record's own where left out. */
  readonly topic?: string;
  readonly at: EpochMillis;
  /** Told when the log has refused the letter for its size, before the one without is written (RUN-5). */
  readonly onLeftOut?: (leftOut: LeftOut, refusal: HarvestlineError) => void;
  /** More to say than the record and the error do (RUN-8). */
  readonly also?: readonly (readonly [HeaderKey, string])[];
}

/** How much of the record is in the letter: all of it, what is not large, or nothing but why and where. */
type Form = 'whole' | 'kept' | 'bare';

const NEXT_FORM: Readonly<Record<Form, Form | null>> = { whole: 'kept', kept: 'bare', bare: null };

/** The one that every topic has. */
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
        // The clock of this machine is wrong: the topic of the record took its own.
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

/** As many problems as a header and a log line may hold, and their true number. */
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

/** Why, in words that fit into a header or a log line. */
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

/** RUN-5: each part whole or not at all. An empty value stands for one that is not there: null is a record without one. */
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

/** Those that only some letters have. */
const OF_SOME: readonly HeaderKey[] = ['valueSha256', 'valueBytes', 'keyBytes', 'headersLeftOut', 'group', 'offsetTo'];

/** The last header of a name counts: one that the record arrived with is ended with a null where it would lie about the letter. */
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
  // Half of a character that takes two is no text.
  return text.slice(0, most - end.length).replace(/[\uD800-\uDBFF]$/, '') + end;
}

export interface MovedStartsOptions {
  readonly processor: Processor;
  readonly group?: string;
  readonly clock: Clock;
  /** Under dev the market's, by which its log ages. */
  readonly liveClock?: Clock;
  readonly logger: Logger;
  readonly observer?: ProcessorObserver;
}

/**
 * Says where a processor's group cannot go on from what it had committed.
 * RUN-9  What retention removed unread has a letter on the topic's dead-letter topic before the group goes on: the alert, the figures of
 *      `status` and the closing of it by a person rest on that. A topic that is only observed has none: its dead-letter topic is another
 *      processor's, and nothing was to be done about its records.
 * RUN-10  A stretch is said once in the life of a process, also where the log has to be told again.
 */
export class MovedStarts {
  readonly #options: MovedStartsOptions;
  readonly #said = new Set<string>();

  constructor(options: MovedStartsOptions) {
    this.#options = options;
  }

  async say(moved: readonly MovedStart[], append: Append): Promise<void> {
    const { processor, clock, liveClock } = this.#options;
    const group = this.#options.group ?? processor.name;
    const letters: OutgoingRecord[] = [];
    for (const start of moved) {
      const { topic, from, why } = start;
      if (why === 'made_anew' || from === null) {
        this.#tell(start, madeAnew(start, group));
        continue;
      }
      const { letter, error } = neverReadLetter(start, from, group, (liveClock ?? clock).now());
      if (this.#tell(start, error)) (this.#options.observer ?? NO_OBSERVER).neverRead(topic, start.to - from);
      if (processor.inputs.some(({ name }) => name === topic)) letters.push(letter);
    }
    if (letters.length > 0) await append(letters);
  }

  /** False where it was said before (RUN-10). */
  #tell({ topic, partition, from, to }: MovedStart, { code, remedy, message }: HarvestlineError): boolean {
    const { processor, group = processor.name, logger } = this.#options;
    const stretch = JSON.stringify([topic, partition, from, to]);
    if (this.#said.has(stretch)) return false;
    this.#said.add(stretch);
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
