/**
 * What stands between this program's words and a terminal, or whatever reads its streams.
 *
 * REN-1  Text from outside is shown, never obeyed: of all that is written, whoever wrote it, control characters (C0, C1), direction and
 *     zero-width marks, line and paragraph separators and lone surrogates come out as `\u001b`.
 * REN-2  That is the escape of JSON, where such characters stand in strings only: a line of JSON stays one, with the same strings in it.
 * REN-3  Colours of this program's own pass. They are known by a mark that is drawn anew in every process: no record that was written
 *     before can bear it. What moves the cursor is written past the guard, here only, with nothing foreign in it.
 */
import { randomInt } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import { isatty } from 'node:tty';
import picocolors from 'picocolors';

/** Numbers no terminal gives a meaning to, before the code's own: unguarded it does what it says, and its width is 0 to everybody. */
const MARK = Array.from({ length: 3 }, () => `${randomInt(1000, 10_000)};`).join('');

const INTRODUCER = '\u001B[';
const MARKED = INTRODUCER + MARK;

/** All that REN-1 names, and line breaks. */
const CONTROL = String.raw`[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]`;
const CONTROLS = new RegExp(CONTROL, 'gu');
const MARKS_AND_CONTROLS = new RegExp(`${RegExp.escape(MARKED)}|${CONTROL}`, 'gu');

/** Most of what is written: found out in a tenth of the time that looking for the others takes. */
const PLAIN = /^[\n -~]*$/;

/** How log-update hides the cursor and shows it again, also when the process ends: on a stream of its choice, with nothing before or after it. */
const CURSOR: ReadonlySet<unknown> = new Set([`${INTRODUCER}?25l`, `${INTRODUCER}?25h`]);

/** Foreign text as part of a line: of the same length, so that tables stay in shape. */
export function printable(foreign: string): string {
  return foreign.replace(CONTROLS, '\uFFFD');
}

/** REN-1 for a line, or a part of one, before it is laid out or written: a line break in it is foreign, too. Own colours stay marked. */
export function oneLine(line: string): string {
  return line.replace(MARKS_AND_CONTROLS, (found) => (found === MARKED ? found : escaped(found)));
}

/** REN-1, REN-2, REN-3. Line breaks pass. */
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

/** Streams that are guarded -> how to write to them past the guard. */
const unguarded = new WeakMap<NodeJS.WritableStream, Write>();

/** From now on whatever is written to the stream, by whomever, is `shown`. What a stream has before that stays behind it. */
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

/** Writes what is no text, or commands the terminal on this program's behalf, as it is. Nothing foreign that is not `shown` may be in it. */
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
 * paint what a pipe carries wherever `CI` is set: whoever reads that pipe expects plain text.
 */
const { env } = process;
const colours = picocolors.createColors(
  !env['NO_COLOR'] && (Boolean(env['FORCE_COLOR']) || (isatty(1) && env['TERM'] !== 'dumb')),
);

/** As picocolors paints; nothing where there is no colour. */
function painter(paint: (text: string) => string): (text: string | number) => string {
  const [open = '', close = ''] = paint('|')
    .split('|')
    .map((codes) => codes.replaceAll(INTRODUCER, MARKED));
  if (close === '') return String;
  // What ends inside must not end the whole.
  return (text) => open + String(text).replaceAll(close, close + open) + close;
}

/** Colours of this program's own; the only ones that reach a terminal. */
export const pc = {
  bold: painter(colours.bold),
  dim: painter(colours.dim),
  red: painter(colours.red),
  green: painter(colours.green),
  yellow: painter(colours.yellow),
  cyan: painter(colours.cyan),
  magenta: painter(colours.magenta),
} as const;

/** Goes to the first column and wipes the line. */
const WIPE = `${INTRODUCER}G${INTRODUCER}2K`;

/** Puts a line in the place of the one that the cursor stands in. */
export function replaceLine(terminal: NodeJS.WritableStream, line: string): void {
  writePast(terminal, WIPE + shown(oneLine(line)));
}
