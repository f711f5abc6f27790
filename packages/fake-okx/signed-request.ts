import { createHmac } from 'node:crypto';
import type { Received } from '../fake-exchange/venue-server.ts';
import { OkxError } from './okx-error.ts';

export interface Keys {
  readonly key: string;
  readonly secret: string;
  readonly passphrase: string;
}

/** How far the client's clock may be off. Unit: milliseconds. */
const WINDOW_MS = 30_000;

/**
 * HMAC-SHA256, in base64, over time, method, path, query and body, in headers; a key belongs to practice accounts, which one more header
 * asks for, or to real ones.
 */
export function checkSigned(
  { headers, method, path, query, body }: Received,
  keys: Keys,
  isDemo: boolean,
  now: number,
): void {
  const header = (name: string): string => String(headers[name] ?? '');
  if (header('ok-access-key') !== keys.key) throw new OkxError('50111');
  if (header('ok-access-passphrase') !== keys.passphrase) throw new OkxError('50105');
  if ((header('x-simulated-trading') === '1') !== isDemo) throw new OkxError('50101');
  const timestamp = header('ok-access-timestamp');
  if (!(Math.abs(now - Date.parse(timestamp)) <= WINDOW_MS)) throw new OkxError('50102');
  const payload = timestamp + method + path + (query === '' ? '' : `?${query}`) + body;
  const expected = createHmac('sha256', keys.secret).update(payload).digest('base64');
  if (header('ok-access-sign') !== expected) throw new OkxError('50113');
}
