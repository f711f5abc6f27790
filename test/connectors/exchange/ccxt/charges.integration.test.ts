import { describe, expect, it, vi } from 'vitest';
import { CcxtExchange, AccountMode } from '../../../../connectors/exchange/ccxt/ccxt-exchange.ts';
import { VenueClient } from '../../../../connectors/exchange/ccxt/venue-client.ts';
import { VenueMarkets } from '../../../../connectors/exchange/ccxt/venue-markets.ts';
import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../../ports/logger.ts';
import type { Charges, PositionReference } from '../../../../ports/exchange.ts';
import type { Clock } from '../../../../ports/clock.ts';
import type { PositionId } from '../../../../schemas/generated/records.ts';
import { type Connected, connect, settingsFor } from './a-client.ts';
import { HandClock } from './hand-clock.ts';
import { lyingProxy } from './lying-proxy.ts';

const INCOME = 'GET /fapi/v1/income';

/** Two positions that each paid 0.5 of funding. */
async function twoThatPaid(): Promise<Connected> {
  const connected = await connect();
  const { exchange } = connected.server;
  exchange.setMarket({ symbol: 'ETHUSDT', price: '100', lotStep: '0.1' });
  for (const symbol of ['BTCUSDT', 'ETHUSDT']) {
    exchange.open({ symbol, side: 'LONG', quantity: '2', price: '90', at: exchange.now() - 60_000 });
    exchange.funding.charge(exchange, { symbol, amount: '0.5', at: exchange.now() - 1000 });
  }
  return connected;
}

function referenceTo(symbol: string, openedAt: number): PositionReference {
  return {
    position_id: `main:${symbol}:LONG:${openedAt}` as PositionId,
    account: 'main',
    symbol,
    side: 'LONG',
    opened_at: openedAt,
    observed_at: openedAt,
    quantity: 2,
    entry_price: 90,
    mark_price: 100,
  };
}

async function clientOf(url: string, clock: Clock) {
  const client = await VenueClient.open(settingsFor(url), clock, SILENT_LOGGER);
  await client.measureClock();
  return { client, exchange: new CcxtExchange(client, new VenueMarkets(client), await AccountMode.of(client)) };
}

/** The amounts paid, or why they are unknown. */
function fundingOf(charges: Charges): readonly (string | null)[] | string {
  if (charges.kind !== 'records') throw new TypeError('these are no records');
  return 'why' in charges.funding ? charges.funding.why : charges.funding.listed.map(({ charge }) => charge.amount);
}

describe('funding payments, requested once for all symbols', () => {
  it.each<readonly [string, Readonly<Record<string, string | null>>]>([
    ['an amount that is none', { income: 'n/a' }],
    ['an amount that cannot be', { income: '1e400' }],
    ['no amount', { income: null }],
    ['no time', { time: null }],
    ['a time that is none', { time: 'soon' }],
  ])('EXC-11: %s costs its own symbol only', async (_, set) => {
    const { server, exchange } = await twoThatPaid();
    server.changes.add({ fault: 'change-answer', symbol: 'ETHUSDT', path: '/income', set });
    const openedAt = server.exchange.now() - 60_000;
    const [btc, eth] = await Promise.all(
      ['BTCUSDT', 'ETHUSDT'].map(async (symbol) => fundingOf(await exchange.charges(referenceTo(symbol, openedAt)))),
    );
    expect(btc).toEqual(['0.5']);
    expect(eth).toMatch(/cannot be read/);
    expect(server.requests.get(INCOME)).toBe(1);
  });

  it.each([
    ['a payment of no market may be of any', [{ incomeType: 'FUNDING_FEE', income: '-3', asset: 'USDT', tranId: 9 }]],
    ['an answer that is no list is none', {}],
  ])('EXC-8: %s', async (_, body) => {
    const { server } = await twoThatPaid();
    const url = await lyingProxy(server.url, (_method, path) =>
      path.includes('/income') ? { status: 200, body } : undefined,
    );
    const { exchange } = await clientOf(url, new SystemClock());
    const charges = await exchange.charges(referenceTo('BTCUSDT', server.exchange.now() - 60_000));
    expect(fundingOf(charges)).toMatch(/cannot be read|no list/);
  });

  it('EXC-11: a question that fails leaves the answer of a later one to those who follow', async () => {
    const { server, exchange } = await twoThatPaid();
    const openedAt = server.exchange.now() - 60_000;
    server.faults.add({ fault: 'timeout-before', path: '/fapi/v1/income', holdMs: 200 });
    const failed = exchange.charges(referenceTo('BTCUSDT', openedAt));
    await vi.waitFor(() => expect(server.requests.get(INCOME)).toBe(1));
    // An earlier opening needs a request of its own.
    expect(fundingOf(await exchange.charges(referenceTo('ETHUSDT', openedAt - 5000)))).toEqual(['0.5']);
    expect(fundingOf(await failed)).toMatch(/funding/);
    expect(fundingOf(await exchange.charges(referenceTo('BTCUSDT', openedAt)))).toEqual(['0.5']);
    expect(server.requests.get(INCOME)).toBe(2);
  });

  it.each([false, true])('EXC-10: is not known in hedge mode where both sides were open: %s', async (isBoth) => {
    const { server, exchange } = await connect({ hedge: true });
    const openedAt = server.exchange.now() - 60_000;
    const at = openedAt - 1000;
    if (isBoth) server.exchange.open({ symbol: 'BTCUSDT', side: 'SHORT', quantity: '1', price: '90', at });
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '2', price: '90', at: openedAt });
    server.exchange.funding.charge(server.exchange, { symbol: 'BTCUSDT', amount: '0.5' });
    const funding = fundingOf(await exchange.charges(referenceTo('BTCUSDT', openedAt)));
    expect(funding).toEqual(isBoth ? expect.stringMatching(/which of both open sides/) : ['0.5']);
  });

  it('EXC-9, EXC-12: charges that take too long are unknown, and not requested any more', async () => {
    const { server } = await twoThatPaid();
    const clock = new HandClock(server.exchange.now());
    const { client, exchange } = await clientOf(server.url, clock);
    await exchange.rules('BTCUSDT');
    const before = client.queue.spent.positions;
    // Uses up the allowance of an hour.
    await client.queue.turn('place', 60 * client.queue.allowance.perMinute);
    const charges = exchange.charges(referenceTo('BTCUSDT', server.exchange.now() - 60_000));
    await clock.pass(5000);
    expect(fundingOf(await charges)).toMatch(/did not tell within 5000 ms/);
    await clock.pass(2 * 60 * 60_000);
    expect(client.queue.spent.positions).toBe(before);
  });
});

describe('the value of a fee in another asset', () => {
  const values = (charges: Charges) =>
    charges.kind === 'records' && 'listed' in charges.fills ? charges.fills.listed.map(({ fee }) => fee.quote) : null;

  it('EXC-13: is at the mark for a fill of now, at the close of its minute for an older one', async () => {
    const { server, exchange } = await connect({ commissionAsset: 'BNB', commissionAssetPrice: '500' });
    server.exchange.setMarket({ symbol: 'BNBUSDT', price: '600', tick: '0.01', lotStep: '0.01' });
    const openedAt = server.exchange.now() - 60 * 60_000;
    const recent = server.exchange.now() - 2 * 60_000;
    const candles = [openedAt, recent].map((at) => {
      const openTime = Math.floor(at / 60_000) * 60_000;
      return { openTime, open: '499', high: '501', low: '499', close: '500' };
    });
    server.exchange.candles.set('BNBUSDT', '1m', candles);
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '2', price: '100', at: openedAt });
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '2', price: '100', at: recent });
    // 0.0002 BNB each.
    expect(values(await exchange.charges(referenceTo('BTCUSDT', openedAt)))).toEqual(['0.1', '0.12']);
  });

  it('EXC-14: is unknown while the exchange has no market of that asset', async () => {
    const { server, exchange } = await connect({ commissionAsset: 'XYZ', commissionAssetPrice: '1' });
    server.exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '2', price: '100' });
    const reference = referenceTo('BTCUSDT', server.exchange.now() - 1000);
    expect(values(await exchange.charges(reference))).toEqual([null]);
  });
});
