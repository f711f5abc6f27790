import { describe, expect, it } from 'vitest';
import { VenueClient } from '../../../../connectors/exchange/ccxt/venue-client.ts';
import { SILENT_LOGGER } from '../../../../ports/logger.ts';
import type { ClientOrderId, PositionId } from '../../../../schemas/generated/records.ts';
import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import { DAY_MS, connect, settingsFor } from './a-client.ts';
import { type Answered, lyingProxy } from './lying-proxy.ts';

describe('orders-behind-history', () => {
  it('EXC-36: an order goes before a hundred waiting requests for old fills', async () => {
    // The pace of an unknown exchange: a request every 50 ms, by ccxt's rateLimit.
    const { server, client, exchange } = await connect({}, SILENT_LOGGER, { rateLimit: 50 });
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '1', price: '90' });
    await exchange.rules('BTCUSDT');
    const now = server.exchange.now();
    const fills = Array.from({ length: 100 }, () =>
      client.ask('history', 'fills', (api) => api.fetchMyTrades('BTC/USDT:USDT', now - DAY_MS)),
    );
    const position = {
      position_id: 'main:BTCUSDT:LONG:1' as PositionId,
      account: 'main',
      symbol: 'BTCUSDT',
      side: 'LONG',
      opened_at: 1,
      observed_at: now,
      quantity: 1,
      entry_price: 90,
      mark_price: 100,
    } as const;
    const pricing = { kind: 'market' } as const;
    const order = { clientOrderId: 'hl-1' as ClientOrderId, position, quantity: '0.5', pricing };
    expect(await exchange.place(order, (send) => send())).toMatchObject({ kind: 'accepted' });
    // Fewer than were waiting before it.
    expect(server.requests.get('GET /fapi/v1/userTrades') ?? 0).toBeLessThan(10);
    expect(server.attempts).toHaveLength(1);
    void Promise.allSettled(fills);
  });
});

describe('a ban without Retry-After', () => {
  it.each([418, 429, 403])('EXC-32: HTTP %i: nothing is sent before the time in its message', async (status) => {
    const { server } = await connect();
    const clock = new SystemClock();
    const until = clock.now() + 3_600_000;
    let banned = false;
    const url = await lyingProxy(server.url, (): Answered | undefined => {
      const msg = `Way too many requests; IP(203.0.113.9) banned until ${until}. Please use the websocket for live updates.`;
      return banned ? { status, body: { code: -1003, msg } } : undefined;
    });
    const client = await VenueClient.open(settingsFor(url), clock, SILENT_LOGGER);
    await client.measureClock();
    banned = true;
    const ask = (): Promise<unknown> => client.ask('positions', 'positions', (api) => api.fetchTime());
    await expect(ask()).rejects.toThrow(/banned until/);
    banned = false;
    const asked = server.requests.get('GET /fapi/v1/time');
    await expect(ask()).rejects.toThrow(/left alone/);
    expect(server.requests.get('GET /fapi/v1/time')).toBe(asked);
    expect(client.blockedMs).toBeGreaterThan(3_500_000);
  });

  it.each([
    ['a time that is over', (now: number) => `IP banned until ${now - 1000}.`],
    ['a time of another century', () => 'IP banned until 9999999999999.'],
    ['no time', () => 'Too many requests.'],
  ])('%s: for as long as an exchange is left alone that names none', async (_, words) => {
    const { server } = await connect();
    let banned = false;
    const machine = new SystemClock();
    const url = await lyingProxy(server.url, (): Answered | undefined =>
      banned ? { status: 418, body: { code: -1003, msg: words(machine.now()) } } : undefined,
    );
    const client = await VenueClient.open(settingsFor(url), machine, SILENT_LOGGER);
    await client.measureClock();
    banned = true;
    await expect(client.ask('positions', 'time', (api) => api.fetchTime())).rejects.toThrow(/418/);
    expect(client.blockedMs).toBeGreaterThan(9000);
    expect(client.blockedMs).toBeLessThanOrEqual(10_000);
  });
});

it('EXC-24: the count of the exchange is read from its replies', async () => {
  const { server } = await connect({ weightPerMinute: 2400 });
  const { rateLimit: _, ...ccxt } = settingsFor(server.url).ccxt;
  // Starts in the middle of a minute, so that the test ends within it.
  const machine = new SystemClock();
  const clock = { now: () => Date.UTC(2026, 0, 1, 0, 0, 30), sleep: machine.sleep.bind(machine) };
  const client = await VenueClient.open({ ...settingsFor(server.url), ccxt }, clock, SILENT_LOGGER);
  expect(client.queue.allowance.perMinute).toBe(2400);
  expect(client.queue.used).toBeNull();
  await client.ask('positions', 'time', (api) => api.fetchTime());
  expect(client.queue.used).toBeGreaterThan(0);
  expect(client.queue.spent.positions).toBe(1);
});
