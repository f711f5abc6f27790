import type { ServerResponse, IncomingMessage } from 'node:http';
import { type Told, answeredBy } from './answers.ts';
import type { BinanceCode } from './binance-error.ts';
import { type Fault, answeredCode } from './faults.ts';

/** An order as the client sent it, whatever the outcome. */
export interface Attempt {
  /** The request's number. */
  readonly seq: number;
  /** The exchange's time. Unit: milliseconds. */
  readonly at: number;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly quantity: string;
  readonly fault: Fault | null;
  /** The code that the client received; null without one, as for an order that was taken. */
  readonly code: BinanceCode | null;
}

/** A request that sends or cancels orders, from its arrival to its answer. */
interface Arrival {
  /** The request's number. */
  readonly seq: number;
  /** `METHOD path` */
  readonly request: string;
  /** As sent, without signature, timestamp and window. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The exchange's time. Unit: milliseconds. */
  readonly arrivedAt: number;
  /** Null: not answered yet, or never. */
  answeredAt: number | null;
  fault: Fault | null;
  /** What the client received; null: nothing, or nothing that it could read. */
  told: Told | null;
}

const SENDS_ORDER: ReadonlySet<string> = new Set([
  'POST /fapi/v1/order',
  'DELETE /fapi/v1/order',
  'DELETE /fapi/v1/allOpenOrders',
  'POST /fapi/v1/algoOrder',
  'DELETE /fapi/v1/algoOrder',
  'DELETE /fapi/v1/algoOpenOrders',
]);

const NOT_RECORDED: ReadonlySet<string> = new Set(['signature', 'timestamp', 'recvWindow']);

/** A fault that happened. */
export interface Injected {
  /** The request's number. */
  readonly seq: number;
  /** The exchange's time. Unit: milliseconds. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** The id of the order that was sent or looked up. */
  readonly clientOrderId: string | null;
  /** Null: the request named none. */
  readonly symbol: string | null;
  readonly fault: Fault;
}

/** All requests and injected faults, in the order of arrival. */
export class RequestLog {
  /** Counts by `METHOD path`. */
  readonly requests = new Map<string, number>();
  readonly injected: Injected[] = [];
  readonly attempts: Attempt[] = [];
  readonly arrivals: Arrival[] = [];
  #seq = 0;

  /** Counts a request and returns its number. */
  count(name: string): number {
    this.requests.set(name, (this.requests.get(name) ?? 0) + 1);
    return ++this.#seq;
  }

  /** Records a request that sends or cancels orders, and its answer when that is given. */
  noteArrival({ seq, name, at, parameters }: Received, response: ServerResponse, now: () => number): void {
    if (!SENDS_ORDER.has(name)) return;
    const sent = [...parameters].filter(([parameter]) => !NOT_RECORDED.has(parameter));
    const arrival: Arrival = {
      seq,
      request: name,
      parameters: Object.fromEntries(sent),
      arrivedAt: at,
      answeredAt: null,
      fault: null,
      told: null,
    };
    this.arrivals.push(arrival);
    response.once('finish', () => {
      arrival.answeredAt = now();
      arrival.told = answeredBy(response);
    });
  }

  noteFault({ seq, method, path, clientOrderId, parameters }: Received, at: number, fault: Fault): void {
    this.injected.push({ seq, at, method, path, clientOrderId, symbol: parameters.get('symbol'), fault });
    const arrival = this.arrivals.findLast((one) => one.seq === seq);
    if (arrival !== undefined) arrival.fault = fault;
  }

  /** Records an order. `refusal` is the exchange's own rejection. Other requests are ignored. */
  noteOrder({ seq, name, parameters }: Received, at: number, fault: Fault | null, refusal: BinanceCode | null): void {
    if (name !== 'POST /fapi/v1/order') return;
    this.attempts.push({
      seq,
      at,
      clientOrderId: parameters.get('newClientOrderId') ?? '',
      symbol: parameters.get('symbol') ?? '',
      quantity: parameters.get('quantity') ?? '',
      fault,
      code: fault === null ? refusal : answeredCode(fault, refusal),
    });
  }
}

/** A request as received. */
export interface Received {
  /** Its number. */
  readonly seq: number;
  /** The exchange's time. Unit: milliseconds. */
  readonly at: number;
  /** `METHOD path` */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  /** The query followed by the body, as sent: the text that is signed. */
  readonly payload: string;
  /** Parameters of query and body. */
  readonly parameters: URLSearchParams;
  /** The id of the order that is sent, looked up or cancelled. */
  readonly clientOrderId: string | null;
}

export function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}

export function receive(request: IncomingMessage, body: string, at: number, count: (name: string) => number): Received {
  const { method = 'GET', url = '', headers } = request;
  const path = pathOf(request);
  const query = url.slice(path.length + 1);
  const name = `${method} ${path}`;
  const key = headers['x-mbx-apikey'];
  const parameters = new URLSearchParams([query, body].filter((part) => part !== '').join('&'));
  return {
    seq: count(name),
    at,
    name,
    method,
    path,
    key: typeof key === 'string' ? key : undefined,
    payload: query + body,
    parameters,
    clientOrderId: parameters.get('newClientOrderId') ?? parameters.get('origClientOrderId'),
  };
}

/** The body of a request; null where it is larger than `most` bytes, which are not read to the end. */
export async function bodyOf(request: IncomingMessage, most: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > most) return null;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
