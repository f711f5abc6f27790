import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';

const MARKET = { symbol: 'BTCUSDT', price: '100', tick: '0.1', lotStep: '0.001' };
const LONG = { symbol: 'BTCUSDT', side: 'LONG', quantity: '4' };

async function aServer(): Promise<string> {
  const server = await BinanceServer.start();
  onTestFinished(() => server.close());
  return server.url;
}

async function control(url: string, name: string, given?: object): Promise<{ status: number; reply: unknown }> {
  const body = given === undefined ? null : JSON.stringify(given);
  const response = await fetch(`${url}/_control/${name}`, { method: body === null ? 'GET' : 'POST', body });
  return { status: response.status, reply: await response.json() };
}

const stateOf = async (url: string) => (await control(url, 'state')).reply;

describe('the server told by another process', () => {
  it('makes markets, positions, prices and stops, and shows them', async () => {
    const url = await aServer();
    expect(await control(url, 'market', MARKET)).toEqual({ status: 200, reply: {} });
    const at = Date.UTC(2026, 0, 1);
    expect(await control(url, 'open', { ...LONG, price: '90', at })).toMatchObject({
      reply: { executedQty: '4', time: at },
    });
    const stop = { symbol: 'BTCUSDT', side: 'LONG', orderType: 'STOP_MARKET', triggerPrice: '95' };
    expect(await control(url, 'stop', stop)).toMatchObject({ reply: { algoId: 1 } });
    expect(await control(url, 'close', { ...LONG, quantity: '1', hand: 'web' })).toMatchObject({
      reply: { clientOrderId: expect.stringMatching(/^web_/), executedQty: '1' },
    });
    await control(url, 'mark', { symbol: 'BTCUSDT', price: '110' });
    expect(await stateOf(url)).toMatchObject({
      hedge: false,
      positions: [{ positionAmt: '3', entryPrice: '90', markPrice: '110' }],
      orders: [
        { side: 'BUY', fills: [{ qty: '4', price: '90', time: at }] },
        { side: 'SELL', fills: [{ realizedPnl: '10' }] },
      ],
      algoOrders: [{ algoStatus: 'NEW', triggerPrice: '95' }],
    });
    expect(await control(url, 'trigger', { algoId: 1 })).toMatchObject({ reply: { executedQty: '3' } });
    expect(await control(url, 'close', LONG)).toEqual({ status: 200, reply: null });
    expect(await control(url, 'skew', { ms: -1000 })).toMatchObject({ status: 200 });
  });

  it('misbehaves on request, and says what it did', async () => {
    const url = await aServer();
    await control(url, 'fault', { fault: '502', path: '/fapi/v1/time' });
    expect(await stateOf(url)).toMatchObject({ faultsWaiting: 1 });
    expect((await fetch(`${url}/fapi/v1/time`)).status).toBe(502);
    expect((await fetch(`${url}/fapi/v1/time`)).status).toBe(200);
    await control(url, 'chances', { '503': 1 });
    expect((await fetch(`${url}/fapi/v1/time`)).status).toBe(503);
    await control(url, 'calm', {});
    expect((await fetch(`${url}/fapi/v1/time`)).status).toBe(200);
    expect(await stateOf(url)).toMatchObject({
      requests: { 'GET /fapi/v1/time': 4 },
      faults: [
        { seq: 1, method: 'GET', path: '/fapi/v1/time', clientOrderId: null, fault: '502' },
        { seq: 3, fault: '503' },
      ],
    });
  });

  it('gives candles as they were given', async () => {
    const url = await aServer();
    await control(url, 'market', MARKET);
    const openTime = Math.floor(Date.UTC(2026, 0, 1) / 300_000) * 300_000;
    const candle = { openTime, open: '1', high: '2', low: '0.5', close: '1.5' };
    await control(url, 'candles', { symbol: 'BTCUSDT', interval: '5m', candles: [candle] });
    const query = `symbol=BTCUSDT&interval=5m&startTime=${openTime}&limit=1`;
    const [row] = (await (await fetch(`${url}/fapi/v1/klines?${query}`)).json()) as unknown[][];
    expect(row?.slice(0, 5)).toEqual([openTime, '1', '2', '0.5', '1.5']);
  });

  it('says what is wrong with what it was told', async () => {
    const url = await aServer();
    expect(await control(url, 'nosuch', {})).toMatchObject({
      status: 404,
      reply: { error: expect.stringMatching(/there are market, mark/) },
    });
    expect(await control(url, 'open', LONG)).toEqual({ status: 400, reply: { error: '-1121: Invalid symbol.' } });
    expect(await control(url, 'fault', { fault: 'nosuch' })).toMatchObject({ status: 400 });
    const unknown = await fetch(`${url}/fapi/v9/nosuch`);
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { code: -5000 }]);
  });
});

describe('the server as a program', () => {
  function serve(...options: string[]): ChildProcess {
    const program = new URL('../../../packages/fake-binance/serve.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [program, '--port', '0', ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  }

  it('prints its address first, opens a desk, and ends when it is told to', async () => {
    const child = serve('--symbols', '3', '--hedge');
    if (child.stdout === null) throw new Error('it has no output');
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { http } = JSON.parse(line) as { http: string };
    expect(http).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await stateOf(http)).toMatchObject({
      hedge: true,
      positions: [{ positionSide: 'LONG' }, { positionSide: 'SHORT' }, { positionSide: 'LONG' }],
    });
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
