import type { IHeaders } from 'kafkajs';
import type { Headers } from '../../ports/event-log.ts';
import { bufferOf } from '../../schemas/buffer-of.ts';
import { NULL_HEADER } from './kafkajs-fixes.ts';

const NONE: Headers = [];

/**
 * Headers as kafkajs takes them: an object, where a name that occurs more than once has an array. The order of values under
 * one name is kept; names come back in the order of their first occurrence.
 */
export function toKafkaHeaders(headers: Headers): IHeaders {
  const values = new Map<string, Buffer[]>();
  for (const [name, value] of headers) {
    const bytes = value === null ? NULL_HEADER : bufferOf(value);
    const before = values.get(name);
    if (before === undefined) values.set(name, [bytes]);
    else before.push(bytes);
  }
  return Object.fromEntries(values);
}

/**
 * kafkajs gathers them in an object that inherits from Object: under a name such as `constructor` it puts what Object has there
 * before the header's own value.
 */
export function fromKafkaHeaders(headers: IHeaders | undefined): Headers {
  if (headers === undefined) return NONE;
  let found: [string, Uint8Array | null][] | undefined;
  for (const name in headers) {
    const value: unknown = headers[name];
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (one === null || one instanceof Uint8Array) (found ??= []).push([name, one]);
    }
  }
  return found ?? NONE;
}
