import { createHmac } from 'node:crypto';
import type { Received } from '../fake-exchange/venue-server.ts';
import { BybitError } from './bybit-error.ts';

export interface Keys {
  readonly key: string;
  readonly secret: string;
}

/** How far the client's clock may be ahead. Unit: milliseconds. */
const AHEAD_MS = 1000;

/** HMAC-SHA256 over time, key, window and what was sent, in headers. Throws 10003, 10004 or 10002. */
export function checkSigned({ headers, query, body, method }: Received, { key, secret }: Keys, now: number): void {
  const header = (name: string): string => String(headers[name] ?? '');
  if (header('x-bapi-api-key') !== key) throw new BybitError(10003);
  const [timestamp, window] = [header('x-bapi-timestamp'), header('x-bapi-recv-window')];
  const payload = timestamp + key + window + (method === 'GET' ? query : body);
  const expected = createHmac('sha256', secret).update(payload).digest('hex');
  if (header('x-bapi-sign') !== expected) throw new BybitError(10004);
  const age = now - Number(timestamp);
  if (!(age <= Number(window) && age > -AHEAD_MS)) throw new BybitError(10002);
}
