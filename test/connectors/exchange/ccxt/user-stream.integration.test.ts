import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { userStreamOf } from '../../../../connectors/exchange/ccxt/user-stream.ts';
import { VenueClient } from '../../../../connectors/exchange/ccxt/venue-client.ts';
import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import { BinanceServer } from '../../../../packages/fake-binance/binance-server.ts';
import type { VenueChange } from '../../../../ports/venue.ts';
import type { Clock } from '../../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../../ports/logger.ts';
import { settingsFor } from './a-client.ts';

const PATIENCE = { timeout: 30_000, interval: 20 };

/** How much faster the client's waits pass; connections may still take a second to open on a busy machine. */
const FASTER = 10;

class FastClock implements Clock {
  readonly #system = new SystemClock();
  readonly #start = this.#system.now();

  now(): number {
    return this.#start + (this.#system.now() - this.#start) * FASTER;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#system.sleep(ms / FASTER, signal);
  }
}

/** A clock on which waits of more than a minute end at once. */
class HurriedClock extends SystemClock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return super.sleep(ms > 60_000 ? 50 : ms, signal);
  }
}

async function follow(
  clock: Clock = new SystemClock(),
  onChange: (change: VenueChange, stop: () => void) => void = () => {},
) {
  const server = await BinanceServer.start();
  onTestFinished(() => server.close());
  for (const symbol of ['BTCUSDT', '币安人生USDT']) {
    server.exchange.setMarket({ symbol, price: '100', tick: '0.1', lotStep: '0.001' });
  }
  const warned: string[] = [];
  const logger = { ...SILENT_LOGGER, warn: (_: object, words: string) => void warned.push(words) };
  const client = await VenueClient.open(settingsFor(server.url, { timeout: 60_000 }), clock, logger);
  const stream = userStreamOf(client);
  if (stream === null) throw new Error('there is no stream');
  const changes: VenueChange[] = [];
  const stop = new AbortController();
  const following = stream.follow((change) => {
    changes.push(change);
    onChange(change, () => stop.abort());
  }, stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await following;
  });
  const gaps = () => changes.filter(({ kind }) => kind === 'gap').length;
  const there = (count: number) => vi.waitFor(() => expect(gaps()).toBe(count), PATIENCE);
  const account = () => changes.flatMap((change) => (change.kind === 'account' ? [change.symbol] : []));
  const warning = (words: RegExp) =>
    vi.waitFor(() => expect(warned).toContainEqual(expect.stringMatching(words)), PATIENCE);
  return { server, exchange: server.exchange, client, stream, changes, warned, gaps, there, account, warning };
}

const trade = ({ exchange }: BinanceServer, symbol = 'BTCUSDT') =>
  exchange.open({ symbol, side: 'LONG', quantity: '1' });

describe('the user data stream', () => {
  it('reports symbols with fills, and none for resting orders', async () => {
    const { server, exchange, there, account } = await follow();
    await there(1);
    trade(server, '币安人生USDT');
    await vi.waitFor(() => expect(account()).toEqual(['币安人生USDT', '币安人生USDT']), PATIENCE);
    exchange.rest({ symbol: '币安人生USDT', side: 'LONG' }, '101');
    exchange.setMark('币安人生USDT', '102');
    await vi.waitFor(() => expect(account()).toHaveLength(4), PATIENCE);
  });

  it('EXC-30: reports nothing after it was stopped, though more had arrived with the last message', async () => {
    const { server, there, account } = await follow(new SystemClock(), ({ kind }, stop) => {
      if (kind === 'account') stop();
    });
    await there(1);
    // A fill is an update of the account and one of the order.
    trade(server);
    await vi.waitFor(() => expect(account()).toEqual(['BTCUSDT']), PATIENCE);
    await new SystemClock().sleep(50);
    expect(account()).toEqual(['BTCUSDT']);
  });

  it('reports the mark prices of watched symbols', async () => {
    const { exchange, stream, changes, there } = await follow();
    await there(1);
    stream.watch(new Set(['币安人生USDT']));
    exchange.setMark('币安人生USDT', '103.5');
    const mark = { kind: 'mark', symbol: '币安人生USDT', price: '103.5', at: expect.any(Number) };
    await vi.waitFor(() => expect(changes).toContainEqual(mark), PATIENCE);
    stream.watch(new Set(['BTCUSDT']));
    await vi.waitFor(() => expect(changes).toContainEqual(expect.objectContaining({ symbol: 'BTCUSDT' })), PATIENCE);
  });

  it.each([
    ['is dropped', ({ streams }: BinanceServer) => streams.drop('account'), /stream of account: closed with/],
    ['loses its listen key', ({ streams }: BinanceServer) => streams.expireListenKey(), /the listen key has expired/],
  ])('that %s is opened again, with a gap', async (_, breaks, words) => {
    const { server, stream, there, account, warning } = await follow();
    await there(1);
    breaks(server);
    await warning(words);
    expect(stream.completeSince).toBeNull();
    await there(2);
    expect(stream.completeSince).not.toBeNull();
    trade(server);
    await vi.waitFor(() => expect(account()).toContain('BTCUSDT'), PATIENCE);
  });

  it('EXC-29: that is silent is closed, rejected connections are tried at growing intervals, and it recovers', async () => {
    const { server, stream, gaps, there, warned, warning } = await follow(new FastClock());
    await there(1);
    server.streams.faults.add({ fault: 'stream-silent', times: Infinity });
    await warning(/stream of account: silent for \d+ ms/);
    await warning(/stream of marks: silent for \d+ ms/);
    const refusal = server.streams.faults.add({ fault: 'stream-refused', times: Infinity });
    server.streams.faults.remove(1);
    // A connection that was opened during the silence would answer now, and never be rejected.
    server.streams.drop('account');
    await vi.waitFor(() => {
      const refused = warned.filter((words) => words.startsWith('stream of account: refused'));
      expect(refused.length).toBeGreaterThanOrEqual(3);
    }, PATIENCE);
    expect(stream.completeSince).toBeNull();
    const before = gaps();
    server.streams.faults.remove(refusal);
    await there(before + 1);
  });

  it('whose listen key is rejected is only logged, and recovers', async () => {
    const { server, stream, there, warning } = await follow(new FastClock());
    await there(1);
    server.faults.add({ fault: '-1121', method: 'POST', path: '/fapi/v1/listenKey' });
    server.streams.expireListenKey();
    await warning(/stream of account: .*listen key: .*Invalid symbol/);
    await there(2);
    expect(stream.completeSince).not.toBeNull();
  });

  it('keeps its listen key alive, and is opened again when its events are distrusted', async () => {
    const { server, stream, there, warning } = await follow(new HurriedClock());
    await there(1);
    await vi.waitFor(() => expect(server.requests.get('PUT /fapi/v1/listenKey')).toBeGreaterThan(1), PATIENCE);
    stream.distrust('it did not tell of a fill');
    await warning(/it did not tell of a fill/);
    await there(2);
  });

  it('does not exist without keys, or for an unsupported exchange', async () => {
    const { client, server } = await follow();
    const { settings } = client;
    const keyless = await VenueClient.open({ ...settings, credentials: null }, new SystemClock(), SILENT_LOGGER);
    expect(userStreamOf(keyless)).toBeNull();
    const other = await VenueClient.open({ ...settingsFor(server.url), id: 'bybit' }, new SystemClock(), SILENT_LOGGER);
    expect(userStreamOf(other)).toBeNull();
  });
});
