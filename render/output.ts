import type { Writable } from 'node:stream';
import { oneLine } from './terminal.ts';

/** Where a command writes: a stream that may be a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean };

/** NDJSON with --json or into a pipe or file; for people on a terminal. */
export function jsonWanted(options: { readonly json?: boolean }, stream: OutputStream = process.stdout): boolean {
  return options.json === true || stream.isTTY !== true;
}

/** Some terminals call themselves 0 columns wide: then what fits everywhere. Unit: characters. */
export function terminalWidth(stream: { readonly columns?: number | undefined } = process.stdout): number {
  return stream.columns === undefined || stream.columns === 0 ? 80 : stream.columns;
}

/** Lines are handed to the stream in chunks of about this size: one call a line would cost more than the lines. Unit: UTF-16 code units. */
const CHUNK_LENGTH = 64 * 1024;

/**
 * Writes lines to a stream as fast as its reader takes them. A reader that goes away (`| head`) is no error: `closed`
 * becomes true, and what is written from then on goes nowhere.
 */
export class LineWriter {
  readonly #stream: OutputStream;
  #chunk = '';
  #failure: Error | undefined;

  constructor(stream: OutputStream) {
    this.#stream = stream;
    // Stays for the life of the stream: EPIPE may be reported after the last write.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure = error;
    });
  }

  /** True once nobody reads any more. */
  get closed(): boolean {
    return this.#failure !== undefined || this.#stream.destroyed;
  }

  /** A promise only when the caller must wait for the reader. `line` comes without its newline: one inside is shown, for it is foreign. */
  write(line: string): Promise<void> | undefined {
    this.#chunk += `${line.includes('\n') ? oneLine(line) : line}\n`;
    return this.#chunk.length < CHUNK_LENGTH ? undefined : this.flush();
  }

  /** Hands over what is buffered, and resolves once the reader took it. Throws what the stream failed with, except EPIPE. */
  async flush(): Promise<void> {
    const chunk = this.#chunk;
    this.#chunk = '';
    if (chunk !== '' && !this.closed) await this.#handOver(chunk);
    if (this.#failure !== undefined && !isClosedPipe(this.#failure)) throw this.#failure;
  }

  /** The callback comes when the chunk was taken, failed, or the stream was destroyed: that is the back-pressure. */
  #handOver(chunk: string): Promise<void> {
    return new Promise((resolve) => {
      this.#stream.write(chunk, (error) => {
        if (error) this.#failure ??= error;
        resolve();
      });
    });
  }
}

/** Writes lines to standard output, and resolves once its reader took them. */
export async function writeLines(lines: readonly string[]): Promise<void> {
  const output = new LineWriter(process.stdout);
  for (const line of lines) await output.write(line);
  await output.flush();
}

function isClosedPipe(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
}
