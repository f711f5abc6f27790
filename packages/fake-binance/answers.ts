import type { ServerResponse } from 'node:http';
import { BinanceError } from './binance-error.ts';

const JSON_TYPE = { 'content-type': 'application/json;charset=UTF-8' };

export function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, JSON_TYPE);
  response.end(JSON.stringify(body));
}

export function refuse(response: ServerResponse, { status, reply }: BinanceError): void {
  answer(response, status, reply);
}

/** Too much was asked: 429, or 418 for the ban that follows. */
export function turnAway(response: ServerResponse, status: 429 | 418, retryAfterS: number, perMinute: number): void {
  response.setHeader('Retry-After', retryAfterS);
  answer(response, status, new BinanceError('-1003', String(perMinute)).reply);
}

/** What something in front of the exchange says: no JSON. */
export function answerPage(response: ServerResponse, status: number): void {
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
