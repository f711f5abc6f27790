/**
 * Changes that Binance's USD-M futures push (ports/venue.ts): the user data stream of a listen key, and mark prices.
 *
 * requests   the listen key: POST when a connection is opened, PUT every half hour
 * guarantee  a connection that breaks, goes silent or loses its listen key is opened again, with waits that double up to a minute; the
 *            listener is then told of a gap
 *
 * ccxt's own streams are not used: they leave unhandled promise rejections when a connection ends, cannot open ws:// addresses without a proxy
 * agent, and request whole lists of positions outside this program's queue.
 */
import { z } from 'zod';
import { messageOf } from '../../../errors/harvestline-error.ts';
import type { ChangeStream, VenueChange } from '../../../ports/venue.ts';
import type { EpochMillis, Clock } from '../../../ports/clock.ts';
import { redactor } from '../../system/redactor.ts';
import type { VenueClient } from './venue-client.ts';

/** ccxt's id of the one exchange whose streams are supported. */
const VENUE = 'binanceusdm';

const ORIGINS = { live: 'wss://fstream.binance.com', demo: 'wss://fstream.binancefuture.com' };

/** A listen key ends an hour after it was last kept alive. Unit: milliseconds. */
const KEEP_ALIVE_MS = 30 * 60 * 1000;

/** Waits before a connection is opened again. Unit: milliseconds. */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;

/** After a connection that lasted at least this long, the first wait is short again. Unit: milliseconds. */
const LASTED_MS = 60_000;

/** Binance's limit for one connection. Unit: streams. */
const MOST_MARKS = 200;

const PROBE = JSON.stringify({ method: 'LIST_SUBSCRIPTIONS', id: 1 });

const Key = z.object({ listenKey: z.string().min(1) });

const AccountUpdate = z.object({
  e: z.literal('ACCOUNT_UPDATE'),
  E: z.number(),
  a: z.object({ P: z.array(z.object({ s: z.string() })).default([]) }),
});

/** Fills only: other updates of an order change no position. */
const OrderUpdate = z.object({
  e: z.literal('ORDER_TRADE_UPDATE'),
  E: z.number(),
  o: z.object({ s: z.string(), x: z.enum(['TRADE', 'CALCULATED']) }),
});

const MarkUpdate = z.object({
  e: z.literal('markPriceUpdate'),
  E: z.number(),
  s: z.string(),
  p: z.string().regex(/^\d+(\.\d+)?$/),
});

const Expired = z.object({ e: z.literal('listenKeyExpired') });

/** Null for an exchange whose streams are not supported, or without keys. */
export function userStreamOf(client: VenueClient): ChangeStream | null {
  return client.id === VENUE && client.settings.credentials !== null ? new UserStream(client) : null;
}

class UserStream implements ChangeStream {
  readonly #client: VenueClient;
  #watched: ReadonlySet<string> = new Set();
  #subscribed: ReadonlySet<string> = new Set();
  #send: ((message: string) => void) | null = null;
  #completeSince: EpochMillis | null = null;
  /** Ends the account's connection. */
  #renew: ((why: string) => void) | null = null;

  constructor(client: VenueClient) {
    this.#client = client;
  }

  get completeSince(): EpochMillis | null {
    return this.#completeSince;
  }

  watch(symbols: ReadonlySet<string>): void {
    this.#watched = new Set([...symbols].slice(0, MOST_MARKS));
    this.#subscribe();
  }

  distrust(why: string): void {
    this.#renew?.(why);
  }

  async follow(listener: (change: VenueChange) => void, signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#keep('account', signal, () => this.#readAccount(listener, signal)),
      this.#keep('marks', signal, () => this.#readMarks(listener, signal)),
    ]);
  }

  /** Opens a connection again whenever it ends. */
  async #keep(what: string, signal: AbortSignal, read: () => Promise<string>): Promise<void> {
    const { clock, logger, id: venue } = this.#client;
    let wait = FIRST_WAIT_MS;
    while (!signal.aborted) {
      const openedAt = clock.now();
      const why = await read().catch((thrown: unknown) => messageOf(thrown));
      if (signal.aborted) return;
      wait = clock.now() - openedAt >= LASTED_MS ? FIRST_WAIT_MS : wait;
      logger.warn(
        { venue, stream: what, retryInMs: wait },
        `stream of ${what}: ${redactor.redactForeign(why)}; changes are seen in cycles until it is there again`,
      );
      await clock.sleep(wait, signal);
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    }
  }

  async #readAccount(listener: (change: VenueChange) => void, signal: AbortSignal): Promise<string> {
    const { clock, logger, id: venue } = this.#client;
    const listenKey = await this.#listenKey('fapiPrivatePostListenKey');
    const ending = new AbortController();
    let why: string | null = null;
    const end = (reason: string): void => {
      why ??= reason;
      ending.abort();
    };
    this.#renew = end;
    void this.#keepAlive(ending.signal).then(end, (thrown: unknown) => end(messageOf(thrown)));
    try {
      const ended = await readSocket({
        url: `${this.#origin}/private/ws?listenKey=${encodeURIComponent(listenKey)}`,
        clock,
        signal: AbortSignal.any([signal, ending.signal]),
        probe: PROBE,
        onOpen: () => {
          this.#completeSince = clock.now();
          logger.info({ venue }, 'the stream of the account is there');
          listener({ kind: 'gap' });
        },
        onMessage: (message) => {
          if (Expired.safeParse(message).success) end('the listen key has expired');
          else for (const change of changesOf(message)) listener(change);
        },
      });
      return why ?? ended;
    } finally {
      this.#completeSince = null;
      this.#renew = null;
      ending.abort();
    }
  }

  async #readMarks(listener: (change: VenueChange) => void, signal: AbortSignal): Promise<string> {
    try {
      return await readSocket({
        url: `${this.#origin}/market/ws`,
        clock: this.#client.clock,
        signal,
        probe: PROBE,
        onOpen: (send) => {
          this.#send = send;
          this.#subscribe();
        },
        onMessage: (message) => {
          const mark = MarkUpdate.safeParse(message);
          if (!mark.success) return;
          const { s: symbol, p: price, E: at } = mark.data;
          if (this.#subscribed.has(symbol)) listener({ kind: 'mark', symbol, price, at });
        },
      });
    } finally {
      this.#send = null;
      this.#subscribed = new Set();
    }
  }

  #subscribe(): void {
    const send = this.#send;
    if (send === null) return;
    for (const [method, params] of [
      ['UNSUBSCRIBE', this.#subscribed.difference(this.#watched)],
      ['SUBSCRIBE', this.#watched.difference(this.#subscribed)],
    ] as const) {
      if (params.size > 0) send(JSON.stringify({ method, params: [...params].map(streamOf), id: 2 }));
    }
    this.#subscribed = this.#watched;
  }

  /** Resolves when the connection has ended. Throws EXCHANGE_AWAY where the listen key cannot be kept alive. */
  async #keepAlive(ended: AbortSignal): Promise<string> {
    for (;;) {
      await this.#client.clock.sleep(KEEP_ALIVE_MS, ended);
      if (ended.aborted) return 'stopped';
      await this.#listenKey('fapiPrivatePutListenKey');
    }
  }

  async #listenKey(method: 'fapiPrivatePostListenKey' | 'fapiPrivatePutListenKey'): Promise<string> {
    const answer = await this.#client.ask('positions', 'listen key', async (api) => {
      const call: unknown = Reflect.get(api, method);
      if (typeof call !== 'function') throw new TypeError(`ccxt has no ${method}`);
      return Key.parse(await (call.call(api) as Promise<unknown>));
    });
    redactor.learn(answer.listenKey);
    return answer.listenKey;
  }

  get #origin(): string {
    const { url, stake } = this.#client.settings;
    if (url === null) return stake === 'live' ? ORIGINS.live : ORIGINS.demo;
    return new URL(url).origin.replace(/^http/, 'ws');
  }
}

function streamOf(symbol: string): string {
  return `${symbol.toLowerCase()}@markPrice@1s`;
}

/** The changes of positions in an event of the account; none in any other event. */
function changesOf(message: unknown): readonly VenueChange[] {
  const account = AccountUpdate.safeParse(message);
  if (account.success) {
    const { a, E: at } = account.data;
    return [...new Set(a.P.map(({ s }) => s))].map((symbol) => ({ kind: 'account', symbol, at }));
  }
  const order = OrderUpdate.safeParse(message);
  return order.success ? [{ kind: 'account', symbol: order.data.o.s, at: order.data.E }] : [];
}

/** After this long without a message a probe is sent. Unit: milliseconds. */
const PROBE_MS = 5000;

/** After this long without a message the connection counts as dead. Unit: milliseconds. */
const SILENT_MS = 15_000;

/** How long the opening may take. Unit: milliseconds. */
const OPENING_MS = 10_000;

interface StreamSocketOptions {
  readonly url: string;
  readonly clock: Clock;
  /** Closes the connection. */
  readonly signal: AbortSignal;
  /** A message that the server answers whatever is subscribed. */
  readonly probe: string;
  readonly onOpen: (send: (message: string) => void) => void;
  /** Receives parsed messages; null for what is not JSON. */
  readonly onMessage: (message: unknown) => void;
}

/**
 * Reads a WebSocket until it ends, and returns why it ended. Never throws.
 *
 * EXC-29  A silent connection is probed, and closed if the probe is not answered: a half-open connection looks like an account in which
 *         nothing happens.
 * EXC-30  No message is delivered after the end.
 */
async function readSocket(options: StreamSocketOptions): Promise<string> {
  const { url, clock, signal, probe, onOpen, onMessage } = options;
  const ended = new AbortController();
  let why = 'stopped';
  const end = (reason: string): void => {
    if (ended.signal.aborted) return;
    why = reason;
    ended.abort();
  };
  const stop = (): void => end('stopped');
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let receivedAt = clock.now();
  let isOpen = false;
  let socket: WebSocket;
  try {
    socket = new WebSocket(url);
  } catch (thrown) {
    return thrown instanceof Error ? thrown.name : 'the address is none';
  }
  const send = (message: string): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(message);
  };
  socket.addEventListener('open', () => {
    receivedAt = clock.now();
    isOpen = true;
    if (!ended.signal.aborted) onOpen(send);
  });
  socket.addEventListener('message', ({ data }: { readonly data: unknown }) => {
    receivedAt = clock.now();
    if (!ended.signal.aborted) onMessage(jsonOrNull(data));
  });
  socket.addEventListener('close', ({ code }) => end(isOpen ? `closed with ${code}` : 'refused'));
  // A close event follows.
  socket.addEventListener('error', () => {});
  try {
    while (!ended.signal.aborted) {
      await clock.sleep(PROBE_MS, ended.signal);
      const quietMs = clock.now() - receivedAt;
      if (!isOpen && quietMs >= OPENING_MS) end(`not open after ${OPENING_MS} ms`);
      else if (quietMs >= SILENT_MS) end(`silent for ${quietMs} ms`);
      else if (quietMs >= PROBE_MS) send(probe);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    socket.close();
  }
  return why;
}

function jsonOrNull(data: unknown): unknown {
  if (typeof data !== 'string') return null;
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
