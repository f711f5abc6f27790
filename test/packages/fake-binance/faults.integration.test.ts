import { OperationFailed, type binanceusdm } from 'ccxt';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ccxtClient } from './a-ccxt-client.ts';
import { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import { type OneShot, FAULTS, FAULT_NAMES, type Fault } from '../../../packages/fake-binance/faults.ts';

const BTC = 'BTC/USDT:USDT';
const ID = 'own-1';

async function connect() {
  const server = await BinanceServer.start({ weightPerMinute: 1e9, holdMs: 1, delayMs: 1 });
  const client = ccxtClient(server, { enableLastResponseHeaders: true });
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  server.exchange.setMarket({ symbol: 'BTCUSDT', price: '100', tick: '0.1', lotStep: '0.001' });
  server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '9', price: '90' });
  await client.loadMarkets();
  return { server, client };
}

const close = (client: binanceusdm, quantity = 3) =>
  client.createOrder(BTC, 'market', 'sell', quantity, undefined, { reduceOnly: true, clientOrderId: ID });

const lookUp = (client: binanceusdm) => client.fetchOrder('', BTC, { clientOrderId: ID });

const ownOrders = ({ exchange }: BinanceServer) =>
  exchange.orders.ofSymbol('BTCUSDT').filter(({ clientOrderId }) => clientOrderId === ID);

const amountOf = ({ exchange }: BinanceServer) => exchange.orders.account.position('BTCUSDT', 'BOTH').amount.toFixed();

/** ccxt's error for an order that meets the fault. As the address is not Binance's, its table for USD-M is not used. */
const THROWN: Readonly<Partial<Record<Fault, string>>> = {
  'timeout-after-taken': 'NetworkError',
  'timeout-before': 'NetworkError',
  late: 'NetworkError',
  unanswering: 'NetworkError',
  'reset-after-taken': 'NetworkError',
  'reset-before': 'NetworkError',
  // No error of ccxt's own.
  'half-reply-taken': 'SocketError',
  'half-reply-not-taken': 'SocketError',
  '-1007-taken': 'RequestTimeout',
  '-1007-not-taken': 'RequestTimeout',
  '-1000-taken': 'OperationFailed',
  '503-unknown-taken': 'ExchangeNotAvailable',
  '503-unknown-not-taken': 'ExchangeNotAvailable',
  '500-taken': 'ExchangeNotAvailable',
  '500': 'ExchangeNotAvailable',
  '502-taken': 'ExchangeNotAvailable',
  '502': 'ExchangeNotAvailable',
  '503-taken': 'ExchangeNotAvailable',
  '503': 'ExchangeNotAvailable',
  '-1021': 'InvalidNonce',
  '429': 'DDoSProtection',
  '418': 'DDoSProtection',
  '-1008': 'ExchangeError',
  '-2022': 'ExchangeError',
  '-4116': 'ExchangeError',
  '-4164': 'ExchangeError',
  '-1111': 'BadRequest',
};

describe('an order that meets', () => {
  it.each(Object.entries(THROWN) as [Fault, string][])('%s: ccxt throws %s', async (fault, name) => {
    const { server, client } = await connect();
    server.faults.add({ fault, method: 'POST', path: '/fapi/v1/order' });
    const thrown: Error = await close(client).then(
      () => new Error('nothing was thrown'),
      (error: Error) => error,
    );
    expect([thrown.name, thrown.constructor.name]).toContain(name);
    const { taken } = FAULTS[fault];
    if (taken) await vi.waitFor(() => expect(ownOrders(server)).toMatchObject([{ status: 'FILLED' }]));
    else expect(ownOrders(server)).toEqual([]);
    expect(amountOf(server)).toBe(taken ? '6' : '9');
    expect(server.attempts).toMatchObject([{ clientOrderId: ID, symbol: 'BTCUSDT', quantity: '3', fault }]);
    expect(server.injected).toMatchObject([{ method: 'POST', path: '/fapi/v1/order', clientOrderId: ID, fault }]);
    const told = /"code":(-\d+)/.exec(thrown.message)?.[1] ?? null;
    expect(server.attempts[0]?.code).toBe(told);
    // One fault, once.
    if (fault !== 'unanswering') await (taken ? lookUp(client) : close(client));
  });

  it('partial-fill: half of it fills, the rest expires', async () => {
    const { server, client } = await connect();
    server.faults.add({ fault: 'partial-fill' });
    expect(await close(client)).toMatchObject({ status: 'expired', amount: 3, filled: 1.5 });
    expect(amountOf(server)).toBe('7.5');
  });

  it('hand-change: another has closed a third of the position before it', async () => {
    const { server, client } = await connect();
    server.faults.add({ fault: 'hand-change' }, { fault: 'hand-change' });
    expect(await close(client, 6)).toMatchObject({ status: 'closed', filled: 6 });
    expect(amountOf(server)).toBe('0');
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '9' });
    await expect(close(client, 9)).rejects.toThrow('"code":-2022');
    expect(amountOf(server)).toBe('6');
    expect(server.attempts.map(({ code }) => code)).toEqual([null, '-2022']);
  });

  it('unanswering: no look-up of it is answered until that is lifted; others are', async () => {
    const { server, client } = await connect();
    server.faults.add({ fault: 'unanswering' });
    await expect(close(client)).rejects.toThrow(OperationFailed);
    await expect(lookUp(client)).rejects.toThrow(/503/);
    await expect(lookUp(client)).rejects.toThrow(/503/);
    await expect(client.fetchOrder('', BTC, { clientOrderId: 'another' })).rejects.toThrow('"code":-2013');
    server.lift(ID);
    expect(await lookUp(client)).toMatchObject({ status: 'closed', filled: 3 });
  });

  it('nothing within its time-out: RequestTimeout, and nobody knows', async () => {
    const { server, client } = await connect();
    server.faults.add({ fault: 'timeout-after-taken', holdMs: 60_000 });
    const patience = client.timeout;
    client.timeout = 200;
    await expect(close(client)).rejects.toMatchObject({ name: 'RequestTimeout' });
    client.timeout = patience;
    await vi.waitFor(() => expect(ownOrders(server)).toHaveLength(1));
  });
});

describe('a question that meets', () => {
  it('-2013: one look-up denies an order that is there', async () => {
    const { server, client } = await connect();
    await close(client);
    server.faults.add({ fault: '-2013' });
    await expect(lookUp(client)).rejects.toMatchObject({ name: 'OrderNotFound' });
    expect(await lookUp(client)).toMatchObject({ status: 'closed' });
  });

  it('empty-positions: one list of positions is empty', async () => {
    const { server, client } = await connect();
    server.faults.add({ fault: 'empty-positions' });
    expect(await client.fetchPositions()).toEqual([]);
    expect(await client.fetchPositions()).toHaveLength(1);
  });

  it.each([
    ['429', 7],
    ['418', 3600],
  ] as const)('%s: Retry-After %i', async (fault, retryAfterS) => {
    const { server, client } = await connect();
    server.faults.add({ fault, retryAfterS });
    await expect(client.fetchTime()).rejects.toThrow(`${fault} `);
    expect(client.last_response_headers?.['Retry-After']).toBe(String(retryAfterS));
  });
});

describe('faults by chance', () => {
  it('every one of them happens, and nothing is filled beyond the position', async () => {
    const { server, client } = await connect();
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '991' });
    server.faults.byChance(Object.fromEntries(FAULT_NAMES.map((fault) => [fault, 0.9 / FAULT_NAMES.length])));
    const seen = (): Set<Fault> => new Set(server.injected.map(({ fault }) => fault));
    const settled = async (question: Promise<unknown>): Promise<void> => void (await question.catch(() => null));
    for (let index = 0; index < 5000 && seen().size < FAULT_NAMES.length; index++) {
      await settled(
        client.createOrder(BTC, 'market', 'sell', 1, undefined, { reduceOnly: true, clientOrderId: `own-${index}` }),
      );
      await settled(client.fetchOrder('', BTC, { clientOrderId: `own-${index}` }));
      await settled(client.fetchPositions());
    }
    expect(seen()).toEqual(new Set(FAULT_NAMES));
    const { account } = server.exchange.orders;
    const sold = account.fillsOf('BTCUSDT').filter(({ side }) => side === 'SELL');
    const total = sold.reduce((sum, { quantity }) => sum.add(quantity), account.position('BTCUSDT', 'BOTH').amount);
    expect(total.toFixed()).toBe('1000');
  });

  it('are the same for the same seed', async () => {
    const run = async (): Promise<readonly OneShot['fault'][]> => {
      const { server, client } = await connect();
      server.faults.byChance({ '502': 0.3, 'reset-before': 0.2 });
      for (let index = 0; index < 40; index++) await client.fetchTime().catch(() => null);
      return server.injected.map(({ fault }) => fault);
    };
    const first = await run();
    expect(first.length).toBeGreaterThan(5);
    expect(await run()).toEqual(first);
  });
});
