/**
 * Guards the streams of this program: nothing foreign that is written to them commands a terminal.
 *
 * REN-1  Text from outside is shown, never obeyed: control characters (C0, C1), direction and zero-width marks, line and paragraph
 *        separators and lone surrogates are written as escapes such as `\u001b`, whoever writes them.
 * REN-2  These are the escapes of JSON, where such characters occur in strings only: a line of JSON stays one, with the same strings.
 * REN-3  Colours of this program pass. They carry a mark that is drawn anew in every process, so no record written before can have it.
 *        What moves the cursor is written past the guard, here only, with nothing foreign in it.
 */
import { randomInt } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import { isatty } from 'node:tty';
import picocolors from 'picocolors';

/** The mark of own colours: numbers without a meaning to terminals, before the code's own. Unguarded, the code still works and has no width. */
const MARK = Array.from({ length: 3 }, () => `${randomInt(1000, 10_000)};`).join('');

const INTRODUCER = '\u001B[';
const MARKED = INTRODUCER + MARK;

/** What REN-1 names, and line breaks. */
const CONTROL = String.raw`[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]`;
const CONTROLS = new RegExp(CONTROL, 'gu');
const MARKS_AND_CONTROLS = new RegExp(`${RegExp.escape(MARKED)}|${CONTROL}`, 'gu');

/** Text without any of these, as most is: ten times faster to test than to search for them. */
const PLAIN = /^[\n -~]*$/;

/** What log-update writes to hide and show the cursor, also at the end of the process: always alone, and on a stream of its choice. */
const CURSOR: ReadonlySet<unknown> = new Set([`${INTRODUCER}?25l`, `${INTRODUCER}?25h`]);

/** Foreign text as part of a line: each such character becomes U+FFFD, so that its length stays the same and tables keep their shape. */
export function printable(foreign: string): string {
  return foreign.replace(CONTROLS, '\uFFFD');
}

/** Escapes a line, or a part of one, before it is laid out or written. A line break in it is foreign too. Own colours keep their mark. */
export function oneLine(line: string): string {
  return line.replace(MARKS_AND_CONTROLS, (found) => (found === MARKED ? found : escaped(found)));
}

/** Text as it may reach a terminal (REN-1 to REN-3). Line breaks pass. */
export function shown(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(MARKS_AND_CONTROLS, (found) =>
    found === MARKED ? INTRODUCER : found === '\n' ? found : escaped(found),
  );
}

/** One escape a UTF-16 code unit, as JSON has it. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => String.raw`\u${unit.toString(16).padStart(4, '0')}`).join('');
}

type Write = (chunk: string | Uint8Array, callback?: (error?: Error | null) => void) => boolean;

/** Guarded streams -> how to write past the guard. */
const unguarded = new WeakMap<NodeJS.WritableStream, Write>();

/** Makes everything that is written to the stream from now on go through `shown`. A guard that the stream has already comes after it. */
export function guardStream(stream: NodeJS.WriteStream): void {
  if (unguarded.has(stream)) return;
  const write: Write = stream.write.bind(stream);
  unguarded.set(stream, write);
  const decoder = new StringDecoder('utf8');
  stream.write = (chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
    const callback = rest.find((one) => typeof one === 'function') as Parameters<Write>[1];
    if (CURSOR.has(chunk)) return write(chunk, callback);
    const [encoding] = rest;
    const bytes = typeof chunk !== 'string' || (typeof encoding === 'string' && !/^utf-?8$/i.test(encoding));
    return write(
      shown(bytes ? decoder.write(Buffer.from(chunk as string, encoding as BufferEncoding)) : chunk),
      callback,
    );
  };
}

/** Writes past the guard: bytes that are no text, or codes of this program. Foreign text in it must have gone through `shown`. */
export function writePast(
  stream: NodeJS.WritableStream,
  chunk: string | Uint8Array,
  done?: (error?: Error | null) => void,
): void {
  const write = unguarded.get(stream);
  if (write === undefined) stream.write(chunk, done);
  else write(chunk, done);
}

/**
 * Colours are for a terminal, or where they are asked for (https://force-color.org, https://no-color.org). picocolors alone would also
 * colour the text of a pipe wherever `CI` is set, whose reader expects plain text.
 */
const { env } = process;
const colours = picocolors.createColors(
  !env['NO_COLOR'] && (Boolean(env['FORCE_COLOR']) || (isatty(1) && env['TERM'] !== 'dumb')),
);

/** Paints as picocolors does, with the mark; returns text as it is where there are no colours. */
function painter(paint: (text: string) => string): (text: string | number) => string {
  const [open = '', close = ''] = paint('|')
    .split('|')
    .map((codes) => codes.replaceAll(INTRODUCER, MARKED));
  if (close === '') return String;
  // A colour that ends inside must not end this one.
  return (text) => open + String(text).replaceAll(close, close + open) + close;
}

/** The colours of this program, the only ones that reach a terminal. */
export const pc = {
  bold: painter(colours.bold),
  dim: painter(colours.dim),
  red: painter(colours.red),
  green: painter(colours.green),
  yellow: painter(colours.yellow),
  cyan: painter(colours.cyan),
  magenta: painter(colours.magenta),
} as const;

/** Moves to the first column and wipes the line. */
const WIPE = `${INTRODUCER}G${INTRODUCER}2K`;

/** Replaces the line of the cursor. */
export function replaceLine(terminal: NodeJS.WritableStream, line: string): void {
  writePast(terminal, WIPE + shown(oneLine(line)));
}
