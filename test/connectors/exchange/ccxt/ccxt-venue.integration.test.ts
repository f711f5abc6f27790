import { describe, expect, it } from 'vitest';
import { VenueClient } from '../../../../connectors/exchange/ccxt/venue-client.ts';
import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../../ports/logger.ts';
import { TEST_KEYS } from '../../../../packages/fake-binance/binance-server.ts';
import { DAY_MS, connect, settingsFor } from './a-client.ts';

const MINUTE_MS = 60_000;

describe('an account through ccxt', () => {
  it('positions, with their marks and every digit', async () => {
    const { server, venue } = await connect();
    const at = server.exchange.now() - DAY_MS;
    server.exchange.setMarket({ symbol: 'PEPEUSDT', price: '0.0000117300', tick: '0.0000000001', lotStep: '100' });
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '0.123', price: '90.1', at });
    server.exchange.open({ symbol: 'PEPEUSDT', side: 'SHORT', quantity: '945000', price: '0.0000123456', at: at + 1 });
    expect((await venue.holdings()).holdings).toEqual([
      {
        symbol: 'BTCUSDT',
        side: 'LONG',
        quantity: '0.123',
        entryPrice: '90.1',
        markPrice: '100',
        isDust: false,
        updatedAt: at,
      },
      {
        symbol: 'PEPEUSDT',
        side: 'SHORT',
        quantity: '945000',
        entryPrice: '0.00001235',
        markPrice: '0.00001173',
        isDust: false,
        updatedAt: at + 1,
      },
    ]);
  });

  it('fills, over windows of a week and pages of a thousand', async () => {
    const { server, venue } = await connect();
    const now = server.exchange.now();
    const opening = { symbol: 'BTCUSDT', side: 'LONG', quantity: '0.1' } as const;
    server.exchange.open({ ...opening, at: now - 30 * DAY_MS });
    for (let index = 0; index < 2100; index++) {
      // Many in one millisecond, so that pages meet in the middle of it.
      server.exchange.open({ ...opening, at: now - DAY_MS + Math.floor(index / 300) });
    }
    server.exchange.open(opening);
    expect((await venue.fills('BTCUSDT', now - 2 * DAY_MS)).fills).toHaveLength(2101);
    const { fills: all } = await venue.fills('BTCUSDT', now - 40 * DAY_MS);
    expect(all).toHaveLength(2102);
    expect(new Set(all.map(({ fillId }) => fillId)).size).toBe(2102);
    expect(all.map(({ filledAt }) => filledAt)).toEqual(all.map(({ filledAt }) => filledAt).toSorted((a, b) => a - b));
    expect(all[0]).toEqual({
      fillId: '1',
      orderId: '1000001',
      positionSide: null,
      direction: 'BUY',
      quantity: '0.1',
      price: '100',
      fee: '0.005',
      feeAsset: 'USDT',
      feeAmount: '0.005',
      filledAt: now - 30 * DAY_MS,
    });
  });

  it('EXC-15: more fills of one millisecond than a page holds', async () => {
    const { server, venue } = await connect();
    const at = server.exchange.now() - 60 * MINUTE_MS;
    const filling = { symbol: 'BTCUSDT', side: 'LONG', quantity: '0.1', at } as const;
    for (let index = 0; index < 1200; index++) server.exchange.open(filling);
    server.exchange.open({ ...filling, at: at + 5 });
    const { fills, since } = await venue.fills('BTCUSDT', at - 10 * DAY_MS);
    expect([fills.length, new Set(fills.map(({ fillId }) => fillId)).size, since]).toEqual([
      1201,
      1201,
      at - 10 * DAY_MS,
    ]);
  });

  it('EXC-17: old fills are read whole, in whatever stretches', async () => {
    const { server, venue } = await connect();
    const now = server.exchange.now();
    const count = 2300;
    for (let index = 0; index < count; index++) {
      const at = now - 2 * DAY_MS + index * MINUTE_MS;
      server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '0.1', at });
    }
    const found = new Set<string>();
    for (let before = now; before > now - 3 * DAY_MS;) {
      const older = await venue.olderFills('BTCUSDT', before);
      if (older === null) throw new Error('nothing else waits');
      expect(older.fills.every(({ filledAt }) => filledAt >= older.since && filledAt <= before)).toBe(true);
      for (const { fillId } of older.fills) found.add(fillId);
      before = older.since;
    }
    expect(found.size).toBe(count);
  });

  it('EXC-28: resting orders are both lists or none', async () => {
    const { server, venue } = await connect();
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '1' });
    server.faults.add({ fault: 'timeout-before', path: '/fapi/v1/openAlgoOrders', holdMs: 50 });
    await expect(venue.stops('BTCUSDT', 'LONG')).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
    expect(await venue.stops('BTCUSDT', 'LONG')).toMatchObject({ resting: [] });
  });

  it.each([
    ['web', 'ORDER'],
    ['liquidation', 'LIQUIDATION'],
    ['adl', 'ADL'],
    ['settlement', 'SETTLEMENT'],
  ] as const)('an order by %s is a %s', async (hand, cause) => {
    const { server, venue } = await connect();
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '1' });
    const order = server.exchange.close('BTCUSDT', 'LONG', hand);
    const origin = await venue.orderOrigin('BTCUSDT', String(order?.orderId) as never);
    expect(origin).toEqual({ clientOrderId: order?.clientOrderId, cause });
  });

  it('stops and targets, and the orders that they became', async () => {
    const { server, venue } = await connect();
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '1' });
    const stop = { symbol: 'BTCUSDT', side: 'LONG', orderType: 'STOP_MARKET', triggerPrice: '95.5' } as const;
    server.exchange.placeStop(stop);
    const target = server.exchange.placeStop({
      ...stop,
      orderType: 'TAKE_PROFIT_MARKET',
      triggerPrice: '120',
      quantity: '0.5',
    });
    expect(await venue.stops('BTCUSDT', 'LONG')).toMatchObject({ stopPrice: '95.5', takeProfitPrice: '120' });
    expect(await venue.stops('BTCUSDT', 'SHORT')).toEqual({ stopPrice: null, takeProfitPrice: null, resting: [] });
    const hit = server.exchange.trigger(target);
    expect(await venue.orderOrigin('BTCUSDT', String(hit?.orderId) as never)).toMatchObject({ cause: 'TAKE_PROFIT' });
    expect(await venue.orderOrigin('BTCUSDT', '999' as never)).toBeNull();
  });

  it('closed candles only, oldest first', async () => {
    const { server, venue } = await connect();
    const candles = await venue.candles('BTCUSDT', 50);
    expect(candles).toHaveLength(50);
    const times = candles.map(({ closedAt }) => closedAt);
    expect(times).toEqual(times.map((_, index) => (times[0] ?? 0) + index * 5 * MINUTE_MS));
    expect(times.at(-1)).toBeLessThanOrEqual(server.exchange.now());
    expect(server.exchange.now() - (times.at(-1) ?? 0)).toBeLessThan(5 * MINUTE_MS);
  });

  it('any request without an answer is EXCHANGE_AWAY', async () => {
    const { server, venue } = await connect();
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '1' });
    await venue.holdings();
    const questions = [
      () => venue.holdings(),
      () => venue.fills('BTCUSDT', server.exchange.now() - DAY_MS),
      () => venue.candles('BTCUSDT', 3),
      () => venue.stops('BTCUSDT', 'LONG'),
      () => venue.orderOrigin('BTCUSDT', '1000001' as never),
    ];
    for (const fault of ['502', 'half-reply-taken', 'reset-before', 'timeout-before'] as const) {
      for (const ask of questions) {
        server.faults.add({ fault });
        await expect(ask()).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
      }
    }
  });
});

describe('the client of an exchange', () => {
  it('measures and corrects the skew of the clock, and again when the exchange refuses a timestamp', async () => {
    const { server, client, venue } = await connect();
    for (const skewMs of [120_000, -120_000]) {
      server.exchange.skewMs = skewMs;
      expect((await venue.holdings()).holdings).toEqual([]);
      expect(Math.abs(client.clock.skewMs - skewMs)).toBeLessThan(500);
    }
  });

  it('finds a market that was listed after the start', async () => {
    const { server, client, exchange, venue } = await connect();
    expect(await exchange.rules('NEWUSDT')).toBeNull();
    server.exchange.setMarket({ symbol: 'NEWUSDT', price: '2', lotStep: '0.1' });
    server.exchange.open({ symbol: 'NEWUSDT', side: 'LONG', quantity: '10' });
    // The list is read again half a minute later.
    expect((await venue.holdings()).holdings).toEqual([]);
    server.exchange.skewMs = 31_000;
    await client.measureClock();
    expect((await venue.holdings()).holdings).toMatchObject([{ symbol: 'NEWUSDT', quantity: '10' }]);
    expect(await exchange.rules('NEWUSDT')).toMatchObject({ lotStep: '0.1' });
  });

  it('a start during an outage goes on after it: failed requests are sent again', async () => {
    const { server, venue } = await connect();
    const outage = { fault: '502', path: '/fapi/v1/exchangeInfo' } as const;
    server.faults.add(outage, outage);
    await expect(venue.holdings()).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
    await expect(venue.holdings()).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
    expect((await venue.holdings()).holdings).toEqual([]);
  });

  it('EXC-32: sends nothing while the exchange has asked for a wait', async () => {
    const { server, client, venue } = await connect({ retryAfterS: 3600 });
    server.faults.add({ fault: '418', path: '/fapi/v3/positionRisk' });
    await expect(venue.holdings()).rejects.toThrow(/418/);
    const asked = [...server.requests.values()].reduce((sum, count) => sum + count, 0);
    await expect(venue.holdings()).rejects.toThrow(/left alone/);
    await expect(venue.fills('BTCUSDT', 0)).rejects.toThrow(/left alone/);
    expect([...server.requests.values()].reduce((sum, count) => sum + count, 0)).toBe(asked);
    expect(client.blockedMs).toBeGreaterThan(3_500_000);
  });

  it('EXC-31: no secret is in any error, whatever fails', async () => {
    const { server, client, venue } = await connect();
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '1' });
    const words: string[] = [];
    await venue.holdings();
    for (const fault of ['502', 'half-reply-taken', 'reset-before', 'timeout-before', '-1021', '429'] as const) {
      server.faults.add({ fault }, { fault });
      words.push(await venue.holdings().then(String, (error: Error) => `${error.stack} ${String(error.cause)}`));
      words.push(
        await client
          .send('positions', (api) => api.fetchPositions())
          .then(String, (error: Error) => String(error.stack)),
      );
    }
    const wrong = await VenueClient.open(
      {
        ...settingsFor(server.url),
        credentials: { key: 'another-key-1234', secret: TEST_KEYS.secret, passphrase: null },
      },
      new SystemClock(),
      SILENT_LOGGER,
    );
    words.push(
      await wrong
        .ask('positions', 'positions', (api) => api.fetchPositions())
        .then(String, (error: Error) => String(error.stack)),
    );
    const said = words.join('\n');
    expect(said).toContain('HTTP 429');
    for (const secret of [TEST_KEYS.secret, TEST_KEYS.key, 'another-key-1234']) expect(said).not.toContain(secret);
    expect(said).not.toMatch(/signature=(?!\[hidden\])/);
  });

  it('refuses an id that ccxt does not know', async () => {
    const open = VenueClient.open(
      { ...settingsFor('http://127.0.0.1:1'), id: 'nosuch' },
      new SystemClock(),
      SILENT_LOGGER,
    );
    await expect(open).rejects.toMatchObject({ code: 'USAGE' });
  });
});
