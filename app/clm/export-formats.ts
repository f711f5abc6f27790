import { Transform, type TransformCallback } from 'node:stream';
import { deflateRaw } from 'node:zlib';
import avsc from 'avsc';
import { loadSchema } from '../../schemas/load-schema.ts';
import { findTopic } from '../../schemas/topics.ts';
import type { ExportTopic } from './export-outcomes.ts';

export const FORMATS = ['jsonl', 'csv', 'avro'] as const;
export type Format = (typeof FORMATS)[number];

/** A stream that takes records and gives bytes. */
export function formatStream(format: Format, topic: ExportTopic): NodeJS.ReadWriteStream {
  const spec = findTopic(topic);
  if (spec === undefined) throw new TypeError(`${topic} is not in the topic table`);
  const schema = loadSchema(spec);
  if (format === 'avro') {
    // The schema as it is registered stands in the file: any Avro reader opens it.
    return new avsc.streams.BlockEncoder(schema as avsc.Schema, {
      codec: 'deflate',
      codecs: {
        deflate: (data: Buffer, done: (error: Error | null, result: Buffer) => void) => deflateRaw(data, done),
      },
    });
  }
  if (format === 'jsonl') return lineStream((record) => JSON.stringify(record));
  const columns = schema.fields.map(({ name }) => name);
  return lineStream((record) => columns.map((column) => cell(record[column])).join(','), columns.join(','));
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
 * RFC 4180: quoted where it must be. A list is its items with a space between; null is empty. Text that a spreadsheet would take
 * for a formula has an apostrophe before it, which makes it text there: who names a symbol `=HYPERLINK(…)` must not act on the
 * machine of who opens the file. Numbers stay numbers.
 */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string' && !Array.isArray(value)) return JSON.stringify(value);
  const plain = Array.isArray(value) ? value.join(' ') : value;
  const text = FORMULA.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
