import { once } from 'node:events';
import { pro } from 'ccxt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { BinanceServer, TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';
import { openStream } from './a-stream.ts';

const HOUR_MS = 60 * 60 * 1000;

async function anExchange() {
  const server = await BinanceServer.start();
  onTestFinished(() => server.close());
  server.exchange.setMarket({ symbol: 'BTCUSDT', price: '100', tick: '0.1', lotStep: '0.001' });
  const call = async (method: string, key: string | null = TEST_KEYS.key) => {
    const headers: Record<string, string> = key === null ? {} : { 'X-MBX-APIKEY': key };
    const response = await fetch(`${server.url}/fapi/v1/listenKey`, { method, headers });
    return { status: response.status, reply: (await response.json()) as { listenKey?: string } };
  };
  const listen = async () => {
    const { reply } = await call('POST');
    return openStream(server.url, `/ws/${reply.listenKey}`);
  };
  return { server, exchange: server.exchange, call, listen };
}

describe('the user data stream', () => {
  it('needs a listen key, which an API key creates, keeps alive and ends', async () => {
    const { call } = await anExchange();
    expect(await call('POST', null)).toMatchObject({ status: 401, reply: { code: -2014 } });
    expect(await call('PUT')).toMatchObject({ status: 400, reply: { code: -1125 } });
    const first = await call('POST');
    expect(first.reply.listenKey).toMatch(/^[0-9a-f]{64}$/);
    expect(await call('POST')).toEqual(first);
    expect(await call('PUT')).toEqual(first);
    await call('DELETE');
    expect((await call('POST')).reply.listenKey).not.toBe(first.reply.listenKey);
  });

  it('tells orders and fills, whoever caused them', async () => {
    const { exchange, listen } = await anExchange();
    const stream = await listen();
    exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '4', price: '90' });
    exchange.close('BTCUSDT', 'LONG', 'web', '1', 2);
    const orders = await stream.wait('ORDER_TRADE_UPDATE', 5);
    expect(orders.map(({ o }) => o)).toMatchObject([
      { s: 'BTCUSDT', S: 'BUY', x: 'NEW', X: 'NEW', l: '0', z: '0' },
      { x: 'TRADE', X: 'FILLED', l: '4', z: '4', L: '90', N: 'USDT', n: '0.18', rp: '0' },
      { S: 'SELL', x: 'NEW', R: true },
      { x: 'TRADE', X: 'PARTIALLY_FILLED', l: '0.5', z: '0.5', L: '100', rp: '5' },
      { x: 'TRADE', X: 'FILLED', l: '0.5', z: '1', L: '99.9', rp: '4.95' },
    ]);
    const accounts = await stream.wait('ACCOUNT_UPDATE', 3);
    expect(accounts.map(({ a }) => (a as { P: unknown[] }).P[0])).toMatchObject([
      { s: 'BTCUSDT', pa: '4', ep: '90', ps: 'BOTH' },
      { pa: '3.5' },
      { pa: '3', ep: '90' },
    ]);
  });

  it('ends an hour after it was last kept alive, and says so', async () => {
    const { exchange, call, listen } = await anExchange();
    const stream = await listen();
    exchange.skewMs = HOUR_MS - 5000;
    await call('PUT');
    exchange.skewMs = HOUR_MS + 5000;
    exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '1' });
    await stream.wait('ORDER_TRADE_UPDATE', 2);
    exchange.skewMs = 3 * HOUR_MS;
    await stream.wait('listenKeyExpired');
    exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '1' });
    const other = await listen();
    exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '1' });
    await other.wait('ORDER_TRADE_UPDATE', 2);
    expect(stream.messages.filter(({ e }) => e === 'ORDER_TRADE_UPDATE')).toHaveLength(2);
  });

  it('loses, doubles and swaps events on request', async () => {
    const { server, exchange, listen } = await anExchange();
    const stream = await listen();
    const { faults } = server.streams;
    const rest = (quantity: string) => exchange.rest({ symbol: 'BTCUSDT', side: 'LONG', quantity }, '200');
    exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '9' });
    faults.add({ fault: 'events-lost', of: 'account', times: 1 });
    rest('1');
    faults.add({ fault: 'events-duplicated', times: 1 });
    rest('2');
    faults.add({ fault: 'events-out-of-order', of: 'account', times: 1 });
    for (const quantity of ['3', '4', '5']) rest(quantity);
    const told = await stream.wait('ORDER_TRADE_UPDATE', 7);
    expect(told.slice(2).map(({ o }) => (o as { q: string }).q)).toEqual(['2', '2', '4', '3', '5']);
    expect(faults.list()).toEqual([]);
  });

  it('is silent, refused, dropped and without a key on request', async () => {
    const { server, exchange, listen } = await anExchange();
    const stream = await listen();
    const silence = server.streams.faults.add({ fault: 'stream-silent', of: 'account', times: Infinity });
    exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '1' });
    server.streams.faults.remove(silence);
    exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '2' });
    const [told] = await stream.wait('ORDER_TRADE_UPDATE', 2);
    expect(told?.['o']).toMatchObject({ q: '2' });
    server.streams.expireListenKey();
    await stream.wait('listenKeyExpired');
    const closed = once(stream.socket, 'close');
    server.streams.drop();
    await closed;
    server.streams.faults.add({ fault: 'stream-refused', times: Infinity });
    const refused = new WebSocket(`${server.url.replace('http', 'ws')}/ws`);
    const [error] = (await once(refused, 'error')) as [Error];
    expect(error.message).toMatch(/503/);
    const unknown = new WebSocket(`${server.url.replace('http', 'ws')}/nosuch/%zz`);
    expect(((await once(unknown, 'error')) as [Error])[0].message).toMatch(/404/);
  });
});

describe('mark prices', () => {
  it('come for the streams that are asked for, in names of any script', async () => {
    const { server, exchange } = await anExchange();
    exchange.setMarket({ symbol: '币安人生USDT', price: '0.12', tick: '0.0001' });
    const named = await openStream(server.url, '/market/ws/btcusdt@markPrice@1s');
    expect(await named.wait('markPriceUpdate', 2)).toMatchObject([{ s: 'BTCUSDT', p: '100' }, { s: 'BTCUSDT' }]);
    const combined = await openStream(server.url, `/stream?streams=${encodeURIComponent('币安人生usdt@markPrice@1s')}`);
    combined.socket.send(JSON.stringify({ method: 'SUBSCRIBE', params: ['btcusdt@markPrice@1s'], id: 7 }));
    combined.socket.send('{');
    await expect.poll(() => combined.messages.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(4);
    expect(combined.messages).toEqual(
      expect.arrayContaining([
        { result: null, id: 7 },
        { error: { code: 3, msg: 'Invalid JSON' } },
        { stream: '币安人生usdt@markPrice@1s', data: expect.objectContaining({ s: '币安人生USDT', p: '0.12' }) },
        { stream: 'btcusdt@markPrice@1s', data: expect.objectContaining({ s: 'BTCUSDT' }) },
      ]),
    );
  });
});

it("ccxt's own stream client follows orders and marks", async () => {
  const { server, exchange } = await anExchange();
  const client = new pro.binanceusdm({ apiKey: TEST_KEYS.key, secret: TEST_KEYS.secret });
  onTestFinished(() => client.close());
  client.has['fetchCurrencies'] = false;
  client.options['fetchMargins'] = false;
  const moved = (address: unknown): unknown => {
    if (typeof address === 'string') return address.replace(/^(http|ws)s?:\/\/[^/]+/, `$1${server.url.slice(4)}`);
    if (typeof address !== 'object' || address === null) return address;
    return Object.fromEntries(Object.entries(address).map(([name, one]) => [name, moved(one)]));
  };
  client.urls['api'] = moved(client.urls['api']) as object;
  // ccxt opens no ws:// address without an agent.
  await client.loadHttpProxyAgent();
  await client.loadMarkets();
  const orders = client.watchOrders('BTC/USDT:USDT') as Promise<{ status: string }[]>;
  await expect.poll(() => server.streams.connections.length, { timeout: 20_000 }).toBe(1);
  exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '4', price: '90' });
  expect((await orders).map(({ status }) => status)).toContain('closed');
  const mark = (await client.watchMarkPrice('BTC/USDT:USDT')) as { markPrice: number };
  expect(mark.markPrice).toBe(100);
});
