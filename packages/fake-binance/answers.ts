import type { ServerResponse } from 'node:http';
import { BinanceError } from './binance-error.ts';

const JSON_TYPE = { 'content-type': 'application/json;charset=UTF-8' };

/** What a client was told; null: nothing that it could read. */
export interface Told {
  readonly status: number;
  readonly body: unknown;
}

/** What each response says, for the record of orders (request-log.ts). */
const told = new WeakMap<ServerResponse, Told>();

export function toldBy(response: ServerResponse): Told | null {
  return told.get(response) ?? null;
}

export function answer(response: ServerResponse, status: number, body: unknown): void {
  told.set(response, { status, body });
  response.writeHead(status, JSON_TYPE);
  response.end(JSON.stringify(body));
}

export function refuse(response: ServerResponse, { status, reply }: BinanceError): void {
  answer(response, status, reply);
}

export interface TurnedAway {
  readonly status: 429 | 418;
  /** Null: the header is missing. Unit: seconds. */
  readonly retryAfterS: number | null;
  /** Unit: weight. */
  readonly perMinute: number;
  /** What the words name; null where nobody is banned. */
  readonly bannedUntil: number | null;
}

/** Too much was asked: 429, or 418 for the ban that follows. */
export function turnAway(response: ServerResponse, { status, retryAfterS, perMinute, bannedUntil }: TurnedAway): void {
  if (retryAfterS !== null) response.setHeader('Retry-After', retryAfterS);
  const { reply } = new BinanceError('-1003', String(perMinute));
  if (bannedUntil === null) return answer(response, status, reply);
  const words = `Way too many requests; IP banned until ${bannedUntil}.`;
  const msg = `${words} Please use the websocket for live updates to avoid bans.`;
  return answer(response, status, { ...reply, msg });
}

/** What something in front of the exchange says: no JSON. */
export function answerPage(response: ServerResponse, status: number): void {
  told.set(response, { status, body: null });
  response.writeHead(status, { 'content-type': 'text/html' });
  response.end(
    `<html><head><title>${status}</title></head><body>Something in front of the exchange failed.</body></html>`,
  );
}

/** Less than the headers promise, and then the connection is gone. */
export function answerHalf(response: ServerResponse, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(200, { ...JSON_TYPE, 'content-length': bytes.length + 1 });
  response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => response.socket?.destroy());
}

/** The connection is torn down. */
export function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

/** The connection is closed without a word. */
export function hangUp(response: ServerResponse): void {
  response.socket?.destroy();
}
