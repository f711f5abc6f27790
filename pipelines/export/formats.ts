import { Transform, type TransformCallback } from 'node:stream';
import { deflateRaw } from 'node:zlib';
// oxlint-disable-next-line no-restricted-imports -- a container file is one of the formats: bytes in memory, no world
import avsc from 'avsc';
import { formatEventTime } from '../../render/event-time.ts';
import { loadSchema } from '../../schemas/load-schema.ts';
import { type TopicName, findTopic } from '../../schemas/topics.ts';
import { type Conversions, type Convert, converterOf } from './convert.ts';
import { parquetStream } from './parquet.ts';

export const FORMATS = ['jsonl', 'csv', 'avro', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];

/** How JSON lines and CSV say a time: ISO 8601 in UTC, or milliseconds since 1970. Avro and Parquet have a type for it. */
export const TIME_FORMS = ['utc', 'epoch'] as const;
export type TimeTexts = (typeof TIME_FORMS)[number];

/** Avro and Parquet are bytes that no terminal shows. */
export function isBinary(format: Format): boolean {
  return format === 'avro' || format === 'parquet';
}

/** A stream that takes records and gives bytes. */
export function formatStream(format: Format, topic: TopicName, times: TimeTexts): NodeJS.ReadWriteStream {
  const spec = findTopic(topic);
  if (spec === undefined) throw new TypeError(`${topic} is not in the topic table`);
  const schema = loadSchema(spec);
  if (format === 'parquet') return parquetStream(schema);
  if (format === 'avro') {
    // The schema as it is registered stands in the file: any Avro reader opens it.
    return new avsc.streams.BlockEncoder(schema as avsc.Schema, {
      // Also of no records: a file without its schema is none.
      writeHeader: true,
      codec: 'deflate',
      codecs: {
        deflate: (data: Buffer, done: (error: Error | null, result: Buffer) => void) => deflateRaw(data, done),
      },
    });
  }
  if (format === 'jsonl') {
    const convert = textOf(times, (conversions) => converterOf(schema, conversions));
    return lineStream((record) => JSON.stringify(convert(record)));
  }
  const columns = schema.fields.map(({ name, type }) => ({
    name,
    convert: textOf(times, (conversions) => converterOf(type, conversions)),
  }));
  return lineStream(
    (record) => columns.map(({ name, convert }) => cell(convert(record[name]))).join(','),
    columns.map(({ name }) => name).join(','),
  );
}

function textOf(times: TimeTexts, converter: (conversions: Conversions) => Convert | null): Convert {
  const asIs: Convert = (value) => value;
  if (times === 'epoch') return asIs;
  return converter({ timestamp: (value) => formatEventTime(value as number), long: asIs }) ?? asIs;
}

/** What a spreadsheet begins to compute at, or passes over to get there. */
const FORMULA = /^[=+\-@\t\r\n]/;

type AnyRecord = Readonly<Record<string, unknown>>;

function lineStream(lineOf: (record: AnyRecord) => string, head?: string): Transform {
  let started = false;
  const first = (): string => {
    if (started) return '';
    started = true;
    return head === undefined ? '' : `${head}\n`;
  };
  return new Transform({
    writableObjectMode: true,
    transform(record: AnyRecord, _encoding, done: TransformCallback) {
      done(null, `${first()}${lineOf(record)}\n`);
    },
    flush(done) {
      done(null, first());
    },
  });
}

/**
 * RFC 4180: quoted where it must be. A list or a nested record is JSON, so that its items come back exactly; null is empty. Text that a
 * spreadsheet would take for a formula has an apostrophe before it, which makes it text there: who names a symbol `=HYPERLINK(…)` must
 * not act on the machine of who opens the file. Numbers stay numbers.
 */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const plain = typeof value === 'string' ? value : JSON.stringify(value);
  const text = typeof value === 'string' && FORMULA.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
