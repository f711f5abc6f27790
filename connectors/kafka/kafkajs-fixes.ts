import type { IHeaders } from 'kafkajs';
import { type DecodedHeader, Decoder, Encoder, RequestQueue } from './kafkajs-internals.ts';

/**
 * Stands for a header's null value on its way out. kafkajs 2.2.4 reads null header values but cannot write them: it asks
 * Buffer.byteLength(null) for their size. This buffer has the size that a null takes, and is written as null.
 */
export const NULL_HEADER = Buffer.alloc(0);

let applied = false;

/** Mends kafkajs in this process, once. */
export function fixKafkajs(): void {
  if (applied) return;
  applied = true;
  const { writeVarIntBytes } = Encoder.prototype;
  Encoder.prototype.writeVarIntBytes = function writeNullHeader(value) {
    return writeVarIntBytes.call(this, value === NULL_HEADER ? null : value);
  };
  // kafkajs 2.2.4 copies all headers for each header, a record of 40 KB in 13 s, and takes what every object inherits for a header.
  const { readVarIntArray } = Decoder.prototype;
  Decoder.prototype.readVarIntArray = function readHeaders(reader) {
    const headers = readVarIntArray.call(this, reader);
    // It is called for headers only, and what it returns is reduced to an object.
    if (headers.length > 0) Object.defineProperty(headers, 'reduce', { value: () => headersByName(headers) });
    return headers;
  };
  // kafkajs#1751: after every request a timer with a negative delay, which Node warns about, though nothing waits.
  const { scheduleCheckPendingRequests } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleWhenNeeded() {
    if (this.pending.length > 0 || this.throttledUntil > 0) scheduleCheckPendingRequests.call(this);
  };
}

/** As kafkajs gives them: a name that comes more than once has an array. Of no prototype: any name may be a header's. */
function headersByName(headers: readonly DecodedHeader[]): IHeaders {
  const byName = Object.create(null) as Record<string, unknown>;
  for (const { key, value } of headers) {
    const before = byName[key];
    if (before === undefined) byName[key] = value;
    else if (Array.isArray(before)) before.push(value);
    else byName[key] = [before, value];
  }
  return byName as IHeaders;
}
