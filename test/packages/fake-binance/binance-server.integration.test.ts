import { describe, expect, it, onTestFinished } from 'vitest';
import { ccxtClient } from './a-ccxt-client.ts';
import { BinanceServer, type BinanceServerOptions } from '../../../packages/fake-binance/binance-server.ts';

const BTC = 'BTC/USDT:USDT';
const DAY_MS = 24 * 60 * 60 * 1000;
const CLOSING = { reduceOnly: true, clientOrderId: 'own-1' };

/** ccxt's client on a server with BTCUSDT at 100 and a LONG of 4 at 90. */
async function connect(options: BinanceServerOptions = {}, config: object = {}) {
  const server = await BinanceServer.start({ weightPerMinute: 1e9, ...options });
  const client = ccxtClient(server, config);
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  server.exchange.setMarket({ symbol: 'BTCUSDT', price: '100', tick: '0.1', lotStep: '0.001' });
  server.exchange.setMarket({ symbol: 'PEPEUSDT', price: '0.0000117', tick: '0.0000000001', lotStep: '100' });
  server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '4', price: '90' });
  return { server, client };
}

describe("ccxt's client of Binance USD-M reads from the server", () => {
  it('markets with their filters, the time and the mode', async () => {
    const { server, client } = await connect();
    await client.loadMarkets();
    expect(client.market(BTC)).toMatchObject({
      id: 'BTCUSDT',
      active: true,
      swap: true,
      linear: true,
      precision: { amount: 0.001, price: 0.1 },
      limits: { amount: { min: 0.001 }, cost: { min: 5 }, market: { max: 1e9 } },
    });
    server.exchange.skewMs = 10 * DAY_MS;
    expect(Number(await client.fetchTime())).toBeGreaterThan(Date.UTC(2024, 0) + 9 * DAY_MS);
    server.exchange.skewMs = 0;
    expect(await client.fetchPositionMode()).toMatchObject({ hedged: false });
    server.exchange.close('BTCUSDT', 'LONG');
    await client.setPositionMode(true);
    expect(await client.fetchPositionMode()).toMatchObject({ hedged: true });
  });

  it('positions, with what they are worth', async () => {
    const { server, client } = await connect();
    server.exchange.open({ symbol: 'PEPEUSDT', side: 'SHORT', quantity: '945000' });
    const positions = await client.fetchPositions();
    expect(positions).toMatchObject([
      { symbol: BTC, side: 'long', contracts: 4, entryPrice: 90, markPrice: 100, unrealizedPnl: 40, hedged: false },
      { symbol: 'PEPE/USDT:USDT', side: 'short', contracts: 945_000, marginMode: 'cross' },
    ]);
    expect(server.requests.get('GET /fapi/v3/positionRisk')).toBe(1);
    expect(await client.fetchPositions(undefined, { useV2: true })).toMatchObject([
      { symbol: BTC, leverage: 20 },
      { symbol: 'PEPE/USDT:USDT', leverage: 20 },
    ]);
    expect(await client.fapiPrivateV2GetPositionRisk()).toHaveLength(2);
    server.exchange.close('PEPEUSDT', 'SHORT');
    expect(await client.fapiPrivateV3GetPositionRisk()).toHaveLength(1);
    expect(await client.fapiPrivateV2GetPositionRisk()).toHaveLength(2);
  });

  it('both sides in hedge mode', async () => {
    const { server, client } = await connect({ hedge: true });
    server.exchange.open({ symbol: 'BTCUSDT', side: 'SHORT', quantity: '1' });
    expect(await client.fetchPositions()).toMatchObject([
      { side: 'long', contracts: 4, hedged: true },
      { side: 'short', contracts: 1, hedged: true },
    ]);
    const order = await client.createOrder(BTC, 'market', 'sell', 1, undefined, { positionSide: 'LONG' });
    expect(order).toMatchObject({ status: 'closed', filled: 1 });
    expect(server.exchange.orders.account.position('BTCUSDT', 'LONG').amount.toFixed()).toBe('3');
  });

  it('balance, mark prices, tickers and candles', async () => {
    const { client } = await connect();
    // 100 000 minus 5 basis points of 4 at 90, and 40 unrealised.
    expect(await client.fetchBalance()).toMatchObject({ USDT: { total: 100_039.82, used: 20 } });
    expect(await client.fetchMarkPrices()).toMatchObject({ [BTC]: { markPrice: 100 } });
    expect(await client.fetchLastPrices([BTC])).toMatchObject({ [BTC]: { price: 100 } });
    expect(await client.fetchBidsAsks([BTC])).toMatchObject({ [BTC]: { bid: 99.9, ask: 100.1 } });
    const candles = await client.fetchOHLCV(BTC, '5m', undefined, 10);
    expect(candles).toHaveLength(10);
    expect(candles.at(-1)?.[4]).toBe(100);
    expect(await client.fetchTradingFee(BTC)).toMatchObject({ taker: 0.0005, maker: 0.0002 });
  });
});

describe('orders of that client', () => {
  it('are done at once, and found by either id, with their fills', async () => {
    const { client } = await connect({ fills: 2 });
    const order = await client.createOrder(BTC, 'market', 'sell', 1, undefined, CLOSING);
    // 0.5 at 100 and 0.5 at 99.9.
    const done = { status: 'closed', filled: 1, average: 99.95, cost: 99.95, reduceOnly: true, clientOrderId: 'own-1' };
    expect(order).toMatchObject(done);
    expect(await client.fetchOrder(String(order.id), BTC)).toMatchObject(done);
    expect(await client.fetchOrder('', BTC, { clientOrderId: 'own-1' })).toMatchObject({ ...done, id: order.id });
    expect(await client.fetchOrders(BTC)).toHaveLength(2);
    const trades = await client.fetchMyTrades(BTC, undefined, undefined, { orderId: order.id });
    expect(trades).toMatchObject([
      { order: order.id, side: 'sell', amount: 0.5, price: 100, fee: { cost: 0.025, currency: 'USDT' } },
      { order: order.id, side: 'sell', amount: 0.5, price: 99.9, fee: { cost: 0.024975, currency: 'USDT' } },
    ]);
    expect(trades[0]?.info).toMatchObject({ realizedPnl: '5', positionSide: 'BOTH', maker: false });
  });

  it('are acknowledged before anything is said of their fills', async () => {
    const { client } = await connect();
    const order = await client.createOrder(BTC, 'market', 'sell', 1, undefined, {
      ...CLOSING,
      newOrderRespType: 'ACK',
    });
    expect(order).toMatchObject({ status: 'open', filled: 0 });
    expect(await client.fetchOrder(String(order.id), BTC)).toMatchObject({ status: 'closed', filled: 1 });
  });

  it('rest as limits, and are cancelled', async () => {
    const { client } = await connect();
    const order = await client.createOrder(BTC, 'limit', 'sell', 1, 104, { reduceOnly: true });
    expect(await client.fetchOpenOrders()).toMatchObject([{ id: order.id, status: 'open', price: 104 }]);
    expect(await client.cancelOrder(String(order.id), BTC)).toMatchObject({ status: 'canceled' });
    expect(await client.fetchOpenOrders(BTC)).toEqual([]);
    await expect(client.cancelOrder(String(order.id), BTC)).rejects.toThrow('"code":-2011');
  });

  it('wait as stops and targets, apart from the others', async () => {
    const { server, client } = await connect();
    const stop = { triggerPrice: 95, reduceOnly: true, clientAlgoId: 'stop-1' };
    const placed = await client.createOrder(BTC, 'market', 'sell', 1, undefined, stop);
    const target = { takeProfitPrice: 110, closePosition: true };
    const other = await client.createOrder(BTC, 'market', 'sell', 0, undefined, target);
    expect(await client.fetchOpenOrders(BTC)).toEqual([]);
    expect(await client.fetchOpenOrders(BTC, undefined, undefined, { trigger: true })).toMatchObject([
      {
        id: placed.id,
        clientOrderId: 'stop-1',
        triggerPrice: 95,
        reduceOnly: true,
        info: { orderType: 'STOP_MARKET' },
      },
      { id: other.id, triggerPrice: 110, info: { orderType: 'TAKE_PROFIT_MARKET', closePosition: true } },
    ]);
    await client.cancelOrder(String(other.id), BTC, { trigger: true });
    server.exchange.setMark('BTCUSDT', '95');
    const hit = await client.fetchOrder(String(placed.id), BTC, { trigger: true });
    expect(hit).toMatchObject({ status: 'closed', info: { algoStatus: 'FINISHED' } });
    expect(await client.fetchOrder(hit.info.actualOrderId, BTC)).toMatchObject({ filled: 1, average: 95 });
    expect(await client.fetchOrders(BTC, undefined, undefined, { trigger: true })).toHaveLength(2);
    await expect(client.createOrder(BTC, 'market', 'sell', 1, undefined, stop)).rejects.toThrow('"code":-2021');
  });

  it.each(['liquidation', 'adl'] as const)('are told apart from a %s', async (hand) => {
    const { server, client } = await connect();
    server.exchange.close('BTCUSDT', 'LONG', hand);
    const type = hand === 'adl' ? 'ADL' : 'LIQUIDATION';
    const forced = await client.fapiPrivateGetForceOrders({ autoCloseType: type });
    expect(forced).toMatchObject([{ clientOrderId: server.exchange.orders.ofSymbol('BTCUSDT').at(-1)?.clientOrderId }]);
    expect(await client.fapiPrivateGetForceOrders({ autoCloseType: hand === 'adl' ? 'LIQUIDATION' : 'ADL' })).toEqual(
      [],
    );
  });
});

describe('fills', () => {
  it('are paged by id and by time, oldest first, a week at most', async () => {
    const { server, client } = await connect();
    const now = server.exchange.now();
    for (const days of [20, 9, 8, 3]) {
      server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: `0.${days}`, at: now - days * DAY_MS });
    }
    const ask = async (parameters: object) =>
      ((await client.fapiPrivateGetUserTrades({ symbol: 'BTCUSDT', ...parameters })) as { qty: string }[]).map(
        ({ qty }) => qty,
      );
    expect(await ask({})).toEqual(['0.3', '4']);
    expect(await ask({ startTime: now - 10 * DAY_MS })).toEqual(['0.9', '0.8', '0.3']);
    expect(await ask({ startTime: now - 10 * DAY_MS, limit: 2 })).toEqual(['0.9', '0.8']);
    expect(await ask({ endTime: now - 2 * DAY_MS, limit: 1 })).toEqual(['0.3']);
    expect(await ask({ startTime: now - 21 * DAY_MS, endTime: now - 15 * DAY_MS })).toEqual(['0.2']);
    expect(await ask({ fromId: 2, limit: 2 })).toEqual(['0.2', '0.9']);
    await expect(ask({ startTime: now - 8 * DAY_MS, endTime: now })).rejects.toThrow('"code":-4165');
    await expect(ask({ startTime: now, endTime: now - 1 })).rejects.toThrow('"code":-1023');
    await expect(ask({ fromId: 1, startTime: now })).rejects.toThrow('"code":-1128');
    await expect(ask({ limit: 1001 })).rejects.toThrow('"code":-1130');
  });
});

describe('what is refused', () => {
  type Client = Awaited<ReturnType<typeof connect>>['client'];
  const order = (traits: object) => (client: Client) =>
    client.fapiPrivatePostOrder({ symbol: 'BTCUSDT', side: 'SELL', type: 'MARKET', quantity: '1', ...traits });

  it.each([
    ['-2022', order({ quantity: '5', reduceOnly: 'true' })],
    ['-4164', order({ quantity: '0.01' })],
    ['-1111', order({ quantity: '0.0001' })],
    ['-4061', order({ positionSide: 'LONG' })],
    ['-4060', order({ positionSide: 'UP' })],
    ['-4015', order({ newClientOrderId: 'ä' })],
    ['-1117', order({ side: 'sell' })],
    ['-1116', order({ type: 'NOSUCH' })],
    ['-4120', order({ type: 'STOP_MARKET', stopPrice: '90' })],
    ['-1102', order({ quantity: '' })],
    ['-1100', order({ symbol: 'btcusdt' })],
    ['-1121', order({ symbol: 'NOUSDT' })],
    ['-2013', (client: Client) => client.fetchOrder('1', BTC)],
    ['-1121', (client: Client) => client.fapiPrivateGetOrder({ symbol: 'NOUSDT', orderId: 1 })],
    ['-1120', (client: Client) => client.fapiPublicGetKlines({ symbol: 'BTCUSDT', interval: '7m' })],
    ['-4059', (client: Client) => client.fapiPrivatePostPositionSideDual({ dualSidePosition: 'false' })],
    ['-4068', (client: Client) => client.fapiPrivatePostPositionSideDual({ dualSidePosition: 'true' })],
  ] as const)('%s', async (code, act) => {
    const { server, client } = await connect();
    await expect(act(client)).rejects.toThrow(`"code":${code},`);
    expect(server.exchange.orders.ofSymbol('BTCUSDT')).toHaveLength(1);
  });

  it('-4116 for the client id of an open order', async () => {
    const { client } = await connect();
    await client.createOrder(BTC, 'limit', 'sell', 1, 104, CLOSING);
    await expect(client.createOrder(BTC, 'market', 'sell', 1, undefined, CLOSING)).rejects.toThrow('"code":-4116');
  });

  it.each([
    ['-1022', { secret: 'another' }],
    ['-2015', { apiKey: 'another' }],
  ])('%s for wrong keys', async (code, keys) => {
    const { client } = await connect({}, keys);
    await expect(client.fetchPositionMode()).rejects.toThrow(`"code":${code}`);
  });

  it('-1021 for a clock that is late or ahead', async () => {
    const { server, client } = await connect({}, { options: { recvWindow: 5000 } });
    for (const skewMs of [60_000, -60_000]) {
      server.exchange.skewMs = skewMs;
      await expect(client.fetchPositionMode()).rejects.toThrow('"code":-1021');
    }
    server.exchange.skewMs = 0;
    await client.fetchPositionMode();
  });

  it('429 and then 418 with Retry-After, once the allowance is used up', async () => {
    const { client } = await connect({ weightPerMinute: 60 }, { enableLastResponseHeaders: true });
    await client.fetchPositionMode();
    const header = (name: string) => Number(client.last_response_headers?.[name] ?? NaN);
    expect(header('X-Mbx-Used-Weight-1m')).toBe(30);
    const refusals: string[] = [];
    while (refusals.at(-1) !== '418') {
      await client
        .fapiPublicGetTime()
        .catch((thrown: Error) => refusals.push(/ (429|418) /.exec(thrown.message)?.[1] ?? ''));
    }
    expect(refusals).toEqual([...Array.from({ length: 10 }, () => '429'), '418']);
    expect(header('Retry-After')).toBe(120);
  });

  it('-1015 once too many orders were sent', async () => {
    const { server, client } = await connect({ ordersPerMinute: 1 });
    await client.createOrder(BTC, 'market', 'sell', 1, undefined, CLOSING);
    await expect(client.createOrder(BTC, 'market', 'sell', 1, undefined, CLOSING)).rejects.toThrow('-1015');
    expect(server.attempts.map(({ code }) => code)).toEqual([null, '-1015']);
  });
});
