import { describe, expect, it } from 'vitest';
import { AccountMode, CcxtExchange } from '../../../../connectors/exchange/ccxt/ccxt-exchange.ts';
import { CcxtVenue } from '../../../../connectors/exchange/ccxt/ccxt-venue.ts';
import { VenueClient } from '../../../../connectors/exchange/ccxt/venue-client.ts';
import { VenueMarkets } from '../../../../connectors/exchange/ccxt/venue-markets.ts';
import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../../ports/logger.ts';
import type { PositionId } from '../../../../schemas/generated/records.ts';
import { type Connected, DAY_MS, connect, settingsFor } from './a-client.ts';
import { type Lie, lyingProxy } from './lying-proxy.ts';

/** The same client behind a proxy that changes the exchange's answers. */
async function lying(
  world: Connected,
  lie: Lie,
): Promise<Pick<Connected, 'venue' | 'exchange' | 'markets' | 'client'>> {
  const url = await lyingProxy(world.server.url, lie);
  const client = await VenueClient.open(settingsFor(url), new SystemClock(), SILENT_LOGGER);
  await client.measureClock();
  const markets = new VenueMarkets(client);
  const exchange = new CcxtExchange(client, markets, await AccountMode.of(client));
  return { client, markets, venue: new CcxtVenue(client, markets), exchange };
}

type Row = Readonly<Record<string, unknown>>;

/** Changes the rows of a symbol in a list. */
const rows = (body: unknown, symbol: string, change: (row: Row) => Row): unknown =>
  (body as readonly Row[]).map((row) => (row['symbol'] === symbol ? change(row) : row));

const REFUSED = { status: 400, body: { code: -1121, msg: 'Invalid symbol.' } };
const NO_MARK = { status: 200, body: { symbol: 'SOLUSDT', markPrice: '0.00000000', indexPrice: '0' } };
const without = (row: Row, name: string): Row =>
  Object.fromEntries(Object.entries(row).filter(([key]) => key !== name));
const ZERO = { markPrice: '0.00000000', notional: '0', unRealizedProfit: '0' };

const SICK: readonly [string, (row: Row) => Row, Lie, { entryPrice: string | null; lacks: RegExp }][] = [
  ['no mark anywhere', (row) => ({ ...row, ...ZERO }), () => NO_MARK, { entryPrice: '168.041', lacks: /mark price/ }],
  ['refused', (row) => ({ ...row, ...ZERO }), () => REFUSED, { entryPrice: '168.041', lacks: /mark price/ }],
  [
    'the mark alone is 0',
    (row) => ({ ...row, markPrice: '0.00000000' }),
    () => REFUSED,
    { entryPrice: '168.041', lacks: /mark price/ },
  ],
  ['the entry is 0', (row) => ({ ...row, entryPrice: '0.0' }), () => undefined, { entryPrice: null, lacks: /entry/ }],
  ['no entry', (row) => without(row, 'entryPrice'), () => undefined, { entryPrice: null, lacks: /entry price/ }],
];

describe('EXC-19, mark-price-zero: one symbol that the exchange shows in part', () => {
  it.each(SICK)('%s: it alone is incomplete, with what is known of it', async (_, change, premium, expected) => {
    const world = await connect();
    for (const symbol of ['ETHUSDT', 'SOLUSDT'])
      world.server.exchange.setMarket({ symbol, price: '170', lotStep: '0.1' });
    world.server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '0.1', price: '90' });
    world.server.exchange.open({ symbol: 'SOLUSDT', side: 'SHORT', quantity: '11.9', price: '168.041' });
    world.server.exchange.open({ symbol: 'ETHUSDT', side: 'LONG', quantity: '1', price: '150' });
    const { venue, exchange } = await lying(world, (method, path, answered) => {
      if (path.startsWith('/fapi/v3/positionRisk'))
        return { ...answered, body: rows(answered.body, 'SOLUSDT', change) };
      return path.includes('premiumIndex') && path.includes('SOLUSDT') ? premium(method, path, answered) : undefined;
    });
    const { holdings, incomplete } = await venue.holdings();
    expect(holdings.map(({ symbol }) => symbol)).toEqual(['BTCUSDT', 'ETHUSDT']);
    expect(incomplete).toEqual([
      {
        symbol: 'SOLUSDT',
        side: 'SHORT',
        quantity: '11.9',
        entryPrice: expected.entryPrice,
        lacks: expect.stringMatching(expected.lacks),
      },
    ]);
    const now = world.server.exchange.now();
    const reference = {
      position_id: 'main:SOLUSDT:SHORT:1' as PositionId,
      account: 'main',
      symbol: 'SOLUSDT',
      side: 'SHORT',
      opened_at: 1,
      observed_at: now,
      quantity: 11.9,
      entry_price: 168.041,
      mark_price: 170,
    } as const;
    expect(await exchange.position(reference), 'no order rests on it').toEqual({ quantity: null });
  });
});

describe('EXC-37, two-ids-one-name: what the exchange shows under an id is that market', () => {
  const market = (id: string, lotStep: string): object => ({ symbol: id, price: '1.5', tick: '0.0001', lotStep });

  it.each([
    ['twin last', ['BNXUSDT', 'BNXUSDTSETTLED']],
    ['twin first', ['BNXUSDTSETTLED', 'BNXUSDT']],
  ])('%s', async (_, ids) => {
    const world = await connect();
    for (const id of ids) {
      world.server.exchange.setMarket(market(id, id === 'BNXUSDT' ? '0.1' : '1') as { symbol: string; price: string });
    }
    world.server.exchange.open({ symbol: 'BNXUSDT', side: 'LONG', quantity: '1000', price: '1' });
    const { venue, exchange, markets } = await lying(world, (__, path, answered) => {
      if (!path.startsWith('/fapi/v1/exchangeInfo')) return undefined;
      const body = answered.body as { symbols: readonly Row[] };
      const twin = { baseAsset: 'BNX', quoteAsset: 'USDT', status: 'SETTLING' };
      return {
        ...answered,
        body: { ...body, symbols: rows(body.symbols, 'BNXUSDTSETTLED', (row) => ({ ...row, ...twin })) },
      };
    });
    expect((await venue.holdings()).holdings).toMatchObject([{ symbol: 'BNXUSDT', quantity: '1000' }]);
    expect((await markets.byId('BNXUSDT'))?.rules.lotStep).toBe('0.1');
    expect((await markets.byId('BNXUSDTSETTLED'))?.rules.lotStep).toBe('1');
    expect((await venue.fills('BNXUSDT', world.server.exchange.now() - DAY_MS)).fills).toHaveLength(1);
    expect(await exchange.rules('BNXUSDT')).toMatchObject({ lotStep: '0.1' });
  });
});

it('EXC-38: a delisted market is remembered, and its open positions are shown', async () => {
  const world = await connect();
  world.server.exchange.setMarket({ symbol: 'OLDUSDT', price: '5', lotStep: '1' });
  world.server.exchange.open({ symbol: 'OLDUSDT', side: 'LONG', quantity: '7', price: '4' });
  let listed = true;
  const { venue, markets } = await lying(world, (_, path, answered) => {
    if (listed || !path.startsWith('/fapi/v1/exchangeInfo')) return undefined;
    const body = answered.body as { symbols: readonly Row[] };
    return { ...answered, body: { ...body, symbols: body.symbols.filter(({ symbol }) => symbol !== 'OLDUSDT') } };
  });
  expect((await venue.holdings()).holdings).toMatchObject([{ symbol: 'OLDUSDT', quantity: '7' }]);
  listed = false;
  markets.forget('OLDUSDT');
  await markets.rules('OLDUSDT');
  expect((await venue.holdings()).holdings).toMatchObject([{ symbol: 'OLDUSDT', quantity: '7' }]);
  expect((await venue.fills('OLDUSDT', world.server.exchange.now() - DAY_MS)).fills).toHaveLength(1);
});

describe('fills-older-than-ninety-days', () => {
  it.each([
    [20, 90, 180],
    [45, 90, 90],
    [45, 40, 30],
    [120, 90, 90],
  ])('EXC-16: opened %i days ago, told of %i: asked for half a year, told of %i days', async (opened, kept, told) => {
    const world = await connect();
    const now = world.server.exchange.now();
    world.server.exchange.open({
      symbol: 'BTCUSDT',
      side: 'LONG',
      quantity: '1',
      price: '90',
      at: now - opened * DAY_MS,
    });
    const { venue } = await lying(world, (_, path) => {
      const start = Number(new URLSearchParams(path.split('?')[1]).get('startTime') ?? now);
      if (!path.startsWith('/fapi/v1/userTrades') || start >= now - kept * DAY_MS) return undefined;
      const msg = `Search window is restricted to recent ${kept} days only.`;
      return told === 180 ? undefined : { status: 400, body: { code: -4166, msg } };
    });
    const { fills, since } = await venue.fills('BTCUSDT', now - 180 * DAY_MS);
    expect(Math.round((now - since) / DAY_MS)).toBe(told);
    expect(fills).toHaveLength(opened <= told ? 1 : 0);
  });
});
