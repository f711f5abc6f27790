import { createHmac, timingSafeEqual } from 'node:crypto';
import { BinanceError } from './binance-error.ts';

export interface Keys {
  readonly key: string;
  readonly secret: string;
}

/** How old a signed request may be unless it says otherwise, and at most. Unit: milliseconds. */
const DEFAULT_WINDOW_MS = 5000;
const LONGEST_WINDOW_MS = 60_000;

/** How far the client's clock may be ahead. Unit: milliseconds. */
const AHEAD_MS = 1000;

/** Throws -2014 or -2015. */
export function checkKey(key: string | undefined, keys: Keys): void {
  if (key === undefined || key === '') throw new BinanceError('-2014');
  if (key !== keys.key) throw new BinanceError('-2015');
}

/**
 * Checks key, signature and time of a request, as Binance does. `payload` is query and body as they were sent, one after the
 * other. Throws -2014, -2015, -1102, -1130, -1022 or -1021.
 */
export function checkSigned(payload: string, key: string | undefined, keys: Keys, now: number): void {
  checkKey(key, keys);
  // It is not case sensitive.
  const match = /^(.*)&signature=([0-9a-f]{64})$/i.exec(payload);
  const [, signed = '', signature = ''] = match ?? [];
  if (match === null) throw new BinanceError('-1102', 'signature');
  const expected = createHmac('sha256', keys.secret).update(signed).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) throw new BinanceError('-1022');
  const parameters = new URLSearchParams(signed);
  const timestamp = Number(parameters.get('timestamp') ?? NaN);
  if (!Number.isSafeInteger(timestamp)) throw new BinanceError('-1102', 'timestamp');
  const window = Number(parameters.get('recvWindow') ?? DEFAULT_WINDOW_MS);
  if (!(window > 0 && window <= LONGEST_WINDOW_MS)) throw new BinanceError('-1130', 'recvWindow');
  if (timestamp >= now + AHEAD_MS || now - timestamp > window) throw new BinanceError('-1021');
}
