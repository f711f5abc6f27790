import type { Headers } from '../../ports/event-log.ts';
import { bufferOf } from '../../schemas/buffer-of.ts';

/** The UTF-8 text of the last header of that name; null where there is none, or none with a value. */
export function lastHeader(headers: Headers, name: string): string | null {
  return textOf(headers.findLast((header) => header[0] === name)?.[1] ?? null);
}

export function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : bufferOf(bytes).toString('utf8');
}
