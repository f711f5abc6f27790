import type { Headers } from '../../ports/event-log.ts';
import { bufferOf } from '../../schemas/buffer-of.ts';

/**
 * Headers as one BLOB: for each header its name and value, each preceded by its length as a big-endian 32-bit integer;
 * length -1 is a null value. No headers at all are the empty BLOB.
 */
const NULL_LENGTH = -1;
const LENGTH_BYTES = 4;
const NONE: Headers = [];

export function encodeHeaders(headers: Headers): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, value] of headers) {
    const nameBytes = Buffer.from(name);
    parts.push(lengthPrefix(nameBytes.length), nameBytes, lengthPrefix(value?.length ?? NULL_LENGTH));
    if (value !== null) parts.push(value);
  }
  return Buffer.concat(parts);
}

/** Throws a RangeError where the bytes are not what `encodeHeaders` gives. Every turn takes bytes: it ends for any. */
export function decodeHeaders(blob: Uint8Array): Headers {
  if (blob.length === 0) return NONE;
  const buffer = bufferOf(blob);
  const headers: [string, Uint8Array | null][] = [];
  let position = 0;
  const next = (): Buffer | null => {
    const length = buffer.readInt32BE(position);
    position += LENGTH_BYTES;
    if (length === NULL_LENGTH) return null;
    if (length < 0 || length > buffer.length - position) throw new RangeError(`a header has the length ${length}`);
    position += length;
    return buffer.subarray(position - length, position);
  };
  while (position < buffer.length) {
    const name = next();
    if (name === null) throw new RangeError('a header has no name');
    headers.push([name.toString('utf8'), next()]);
  }
  return headers;
}

function lengthPrefix(length: number): Buffer {
  const prefix = Buffer.alloc(LENGTH_BYTES);
  prefix.writeInt32BE(length);
  return prefix;
}
