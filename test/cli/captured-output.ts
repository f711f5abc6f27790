import { Writable } from 'node:stream';
import { LineWriter } from '../../render/output.ts';

/** What a reader does with each chunk; it calls `done` once it has taken it, with an error where it went away. */
export type Reader = (text: string, done: (error?: Error | null) => void) => void;

/** A stream whose reader is given. Neither a terminal nor a file. */
export function streamTo(reader: Reader): Writable {
  return new Writable({ decodeStrings: false, write: (chunk, _encoding, done) => reader(String(chunk), done) });
}

/** A writer, and the lines that came out of it. */
export function capturedLines(): { readonly writer: LineWriter; readonly lines: () => readonly string[] } {
  let text = '';
  const stream = streamTo((chunk, done) => {
    text += chunk;
    done();
  });
  return { writer: new LineWriter(stream), lines: () => text.split('\n').filter((line) => line !== '') };
}

/** The error of a pipe whose reader is gone. */
export function brokenPipe(): Error {
  return Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
}
