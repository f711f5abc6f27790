import type { BinanceExchange } from './binance-exchange.ts';
import type { Matching } from './order.ts';
import type { Allowances } from './server-options.ts';

export interface Asked {
  readonly exchange: BinanceExchange;
  readonly parameters: URLSearchParams;
  /** How a market order of this request meets the book. */
  readonly matching: Matching;
  /** What the exchange says of its allowances. */
  readonly allowances: Allowances;
}

/** One path's meaning: throws a BinanceError where it refuses. */
export interface Endpoint {
  /** What is checked: nothing, the key, or key, signature and timestamp. */
  readonly security: 'none' | 'key' | 'signed';
  readonly answer: (asked: Asked) => unknown;
}

/** By method and path. */
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
