import type { BinanceCode } from './binance-error.ts';
import { type Fault, toldCode } from './faults.ts';
import type { Received } from './received.ts';

/** An order as the client sent it, whatever became of it. */
export interface Attempt {
  /** The request's number. */
  readonly seq: number;
  /** The exchange's time. Unit: milliseconds. */
  readonly at: number;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly quantity: string;
  readonly fault: Fault | null;
  /** The code that the client was told; null where it was told none, as for an order that was taken. */
  readonly code: BinanceCode | null;
}

/** A fault that happened. */
export interface Injected {
  /** The request's number. */
  readonly seq: number;
  /** The exchange's time. Unit: milliseconds. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** Of the order, or of the one that was looked up. */
  readonly clientOrderId: string | null;
  readonly fault: Fault;
}

/** What was asked, and what was done to it, in the order of the requests. */
export class RequestLog {
  /** How many there were, by `METHOD path`. */
  readonly requests = new Map<string, number>();
  readonly injected: Injected[] = [];
  readonly attempts: Attempt[] = [];
  #seq = 0;

  /** The request's number. */
  count(name: string): number {
    this.requests.set(name, (this.requests.get(name) ?? 0) + 1);
    return ++this.#seq;
  }

  noteFault({ seq, method, path, clientOrderId }: Received, at: number, fault: Fault): void {
    this.injected.push({ seq, at, method, path, clientOrderId, fault });
  }

  /** `refusal` is the exchange's own. Requests that are no orders are left out. */
  noteOrder({ seq, name, parameters }: Received, at: number, fault: Fault | null, refusal: BinanceCode | null): void {
    if (name !== 'POST /fapi/v1/order') return;
    this.attempts.push({
      seq,
      at,
      clientOrderId: parameters.get('newClientOrderId') ?? '',
      symbol: parameters.get('symbol') ?? '',
      quantity: parameters.get('quantity') ?? '',
      fault,
      code: fault === null ? refusal : toldCode(fault, refusal),
    });
  }
}
