import { describe, expect, it, onTestFinished } from 'vitest';
import { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import { ControlServer } from '../../../packages/fake-binance/control-server.ts';
import { ccxtClient } from './a-ccxt-client.ts';
import { askOf } from './control-client.ts';

const MARKET = { symbol: 'BTCUSDT', price: '100', tick: '0.1', lotStep: '0.001' };
const LONG = { symbol: 'BTCUSDT', side: 'LONG', quantity: '4' };
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

async function anExchange(options: Parameters<typeof BinanceServer.start>[0] = {}) {
  const server = await BinanceServer.start(options);
  onTestFinished(() => server.close());
  const control = await ControlServer.start({ server, walk: null });
  onTestFinished(() => control.close());
  return { server, http: server.url, ask: askOf(control.url) };
}

describe('the control port', () => {
  it('makes markets, positions, prices and stops, and shows them', async () => {
    const { ask } = await anExchange();
    expect(await ask('POST /markets', MARKET)).toMatchObject({ status: 200, reply: [{ symbol: 'BTCUSDT' }] });
    const at = Date.UTC(2026, 0, 1);
    expect(await ask('POST /positions', { ...LONG, price: '90', at })).toMatchObject({
      reply: [{ positionAmt: '4', entryPrice: '90', updateTime: at }],
    });
    const stop = { symbol: 'BTCUSDT', side: 'LONG', orderType: 'STOP_MARKET', triggerPrice: '95' };
    expect(await ask('POST /stops', stop)).toMatchObject({ reply: { algoId: 1 } });
    expect(await ask('POST /close', { symbol: 'BTCUSDT', quantity: 1 })).toMatchObject({
      reply: { clientOrderId: expect.stringMatching(/^web_/), executedQty: '1' },
    });
    expect(await ask('POST /mark', [{ symbol: 'BTCUSDT', price: '110' }])).toEqual({
      status: 200,
      reply: { marks: { BTCUSDT: '110' } },
    });
    expect(await ask('GET /state')).toMatchObject({
      reply: {
        hedge: false,
        positions: [{ positionAmt: '3', entryPrice: '90', markPrice: '110' }],
        orders: [
          { side: 'BUY', fills: [{ qty: '4', price: '90', time: at }] },
          { side: 'SELL', fills: [{ realizedPnl: '10' }] },
        ],
        algoOrders: [{ algoStatus: 'NEW', triggerPrice: '95' }],
      },
    });
    expect(await ask('POST /trigger', { algoId: 1 })).toMatchObject({ reply: { executedQty: '3' } });
    expect(await ask('POST /close', { symbol: 'BTCUSDT' })).toEqual({ status: 200, reply: null });
    expect(await ask('POST /clock', { skewMs: -1000 })).toMatchObject({ status: 200 });
  });

  it('changes of a market only what is said', async () => {
    const { ask } = await anExchange();
    await ask('POST /markets', { ...MARKET, minNotional: '7' });
    expect(await ask('POST /markets', { symbol: 'BTCUSDT', status: 'SETTLING' })).toMatchObject({
      reply: [{ status: 'SETTLING', baseAsset: 'BTC', pricePrecision: 1 }],
    });
    expect(await ask('POST /markets', { symbol: 'ETHUSDT' })).toMatchObject({
      status: 400,
      reply: { error: expect.stringMatching(/^price: ETHUSDT/) },
    });
  });

  it('lists names of any script, other quotes and contracts that are delivered, and ccxt trades them', async () => {
    const { server, ask } = await anExchange();
    const symbols = ['币安人生USDT', '1000PEPEUSDT', 'BTCUSDC', 'BTCUSDT_261225'];
    await ask(
      'POST /markets',
      symbols.map((symbol) => ({ symbol, price: '10', lotStep: '1' })),
    );
    const client = ccxtClient(server);
    await client.loadMarkets();
    const markets = Object.values(client.markets ?? {}) as { id: string; quote: string; type: string }[];
    expect(markets.map(({ id, quote, type }) => [id, quote, type])).toEqual([
      ['币安人生USDT', 'USDT', 'swap'],
      ['1000PEPEUSDT', 'USDT', 'swap'],
      ['BTCUSDC', 'USDC', 'swap'],
      ['BTCUSDT_261225', 'USDT', 'future'],
    ]);
    expect(await ask('GET /markets')).toMatchObject({
      reply: [
        {},
        {},
        {},
        { contractType: 'CURRENT_QUARTER', deliveryDate: Date.UTC(2026, 11, 25, 8), pair: 'BTCUSDT' },
      ],
    });
    for (const symbol of symbols) await ask('POST /positions', { symbol, side: 'LONG', quantity: '2', price: '8' });
    await client.createOrder('币安人生/USDT:USDT', 'market', 'sell', 2, undefined, { reduceOnly: true });
    await client.createOrder('BTC/USDC:USDC', 'market', 'sell', 1, undefined, { reduceOnly: true });
    expect(await ask('GET /positions')).toMatchObject({
      reply: [{ symbol: '1000PEPEUSDT' }, { symbol: 'BTCUSDC', positionAmt: '1' }, { symbol: 'BTCUSDT_261225' }],
    });
  });

  it('shows what a client sent, when, and what it was told; and a ledger that adds up', async () => {
    const { server, ask } = await anExchange({ commissionAsset: 'BNB', commissionAssetPrice: '600' });
    await ask('POST /markets', [MARKET, { ...MARKET, symbol: 'BTCUSDC' }]);
    for (const symbol of ['BTCUSDT', 'BTCUSDC']) await ask('POST /positions', { ...LONG, symbol, price: '90' });
    const client = ccxtClient(server);
    await ask('POST /faults', { fault: '-4131', symbol: 'BTCUSDT' });
    const sell = (symbol: string) => client.createOrder(symbol, 'market', 'sell', 1, undefined, { reduceOnly: true });
    await expect(sell('BTC/USDT:USDT')).rejects.toThrow('-4131');
    await sell('BTC/USDT:USDT');
    await sell('BTC/USDC:USDC');
    const arrived = { request: 'POST /fapi/v1/order', parameters: { symbol: 'BTCUSDT', quantity: '1' } };
    const { reply: seen } = await ask('GET /orders?symbol=BTCUSDT');
    expect(seen).toMatchObject({
      arrived: [
        { ...arrived, fault: '-4131', told: { status: 400, body: { code: -4131 } } },
        { ...arrived, fault: null, told: { status: 200, body: { status: 'FILLED' } } },
      ],
      orders: [{ side: 'BUY' }, { side: 'SELL', status: 'FILLED', fills: [{ realizedPnl: '10' }] }],
    });
    const [first] = (seen as { arrived: { arrivedAt: number; answeredAt: number; parameters: object }[] }).arrived;
    expect(first?.answeredAt).toBeGreaterThanOrEqual(first?.arrivedAt ?? Infinity);
    expect(Object.keys(first?.parameters ?? {})).not.toContain('signature');
    // 0.0005 of the notional, at 600.
    const fee = (notional: number) => (notional * 0.0005) / 600;
    const { reply: ledger } = await ask('GET /ledger');
    expect(ledger).toMatchObject({
      initial: { USDT: '100000', USDC: '100000', BNB: '100' },
      wallets: { USDT: '100010', USDC: '100010' },
      totals: [
        { symbol: 'BTCUSDT', quoteAsset: 'USDT', fills: 2, realizedPnl: '10' },
        { symbol: 'BTCUSDC', quoteAsset: 'USDC', fills: 2, realizedPnl: '10' },
      ],
    });
    const { wallets } = ledger as { wallets: { BNB: string } };
    expect(Number(wallets.BNB)).toBeCloseTo(100 - 2 * fee(360) - 2 * fee(100), 7);
  });

  it('says what is wrong with what it was told', async () => {
    const { http, ask } = await anExchange();
    const wrong = async (request: string, given?: unknown) => (await ask(request, given)).reply;
    expect(await ask('GET /nosuch')).toMatchObject({ status: 404, reply: { error: 'no such request: GET /nosuch' } });
    expect(await ask('POST /positions', LONG)).toEqual({ status: 400, reply: { error: '-1121: Invalid symbol.' } });
    expect(await wrong('POST /mark', '{"symbol":')).toMatchObject({ error: expect.stringMatching(/^not JSON: /) });
    expect(await wrong('POST /mark', '')).toEqual({ error: 'no body: a JSON object is expected' });
    expect(await wrong('POST /mark', { symbol: 'BTCUSDT', price: 'x', typo: 1 })).toMatchObject({
      error: expect.stringMatching(/price: not a decimal number.*typo/),
    });
    expect(await wrong('POST /mark', [{ symbol: 'BTCUSDT', price: '1' }, { symbol: 'BTCUSDT' }])).toMatchObject({
      error: expect.stringMatching(/^1\.price: /),
    });
    expect(await wrong('POST /faults', { fault: 'nosuch' })).toMatchObject({
      error: expect.stringMatching(/'mark-zero'/),
    });
    expect(await ask('POST /mark', ' '.repeat(5 * 1024 * 1024))).toMatchObject({ status: 413 });
    expect((await fetch(`${http}/fapi/v1/order`, { method: 'POST', body: 'x'.repeat(100_000) })).status).toBe(413);
    const unknown = await fetch(`${http}/fapi/v9/nosuch`);
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { code: -5000 }]);
  });

  it('gives candles as they were given', async () => {
    const { http, ask } = await anExchange();
    await ask('POST /markets', MARKET);
    const openTime = Math.floor(Date.UTC(2026, 0, 1) / 300_000) * 300_000;
    const candle = { openTime, open: '1', high: '2', low: '0.5', close: '1.5' };
    await ask('POST /candles', { symbol: 'BTCUSDT', interval: '5m', candles: [candle] });
    const query = `symbol=BTCUSDT&interval=5m&startTime=${openTime}&limit=1`;
    const [row] = (await (await fetch(`${http}/fapi/v1/klines?${query}`)).json()) as unknown[][];
    expect(row?.slice(0, 5)).toEqual([openTime, '1', '2', '0.5', '1.5']);
  });
});

describe('faults through the control port', () => {
  const time = async (http: string) => (await fetch(`${http}/fapi/v1/time`)).status;

  it('happen as often as they were asked for, and are listed until then', async () => {
    const { http, ask } = await anExchange();
    await ask('POST /faults', [
      { fault: '502', path: '/fapi/v1/time', times: 2 },
      { fault: '503', path: '/fapi/v1/ping', times: 'always' },
    ]);
    expect([await time(http), await time(http), await time(http)]).toEqual([502, 502, 200]);
    expect((await ask('GET /faults')).reply).toEqual({
      faults: [{ id: 2, fault: '503', path: '/fapi/v1/ping', times: 'always' }],
      chances: {},
    });
    expect(await ask('DELETE /faults?id=2')).toMatchObject({ reply: { removed: 1 } });
    await ask('POST /faults', { chances: { '503': 1 } });
    expect(await time(http)).toBe(503);
    await ask('DELETE /faults');
    expect(await time(http)).toBe(200);
    expect(await ask('GET /state')).toMatchObject({
      reply: { requests: { 'GET /fapi/v1/time': 5 }, faults: [{ fault: '502' }, { fault: '502' }, { fault: '503' }] },
    });
  });

  it('refuse with a code and words of one’s own', async () => {
    const { http, ask } = await anExchange();
    await ask('POST /faults', { fault: 'refuse', path: '/fapi/v1/time', status: 451, code: -9999, msg: 'Not here.' });
    const response = await fetch(`${http}/fapi/v1/time`);
    expect([response.status, await response.json()]).toEqual([451, { code: -9999, msg: 'Not here.' }]);
  });

  it('change what is said of one symbol, and of no other', async () => {
    const { server, http, ask } = await anExchange();
    await ask('POST /markets', [MARKET, { ...MARKET, symbol: 'SOLUSDT' }]);
    for (const symbol of ['BTCUSDT', 'SOLUSDT']) await ask('POST /positions', { ...LONG, symbol });
    const client = ccxtClient(server);
    const rows = async () => (await client.fapiPrivateV3GetPositionRisk()) as Record<string, string>[];
    const premium = async () => (await (await fetch(`${http}/fapi/v1/premiumIndex`)).json()) as object[];
    const [btc, sol] = await rows();
    await ask('POST /faults', [
      { fault: 'mark-zero', symbol: 'SOLUSDT' },
      { fault: 'entry-absent', symbol: 'SOLUSDT' },
      { fault: 'symbol-dropped', symbol: 'SOLUSDT' },
      { fault: 'change-answer', symbol: 'SOLUSDT', path: '/fapi/v3/positionRisk', set: { updateTime: 7 } },
    ]);
    const zero = { markPrice: '0.00000000', notional: '0', unRealizedProfit: '0', updateTime: 7 };
    const { entryPrice: _entry, ...rest } = sol ?? {};
    expect(await rows()).toEqual([btc, { ...rest, ...zero }]);
    expect(await premium()).toMatchObject([{ markPrice: '100' }, { markPrice: '0.00000000' }]);
    const info = (await (await fetch(`${http}/fapi/v1/exchangeInfo`)).json()) as { symbols: { symbol: string }[] };
    expect(info.symbols.map(({ symbol }) => symbol)).toEqual(['BTCUSDT']);
    await ask('DELETE /faults');
    expect(await rows()).toEqual([btc, sol]);
  });

  it('refuse old fills, of whatever symbol, and not those of an order', async () => {
    const { server, ask } = await anExchange();
    await ask('POST /markets', MARKET);
    await ask('POST /positions', { ...LONG, ageMinutes: 30 });
    await ask('POST /faults', { fault: 'old-fills-refused', days: 90 });
    const client = ccxtClient(server);
    await client.loadMarkets();
    const since = (days: number) => client.fetchMyTrades('BTC/USDT:USDT', server.exchange.now() - days * DAY_MS);
    await expect(since(91)).rejects.toThrow('-4166');
    expect(await since(89)).toEqual([]);
    expect(await since(1)).toHaveLength(1);
  });

  it('ban without Retry-After: only the words say until when', async () => {
    const { server, http, ask } = await anExchange();
    await ask('POST /faults', { fault: 'ban', seconds: 60, retryAfter: false });
    const response = await fetch(`${http}/fapi/v1/time`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([418, null]);
    const { msg } = (await response.json()) as { msg: string };
    const until = Number(/banned until (\d{13})\./.exec(msg)?.[1]);
    expect(until).toBe(server.banned?.until);
    await ask('DELETE /faults');
    expect(await time(http)).toBe(200);
  });

  it('show a size without a fill, fills of one millisecond, and a settled twin of one base asset', async () => {
    const { server, ask } = await anExchange();
    await ask('POST /markets', [
      { symbol: 'BNXUSDT', price: '1.5', tick: '0.0001', lotStep: '0.1' },
      { symbol: 'BNXUSDTSETTLED', baseAsset: 'BNX', price: '1.5', lotStep: '1', status: 'SETTLING' },
    ]);
    const at = server.exchange.now() - MINUTE_MS;
    await ask('POST /positions', { symbol: 'BNXUSDT', side: 'SHORT', quantity: '1200', price: '2', at, fills: 1200 });
    const client = ccxtClient(server);
    await client.loadMarkets();
    const fills = await client.fapiPrivateGetUserTrades({ symbol: 'BNXUSDT', limit: 1000 });
    expect(fills).toHaveLength(1000);
    expect(new Set((fills as { time: string }[]).map(({ time: moment }) => Number(moment)))).toEqual(new Set([at]));
    await ask('POST /positions', { symbol: 'BNXUSDT', side: 'SHORT', quantity: '2400', fills: 0 });
    expect(await ask('GET /positions')).toMatchObject({ reply: [{ symbol: 'BNXUSDT', positionAmt: '-2400' }] });
    expect((await ask('GET /ledger')).reply).toMatchObject({ totals: [{ fills: 1200 }] });
    expect(await ask('POST /close', { symbol: 'BNXUSDT', quantity: '100', fills: 1000 })).toMatchObject({
      reply: { executedQty: '100', fills: { length: 1000 } },
    });
  });

  it('switch the mode only while the account is flat', async () => {
    const { ask } = await anExchange();
    await ask('POST /markets', MARKET);
    await ask('POST /positions', LONG);
    expect(await ask('POST /mode', { hedge: true })).toMatchObject({
      reply: { error: expect.stringMatching(/^-4068/) },
    });
    await ask('POST /close', { symbol: 'BTCUSDT' });
    expect(await ask('POST /mode', { hedge: true })).toEqual({ status: 200, reply: { hedge: true } });
    expect(await ask('POST /positions', LONG)).toMatchObject({ reply: [{ positionSide: 'LONG' }] });
  });
});
