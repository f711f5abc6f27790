import type { Headers } from '../../ports/event-log.ts';

/** The UTF-8 text of the last header of that name; null where there is none, or none with a value. */
export function lastHeader(headers: Headers, name: string): string | null {
  return textOf(headers.findLast((header) => header[0] === name)?.[1] ?? null);
}

export function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
