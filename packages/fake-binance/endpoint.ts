import type { BinanceExchange } from './binance-exchange.ts';
import type { Matching } from './order.ts';
import type { Allowances } from './binance-server.ts';
import type { PositionSide } from './account.ts';
import { type BinanceCode, BinanceError } from './binance-error.ts';
import { createHmac, timingSafeEqual } from 'node:crypto';

/** A request to an endpoint. */
export interface EndpointCall {
  readonly exchange: BinanceExchange;
  readonly parameters: URLSearchParams;
  /** How a market order of this request is filled. */
  readonly matching: Matching;
  /** The rate limits that the exchange shows. */
  readonly allowances: Allowances;
}

/** An endpoint. Its answer throws BinanceError for a rejection. */
export interface Endpoint {
  /** What is verified: nothing, the key, or key, signature and timestamp. */
  readonly security: 'none' | 'key' | 'signed';
  readonly answer: (asked: EndpointCall) => unknown;
}

/** Endpoints by method and path. */
export type EndpointTable = Readonly<Record<string, Endpoint>>;

export function open(answer: Endpoint['answer']): Endpoint {
  return { security: 'none', answer };
}

export function signed(answer: Endpoint['answer']): Endpoint {
  return { security: 'signed', answer };
}

export function keyed(answer: Endpoint['answer']): Endpoint {
  return { security: 'key', answer };
}

const WEEK_DAYS = 7;
const WEEK_MS = WEEK_DAYS * 24 * 60 * 60 * 1000;

/** Letters of any script: Binance lists 币安人生USDT. */
const SYMBOL = /^[\p{Lu}\p{Lo}\p{N}\-_.]{1,20}$/u;
const SYMBOL_RANGE = '^[A-Z0-9-_.]{1,20}$';

/** The default and the maximum length of a list. Unit: entries. */
const USUAL_LIMIT = 500;
const MOST = 1000;

/** A parameter that must be given. Like all readers of parameters, throws Binance's rejection of a missing or malformed one. */
export function mandatory(parameters: URLSearchParams, name: string): string {
  const value = parameters.get(name);
  if (value === null || value === '') throw new BinanceError('-1102', name);
  return value;
}

export function symbolOf(parameters: URLSearchParams): string {
  const symbol = mandatory(parameters, 'symbol');
  if (!SYMBOL.test(symbol)) throw new BinanceError('-1100', ['symbol', SYMBOL_RANGE]);
  return symbol;
}

/** One of the allowed values; any other is rejected with `code`. */
export function oneOf<T extends string>(
  parameters: URLSearchParams,
  name: string,
  allowed: readonly T[],
  code: BinanceCode = '-1130',
): T {
  const value = mandatory(parameters, name);
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new BinanceError(code, name);
  return found;
}

/** Null where it was left out. */
export function positionSideOf(parameters: URLSearchParams): PositionSide | null {
  if (!parameters.has('positionSide')) return null;
  return oneOf<PositionSide>(parameters, 'positionSide', ['BOTH', 'LONG', 'SHORT'], '-4060');
}

/** Null where it was left out. */
export function booleanOf(parameters: URLSearchParams, name: string): boolean | null {
  if (!parameters.has(name)) return null;
  const value = mandatory(parameters, name).toLowerCase();
  if (value !== 'true' && value !== 'false') throw new BinanceError('-1130', name);
  return value === 'true';
}

/** Undefined where it was left out. */
export function wholeOf(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,16}$/.test(text)) throw new BinanceError('-1102', name);
  return Number(text);
}

export function limitOf(parameters: URLSearchParams, usual = USUAL_LIMIT, most = MOST): number {
  const limit = wholeOf(parameters, 'limit') ?? usual;
  if (limit < 1 || limit > most) throw new BinanceError('-1130', 'limit');
  return limit;
}

interface TimeRange {
  readonly from: number;
  readonly to: number;
  /** Whether a start was given, so that the list begins there; otherwise it ends now. */
  readonly hasStart: boolean;
}

/** A start alone means a week from there, neither bound the last week; both may be at most a week apart. */
export function rangeOf(parameters: URLSearchParams, now: number): TimeRange {
  const start = wholeOf(parameters, 'startTime');
  const end = wholeOf(parameters, 'endTime');
  const to = end ?? (start === undefined ? now : start + WEEK_MS);
  const from = start ?? to - WEEK_MS;
  if (from > to) throw new BinanceError('-1023');
  if (to - from > WEEK_MS) throw new BinanceError('-4165', String(WEEK_DAYS));
  return { from, to, hasStart: start !== undefined };
}

export interface Keys {
  readonly key: string;
  readonly secret: string;
}

/** The default and the longest recvWindow. Unit: milliseconds. */
const DEFAULT_WINDOW_MS = 5000;
const LONGEST_WINDOW_MS = 60_000;

/** How far ahead the client's clock may be. Unit: milliseconds. */
const AHEAD_MS = 1000;

/** Throws -2014 or -2015. */
export function checkKey(key: string | undefined, keys: Keys): void {
  if (key === undefined || key === '') throw new BinanceError('-2014');
  if (key !== keys.key) throw new BinanceError('-2015');
}

/**
 * Verifies key, signature and timestamp of a request. `payload` is its query followed by its body, as sent. Throws -2014, -2015, -1102, -1130,
 * -1022 or -1021.
 */
export function checkSigned(payload: string, key: string | undefined, keys: Keys, now: number): void {
  checkKey(key, keys);
  // Signatures are not case sensitive.
  const match = /^(.*)&signature=([0-9a-f]{64})$/i.exec(payload);
  const [, payloadSigned = '', signature = ''] = match ?? [];
  if (match === null) throw new BinanceError('-1102', 'signature');
  const expected = createHmac('sha256', keys.secret).update(payloadSigned).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) throw new BinanceError('-1022');
  const parameters = new URLSearchParams(payloadSigned);
  const timestamp = Number(parameters.get('timestamp') ?? NaN);
  if (!Number.isSafeInteger(timestamp)) throw new BinanceError('-1102', 'timestamp');
  const window = Number(parameters.get('recvWindow') ?? DEFAULT_WINDOW_MS);
  if (!(window > 0 && window <= LONGEST_WINDOW_MS)) throw new BinanceError('-1130', 'recvWindow');
  if (timestamp >= now + AHEAD_MS || now - timestamp > window) throw new BinanceError('-1021');
}
