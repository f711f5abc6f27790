import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AccountMode, CcxtExchange } from '../../../../connectors/exchange/ccxt/ccxt-exchange.ts';
import { CcxtVenue } from '../../../../connectors/exchange/ccxt/ccxt-venue.ts';
import { VenueClient } from '../../../../connectors/exchange/ccxt/venue-client.ts';
import { VenueMarkets } from '../../../../connectors/exchange/ccxt/venue-markets.ts';
import { probeVenue } from '../../../../connectors/exchange/ccxt/venue-probe.ts';
import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import { type Logger, SILENT_LOGGER } from '../../../../ports/logger.ts';
import type { PositionId } from '../../../../schemas/generated/records.ts';
import { connect, settingsFor } from './a-client.ts';
import { type Lie, lyingProxy } from './lying-proxy.ts';

/** An exchange with BTCUSDT behind a proxy, and a client with a clock that is moved by hand. */
async function lying(lie: Lie) {
  const world = await connect();
  world.server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '2', price: '90' });
  const machine = new SystemClock();
  const ahead = { ms: 0 };
  const clock = { now: () => machine.now() + ahead.ms, sleep: machine.sleep.bind(machine) };
  const errors: string[] = [];
  const logger: Logger = { ...SILENT_LOGGER, error: (_: object, text: string) => void errors.push(text) };
  const client = await VenueClient.open(settingsFor(await lyingProxy(world.server.url, lie)), clock, logger);
  await client.measureClock();
  const markets = new VenueMarkets(client);
  const exchange = new CcxtExchange(client, markets, await AccountMode.of(client));
  return { ...world, client, markets, exchange, venue: new CcxtVenue(client, markets), ahead, errors };
}

const position = (now: number) =>
  ({
    position_id: 'main:BTCUSDT:LONG:1' as PositionId,
    account: 'main',
    symbol: 'BTCUSDT',
    side: 'LONG',
    opened_at: now - 1000,
    observed_at: now,
    quantity: 3,
    entry_price: 90,
    mark_price: 100,
  }) as const;

describe('keys that are refused while the program runs', () => {
  it.each([
    [401, -2015],
    [401, -2014],
    [400, -1022],
  ])(
    'EXC-35: HTTP %i with %i is logged at once, retried for half a minute, and final after that',
    async (status, code) => {
      let isRevoked = false;
      const { venue, ahead, errors } = await lying((_, path) =>
        isRevoked && path.includes('signature=') ? { status, body: { code, msg: 'refused' } } : undefined,
      );
      await venue.holdings();
      isRevoked = true;
      await expect(venue.holdings()).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
      expect(errors).toEqual([expect.stringMatching(/refuses the keys.*ends if that goes on for 30 s/)]);
      // A public request does not prove the keys.
      expect(await venue.candles('BTCUSDT', 3)).toHaveLength(3);
      ahead.ms += 31_000;
      await expect(venue.holdings()).rejects.toMatchObject({ code: 'KEYS_REFUSED' });
      expect(errors).toHaveLength(1);
      // After an accepted request the half minute starts again.
      isRevoked = false;
      await venue.holdings();
      isRevoked = true;
      await expect(venue.holdings()).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
    },
  );

  it('EXC-35: a key without one permission stays in use', async () => {
    const { venue, ahead } = await lying((_, path) =>
      path.includes('openAlgoOrders') ? { status: 401, body: { code: -2015, msg: 'no permission' } } : undefined,
    );
    for (let count = 0; count < 4; count++) {
      await venue.holdings();
      await expect(venue.stops('BTCUSDT', 'LONG')).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
      ahead.ms += 31_000;
    }
  });
});

describe('EXC-6: a failure for one symbol is not waited out', () => {
  it.each([
    [400, { code: -1121, msg: 'Invalid symbol.' }],
    [503, { msg: 'Service Unavailable' }],
  ])('fills that are answered by %i: nothing is known of the position', async (status, body) => {
    let isSick = false;
    const { exchange, server } = await lying((_, path) =>
      isSick && path.includes('userTrades') ? { status, body } : undefined,
    );
    isSick = true;
    expect(await exchange.position(position(server.exchange.now()))).toEqual({ quantity: null });
  });

  it('a mark price without an answer is unknown', async () => {
    const { exchange, server } = await lying((_, path) =>
      path.includes('premiumIndex') ? { status: 500, body: { msg: 'x' } } : undefined,
    );
    expect(await exchange.markPrice(position(server.exchange.now()))).toBeNull();
  });

  it('an exchange that does not list positions is waited for', async () => {
    const { exchange, server } = await lying((_, path) =>
      path.includes('positionRisk') ? { status: 502, body: {} } : undefined,
    );
    await expect(exchange.position(position(server.exchange.now()))).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
  });

  it('the order of a fill in a delisted market is unknown', async () => {
    const { venue } = await lying((_, path) =>
      path.includes('/order?') ? { status: 400, body: { code: -1121, msg: 'Invalid symbol.' } } : undefined,
    );
    expect(await venue.orderOrigin('BTCUSDT', '77' as never)).toBeNull();
  });
});

it('EXC-33: a reply that stops in its middle ends with the time-out', async () => {
  const half = createServer((_, response) => void response.writeHead(200, { 'content-length': 100 }).write('{"a":'));
  half.listen(0, '127.0.0.1');
  await once(half, 'listening');
  onTestFinished(() => half.closeAllConnections());
  const url = `http://127.0.0.1:${(half.address() as AddressInfo).port}`;
  const client = await VenueClient.open(settingsFor(url, { timeout: 200 }), new SystemClock(), SILENT_LOGGER);
  const asked = client.ask('look-up', 'time', (api) => api.fetchTime());
  await expect(asked).rejects.toThrow(/no whole answer within 200 ms/);
  half.close();
});

it('EXC-43: an exchange that does not deny an order of an unused id has no look-up by client id', async () => {
  const { client, markets } = await lying((method, path) =>
    method === 'GET' && path.startsWith('/fapi/v1/order?')
      ? { status: 400, body: { code: -1128, msg: 'Combination of optional parameters invalid.' } }
      : undefined,
  );
  await expect(probeVenue(client, markets)).rejects.toMatchObject({
    code: 'EXCHANGE_UNSUPPORTED',
    message: expect.stringMatching(/no look-up by client order id/),
  });
});

it('EXC-39: without a new list of markets the previous one is used, and requests and orders go on', async () => {
  let isAway = false;
  const { markets, venue, exchange, ahead, server } = await lying((_, path) =>
    isAway && path.includes('exchangeInfo') ? { status: 502, body: {} } : undefined,
  );
  expect(await markets.byId('BTCUSDT')).not.toBeNull();
  isAway = true;
  ahead.ms += 2 * 3_600_000;
  expect(await markets.byId('BTCUSDT')).not.toBeNull();
  markets.forget('BTCUSDT');
  expect(await markets.byId('BTCUSDT')).not.toBeNull();
  ahead.ms = 0;
  expect((await venue.holdings()).holdings).toMatchObject([{ symbol: 'BTCUSDT' }]);
  const now = server.exchange.now();
  const pricing = { kind: 'market' } as const;
  const order = { clientOrderId: 'H-1' as never, position: position(now), quantity: '1', pricing };
  expect(await exchange.place(order)).toMatchObject({ kind: 'accepted' });
});

it('EXC-41: only an order in a market with outdated rules waits for the reload of the list', async () => {
  const { markets, exchange, venue, server } = await lying(() => undefined);
  await markets.ready();
  markets.forget('BTCUSDT');
  let isRead = false;
  server.faults.add({ fault: 'slow', method: 'GET', path: '/fapi/v1/exchangeInfo', delayMs: 300 });
  const rules = exchange.rules('BTCUSDT').then(() => void (isRead = true));
  expect((await venue.holdings()).holdings).toMatchObject([{ symbol: 'BTCUSDT' }]);
  expect(await venue.candles('BTCUSDT', 3)).toHaveLength(3);
  expect(isRead).toBe(false);
  await rules;
});

it('EXC-42: a market that cannot be read costs only itself', async () => {
  const { markets } = await lying((_, path, answered) => {
    if (!path.includes('exchangeInfo')) return undefined;
    const { symbols } = answered.body as { readonly symbols: readonly object[] };
    return { ...answered, body: { symbols: [{ ...symbols[0], symbol: 'ODDUSDT', filters: 'none' }, ...symbols] } };
  });
  expect(await markets.byId('BTCUSDT')).not.toBeNull();
});
