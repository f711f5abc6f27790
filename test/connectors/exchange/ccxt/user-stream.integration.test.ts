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

/** The client's waits of many seconds pass so many times as fast: a connection may still take a second to open on a busy machine. */
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

/** What is done every half hour is done at once. */
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
  it('tells which symbols have fills, and none of orders that rest', async () => {
    const { server, exchange, there, account } = await follow();
    await there(1);
    trade(server, '币安人生USDT');
    await vi.waitFor(() => expect(account()).toEqual(['币安人生USDT', '币安人生USDT']), PATIENCE);
    exchange.rest({ symbol: '币安人生USDT', side: 'LONG' }, '101');
    exchange.setMark('币安人生USDT', '102');
    await vi.waitFor(() => expect(account()).toHaveLength(4), PATIENCE);
  });

  it('EXC-30: tells nothing once it was told to stop, though more of one message had arrived', async () => {
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

  it('tells the marks of the symbols that are watched', async () => {
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
  ])('that %s is opened anew, with a gap', async (_, breaks, words) => {
    const { server, stream, there, account, warning } = await follow();
    await there(1);
    breaks(server);
    await warning(words);
    expect(stream.tellsSince).toBeNull();
    await there(2);
    expect(stream.tellsSince).not.toBeNull();
    trade(server);
    await vi.waitFor(() => expect(account()).toContain('BTCUSDT'), PATIENCE);
  });

  it('EXC-29: that is silent is noticed, refused ones are waited out longer and longer, and it is there again after', async () => {
    const { server, stream, gaps, there, warned, warning } = await follow(new FastClock());
    await there(1);
    server.streams.faults.add({ fault: 'stream-silent', times: Infinity });
    await warning(/stream of account: silent for \d+ ms/);
    await warning(/stream of marks: silent for \d+ ms/);
    const refusal = server.streams.faults.add({ fault: 'stream-refused', times: Infinity });
    server.streams.faults.remove(1);
    // One that was opened anew while the silence lasted would answer from now on, and never be refused.
    server.streams.drop('account');
    await vi.waitFor(() => {
      const refused = warned.filter((words) => words.startsWith('stream of account: refused'));
      expect(refused.length).toBeGreaterThanOrEqual(3);
    }, PATIENCE);
    expect(stream.tellsSince).toBeNull();
    const before = gaps();
    server.streams.faults.remove(refusal);
    await there(before + 1);
  });

  it('whose key is refused costs nothing but a line in the log', async () => {
    const { server, stream, there, warning } = await follow(new FastClock());
    await there(1);
    server.faults.add({ fault: '-1121', method: 'POST', path: '/fapi/v1/listenKey' });
    server.streams.expireListenKey();
    await warning(/stream of account: .*listen key: .*Invalid symbol/);
    await there(2);
    expect(stream.tellsSince).not.toBeNull();
  });

  it('keeps its listen key alive, and begins anew when it is told that it did not tell', async () => {
    const { server, stream, there, warning } = await follow(new HurriedClock());
    await there(1);
    await vi.waitFor(() => expect(server.requests.get('PUT /fapi/v1/listenKey')).toBeGreaterThan(1), PATIENCE);
    stream.distrust('it did not tell of a fill');
    await warning(/it did not tell of a fill/);
    await there(2);
  });

  it('is no more where there are no keys, or nobody has tried it', async () => {
    const { client, server } = await follow();
    const { settings } = client;
    const keyless = await VenueClient.open({ ...settings, credentials: null }, new SystemClock(), SILENT_LOGGER);
    expect(userStreamOf(keyless)).toBeNull();
    const other = await VenueClient.open({ ...settingsFor(server.url), id: 'bybit' }, new SystemClock(), SILENT_LOGGER);
    expect(userStreamOf(other)).toBeNull();
  });
});
