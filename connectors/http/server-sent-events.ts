/** One event of a text/event-stream. */
export interface ServerSentEvent {
  readonly id: number;
  /** A name without line breaks. */
  readonly event: string;
  /** Any text: a line break in it begins another `data:` line, which a reader joins again. */
  readonly data: string;
}

/** A reader that lost its connection tries again after that long. Unit: milliseconds. */
const RETRY_MS = 2000;

/** The beginning of a stream. */
export const STREAM_HEAD = `retry: ${RETRY_MS}\n\n`;

/** A comment, which readers skip: shows both ends, and proxies between them, that the connection is alive. */
export const STREAM_BEAT = ': alive\n\n';

/** An event as the format has it (WHATWG HTML, 9.2). */
export function eventFrame({ id, event, data }: ServerSentEvent): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `id: ${id}\nevent: ${event}\n${lines.join('')}\n`;
}
