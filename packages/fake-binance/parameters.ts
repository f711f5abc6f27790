import type { PositionSide } from './account.ts';
import { type BinanceCode, BinanceError } from './binance-error.ts';

/** How a request's parameters are read: each throws what Binance answers where one is missing or malformed. */

const WEEK_DAYS = 7;
const WEEK_MS = WEEK_DAYS * 24 * 60 * 60 * 1000;

/** In any script: Binance lists 币安人生USDT. */
const SYMBOL = /^[\p{Lu}\p{Lo}\p{N}\-_.]{1,20}$/u;
const SYMBOL_RANGE = '^[A-Z0-9-_.]{1,20}$';

/** Longest list that is answered, and the usual one. Unit: entries. */
const USUAL_LIMIT = 500;
const MOST = 1000;

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

/** `code` is what a value that is not allowed is refused with. */
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

/** Null where it was not sent. */
export function positionSideOf(parameters: URLSearchParams): PositionSide | null {
  if (!parameters.has('positionSide')) return null;
  return oneOf<PositionSide>(parameters, 'positionSide', ['BOTH', 'LONG', 'SHORT'], '-4060');
}

/** Null where it was not sent. */
export function booleanOf(parameters: URLSearchParams, name: string): boolean | null {
  if (!parameters.has(name)) return null;
  const value = mandatory(parameters, name).toLowerCase();
  if (value !== 'true' && value !== 'false') throw new BinanceError('-1130', name);
  return value === 'true';
}

/** Undefined where it was not sent. */
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

export interface TimeRange {
  readonly from: number;
  readonly to: number;
  /** A list with a start begins there; one without ends now. */
  readonly hasStart: boolean;
}

/** A start without an end reaches a week; neither is the last week; both may be a week apart. */
export function rangeOf(parameters: URLSearchParams, now: number): TimeRange {
  const start = wholeOf(parameters, 'startTime');
  const end = wholeOf(parameters, 'endTime');
  const to = end ?? (start === undefined ? now : start + WEEK_MS);
  const from = start ?? to - WEEK_MS;
  if (from > to) throw new BinanceError('-1023');
  if (to - from > WEEK_MS) throw new BinanceError('-4165', String(WEEK_DAYS));
  return { from, to, hasStart: start !== undefined };
}
