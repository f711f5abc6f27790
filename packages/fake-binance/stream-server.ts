import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../../ports/clock.ts';
import { type AccountEvent, watchAccount } from './user-stream.ts';
import type { BinanceExchange } from './binance-exchange.ts';

/** The interval of mark prices. Unit: milliseconds. */
const MARKS_MS = 1000;

/** Binance pings every three minutes. Unit: milliseconds. */
const PING_MS = 3 * 60 * 1000;

/** Binance cuts off a connection that has answered no ping for this long. Unit: milliseconds. */
const UNANSWERED_MS = 10 * 60 * 1000;

/** Limits of one connection. Units: streams; bytes of a message from a client. */
const MOST_STREAMS = 200;
const MOST_MESSAGE_BYTES = 64 * 1024;

/** `/ws` and `/stream`, also under the prefixes by which Binance separates kinds of streams. */
const PATH = /^\/(?:(?:private|public|market)\/)?(?<form>ws|stream)(?:\/(?<names>.+))?$/;

interface Connection {
  readonly socket: WebSocket;
  /** Whether each message names its stream. */
  readonly combined: boolean;
  readonly streams: Set<string>;
  answeredPingAt: number;
}

/**
 * The WebSocket streams: the user data stream of the listen key, and `<symbol>@markPrice@1s` of every market, at `/ws/<stream>`, at `/ws` with
 * SUBSCRIBE messages, and at `/stream?streams=<stream>/<stream>`, where each message names its stream.
 */
export class StreamServer {
  readonly faults: StreamFaults;
  readonly #exchange: BinanceExchange;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MOST_MESSAGE_BYTES });
  readonly #connections = new Set<Connection>();
  /** How often mark prices were sent to anybody. */
  marksSent = 0;

  constructor(server: Server, exchange: BinanceExchange, nextFaultId: () => number) {
    this.#exchange = exchange;
    this.faults = new StreamFaults(nextFaultId);
    watchAccount(
      exchange,
      () => exchange.now(),
      (event) => this.#publish(event),
    );
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** The streams of each connection. */
  get connections(): readonly { readonly streams: readonly string[] }[] {
    return [...this.#connections].map(({ streams }) => ({ streams: [...streams] }));
  }

  /** Sends mark prices every second, pings, and the expiry of a listen key, until the signal aborts. */
  async run(clock: Clock, signal: AbortSignal): Promise<void> {
    let pingedAt = clock.now();
    for (;;) {
      await clock.sleep(MARKS_MS, signal);
      if (signal.aborted) return;
      const key = this.#exchange.listenKeys.expired(this.#exchange.now());
      if (key !== null) this.#sendExpired(key);
      this.#publishMarks();
      if (clock.now() - pingedAt < PING_MS) continue;
      pingedAt = clock.now();
      for (const { socket, answeredPingAt } of this.#connections) {
        if (clock.now() - answeredPingAt > UNANSWERED_MS) socket.terminate();
        else socket.ping();
      }
    }
  }

  /** Invalidates the listen key and announces it. Its connections stay open and silent. */
  expireListenKey(): void {
    const key = this.#exchange.listenKeys.end();
    if (key !== null) this.#sendExpired(key);
  }

  /** Cuts the connections of a kind, or all. */
  drop(kind?: StreamKind): void {
    for (const one of this.#connections) {
      if (kind === undefined || kindOfAll(one.streams) === kind) one.socket.terminate();
    }
  }

  close(): void {
    this.drop();
    this.#sockets.close();
  }

  #publish(event: AccountEvent): void {
    const key = this.#exchange.listenKeys.valid(this.#exchange.now());
    if (key !== null) this.faults.deliver('account', () => this.#send(key, event));
  }

  #sendExpired(listenKey: string): void {
    this.#send(listenKey, { e: 'listenKeyExpired', E: this.#exchange.now(), listenKey });
  }

  #publishMarks(): void {
    const wanted = new Set([...this.#connections].flatMap(({ streams }) => [...streams]));
    const symbols = new Map([...this.#exchange.orders.markets.keys()].map((one) => [one.toLowerCase(), one]));
    const all: object[] = [];
    for (const [lower, symbol] of symbols) {
      const names = [`${lower}@markPrice@1s`, `${lower}@markPrice`].filter((name) => wanted.has(name));
      if (names.length === 0 && !wanted.has(ALL_MARKS)) continue;
      const event = this.#markOf(symbol);
      all.push(event);
      for (const name of names) this.faults.deliver('marks', () => this.#send(name, event));
    }
    if (all.length > 0) this.marksSent += 1;
    if (wanted.has(ALL_MARKS)) this.faults.deliver('marks', () => this.#send(ALL_MARKS, all));
  }

  #markOf(symbol: string): object {
    const mark = this.#exchange.orders.mark(symbol).toFixed();
    const now = this.#exchange.now();
    return { e: 'markPriceUpdate', E: now, s: symbol, p: mark, i: mark, P: mark, r: '0.00010000', T: now };
  }

  #send(stream: string, data: object): void {
    for (const { socket, streams, combined } of this.#connections) {
      if (streams.has(stream)) socket.send(JSON.stringify(combined ? { stream, data } : data));
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const { pathname = '', searchParams } = URL.parse(request.url ?? '/', 'ws://127.0.0.1') ?? {};
    const { form, names = '' } = PATH.exec(pathname)?.groups ?? {};
    if (form === undefined || searchParams === undefined) return turnAway(socket, '404 Not Found');
    // Decoded like a query, which accepts malformed escapes.
    const named = new URLSearchParams(`names=${names}`).get('names') ?? '';
    const asked = [named, searchParams.get('streams') ?? '', searchParams.get('listenKey') ?? ''];
    const streams = asked.flatMap((list) => list.split('/')).filter((name) => name !== '');
    if (this.faults.stands('stream-refused', kindOfAll(streams))) return turnAway(socket, '503 Service Unavailable');
    if (streams.length > MOST_STREAMS) return turnAway(socket, '400 Bad Request');
    return this.#sockets.handleUpgrade(request, socket, head, (opened) => {
      this.#open({
        socket: opened,
        combined: form === 'stream',
        streams: new Set(streams),
        answeredPingAt: this.#exchange.now(),
      });
    });
  }

  #open(connection: Connection): void {
    const { socket } = connection;
    this.#connections.add(connection);
    socket.on('close', () => this.#connections.delete(connection));
    socket.on('error', () => socket.terminate());
    socket.on('pong', () => {
      connection.answeredPingAt = this.#exchange.now();
    });
    socket.on('message', (data: Buffer) => {
      if (this.faults.stands('stream-silent', kindOfAll(connection.streams))) return;
      socket.send(JSON.stringify(answerTo(data.toString('utf8'), connection.streams)));
    });
  }
}

const ALL_MARKS = '!markPrice@arr@1s';

/** Names of market streams contain an @, listen keys do not. */
function kindOfAll(streams: Iterable<string>): StreamKind {
  return [...streams].some((name) => !name.includes('@')) ? 'account' : 'marks';
}

function turnAway(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Handles SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS. */
function answerTo(message: string, streams: Set<string>): object {
  let asked: unknown;
  try {
    asked = JSON.parse(message);
  } catch {
    asked = null;
  }
  if (typeof asked !== 'object' || asked === null) return { error: { code: 3, msg: 'Invalid JSON' } };
  const { method, params = [], id = null } = asked as { method?: unknown; params?: unknown; id?: unknown };
  const names = Array.isArray(params) ? params.filter((name) => typeof name === 'string') : null;
  if (names === null) return { error: { code: 2, msg: 'Invalid request: params must be a list' }, id };
  if (method === 'LIST_SUBSCRIPTIONS') return { result: [...streams], id };
  if (method === 'UNSUBSCRIBE') for (const name of names) streams.delete(name);
  else if (method !== 'SUBSCRIBE') return { error: { code: 2, msg: `Invalid request: unknown method` }, id };
  else if (streams.size + names.length > MOST_STREAMS) {
    return { error: { code: 2, msg: `Invalid request: at most ${MOST_STREAMS} streams` }, id };
  } else for (const name of names) streams.add(name);
  return { result: null, id };
}

/** Faults of streams. */
export const STREAM_FAULTS = [
  /** Connections stay open and silent, and answer no message. */
  'stream-silent',
  /** New connections are rejected with 503. */
  'stream-refused',
  'events-lost',
  'events-duplicated',
  /** An event arrives after its successor. */
  'events-out-of-order',
] as const;

type StreamFault = (typeof STREAM_FAULTS)[number];

/** The account's events or the mark prices. */
type StreamKind = 'account' | 'marks';

interface StreamFaultSpec {
  readonly fault: StreamFault;
  /** Both kinds where left out. */
  readonly of?: StreamKind;
  /** The number of events that are affected; Infinity: all until the fault is removed. */
  readonly times: number;
}

interface Standing extends StreamFaultSpec {
  readonly id: number;
  left: number;
}

/** The active faults of streams. */
class StreamFaults {
  #standing: Standing[] = [];
  readonly #held = new Map<StreamKind, () => void>();
  readonly #nextId: () => number;

  constructor(nextId: () => number) {
    this.#nextId = nextId;
  }

  /** Returns the fault's id. */
  add(spec: StreamFaultSpec): number {
    const id = this.#nextId();
    this.#standing.push({ ...spec, id, left: spec.times });
    return id;
  }

  remove(id: number): boolean {
    const before = this.#standing.length;
    this.#standing = this.#standing.filter((one) => one.id !== id);
    return this.#standing.length < before;
  }

  clear(): void {
    this.#standing = [];
    this.#held.clear();
  }

  list(): readonly (StreamFaultSpec & { readonly id: number; readonly left: number })[] {
    return this.#standing;
  }

  /** Whether that fault is active for a kind of stream. */
  stands(fault: 'stream-silent' | 'stream-refused', kind: StreamKind): boolean {
    return this.#standing.some((one) => one.fault === fault && isMeant(one, kind));
  }

  /** Sends an event as the active faults allow: once, twice, later or never. */
  deliver(kind: StreamKind, send: () => void): void {
    if (this.stands('stream-silent', kind)) return;
    if (this.#take('events-lost', kind)) return;
    const isHeld = this.#take('events-out-of-order', kind);
    const earlier = this.#held.get(kind);
    this.#held.delete(kind);
    if (isHeld) this.#held.set(kind, send);
    else send();
    if (this.#take('events-duplicated', kind)) send();
    earlier?.();
  }

  #take(fault: StreamFault, kind: StreamKind): boolean {
    const found = this.#standing.find((one) => one.fault === fault && isMeant(one, kind));
    if (found === undefined) return false;
    found.left -= 1;
    if (found.left <= 0) this.remove(found.id);
    return true;
  }
}

function isMeant({ of }: StreamFaultSpec, kind: StreamKind): boolean {
  return of === undefined || of === kind;
}
