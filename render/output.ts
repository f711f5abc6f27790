import type { Writable } from 'node:stream';
import { oneLine } from './terminal.ts';

/** Where a command writes: a stream that may be a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean };

/** Whether to write NDJSON: with --json, or into a pipe or file. On a terminal output is for people. */
export function jsonWanted(options: { readonly json?: boolean }, stream: OutputStream = process.stdout): boolean {
  return options.json === true || stream.isTTY !== true;
}

/** The width of a terminal; 80 for one that reports none, or 0. Unit: columns. */
export function terminalWidth(stream: { readonly columns?: number | undefined } = process.stdout): number {
  return stream.columns === undefined || stream.columns === 0 ? 80 : stream.columns;
}

/** Lines are written to the stream in chunks of about this size: a call for every line would cost more than the lines. Unit: UTF-16 code units. */
const CHUNK_LENGTH = 64 * 1024;

/**
 * Writes lines to a stream as fast as its reader takes them. A reader that goes away (`| head`) is no error: `closed` becomes true, and
 * further lines are dropped.
 */
export class LineWriter {
  readonly #stream: OutputStream;
  #chunk = '';
  #failure: Error | undefined;

  constructor(stream: OutputStream) {
    this.#stream = stream;
    // Never removed: EPIPE may be reported after the last write.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure = error;
    });
  }

  /** True once the reader is gone. */
  get closed(): boolean {
    return this.#failure !== undefined || this.#stream.destroyed;
  }

  /** Returns a promise only where the caller must wait for the reader. `line` is without its newline; one inside is foreign, and shown. */
  write(line: string): Promise<void> | undefined {
    this.#chunk += `${line.includes('\n') ? oneLine(line) : line}\n`;
    return this.#chunk.length < CHUNK_LENGTH ? undefined : this.flush();
  }

  /** Writes what is buffered, and resolves once the reader has taken it. Throws the error of the stream, except EPIPE. */
  async flush(): Promise<void> {
    const chunk = this.#chunk;
    this.#chunk = '';
    if (chunk !== '' && !this.closed) await this.#handOver(chunk);
    if (this.#failure !== undefined && !isClosedPipe(this.#failure)) throw this.#failure;
  }

  /** The callback comes when the chunk is taken or has failed, or the stream is destroyed: waiting for it is the back-pressure. */
  #handOver(chunk: string): Promise<void> {
    return new Promise((resolve) => {
      this.#stream.write(chunk, (error) => {
        if (error) this.#failure ??= error;
        resolve();
      });
    });
  }
}

/** Writes lines to standard output, and resolves once its reader has taken them. */
export async function writeLines(lines: readonly string[]): Promise<void> {
  const output = new LineWriter(process.stdout);
  for (const line of lines) await output.write(line);
  await output.flush();
}

function isClosedPipe(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
}

/** Text that every shell takes for one word. */
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/** Text quoted as one word of a shell: for a command that is printed to be copied. */
export function shellWord(text: string): string {
  return PLAIN_WORD.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
