import { describe, expect, it } from 'vitest';
import type { PositionReference } from '../../../../ports/exchange.ts';
import { positionIdOf } from '../../../../schemas/ids.ts';
import type { ClientOrderId } from '../../../../schemas/generated/records.ts';
import type { BybitServer } from '../../../../packages/fake-bybit/bybit-server.ts';
import { bybitSettings, startBybit, worldOf } from './a-venue.ts';

/** Behaviour that is particular to Bybit. */

const ID = 'hl-0123456789abcdef0123456789abcdef' as ClientOrderId;
const PLACING = 'POST /v5/order/create';
const HOUR_MS = 60 * 60 * 1000;

function observed({ desk }: BybitServer, quantity = 4): PositionReference {
  const opened_at = desk.now() - HOUR_MS;
  return {
    position_id: positionIdOf('main', 'BTCUSDT', 'LONG', opened_at),
    account: 'main',
    symbol: 'BTCUSDT',
    side: 'LONG',
    opened_at,
    observed_at: desk.now(),
    quantity,
    entry_price: 50000,
    mark_price: 60000,
  };
}

function open({ desk }: BybitServer, quantity = '4', symbol = 'BTCUSDT'): void {
  desk.open({ symbol, side: 'LONG', quantity, price: '50000', at: desk.now() - HOUR_MS });
}

const order = (server: BybitServer, quantity = '1') => ({
  clientOrderId: ID,
  position: observed(server),
  quantity,
  pricing: { kind: 'market' } as const,
});

describe('Bybit', () => {
  it('payments of funding stand among the executions, and are no fills', async () => {
    const server = await startBybit();
    open(server);
    const world = await worldOf(bybitSettings(server.url), server);
    for (let index = 0; index < 120; index++) server.payFunding('BTCUSDT', '1.5', server.desk.now() - index - 1);
    const { fills } = await world.venue.fills('BTCUSDT', server.desk.now() - 2 * HOUR_MS);
    expect(fills).toMatchObject([{ quantity: '4', direction: 'BUY' }]);
  });

  it('more positions than a page holds are all shown', async () => {
    const server = await startBybit();
    for (let index = 0; index < 230; index++) {
      server.desk.setMarket({ symbol: `N${index}USDT`, base: `N${index}`, price: '10', lotStep: '1' });
      open(server, '3', `N${index}USDT`);
    }
    const world = await worldOf(bybitSettings(server.url), server);
    const { holdings } = await world.venue.holdings();
    expect(new Set(holdings.map(({ symbol }) => symbol)).size).toBe(230);
  });

  it('an order of more than there is left is cut by the exchange, and done', async () => {
    const server = await startBybit();
    open(server, '0.4');
    const world = await worldOf(bybitSettings(server.url), server);
    expect((await world.exchange.place(order(server))).kind).toBe('accepted');
    expect(await world.exchange.lookUp(ID, 'BTCUSDT')).toMatchObject({
      order: { state: 'DONE', filledQuantity: '0.4' },
    });
  });

  it.each([
    [10006, 'busy', 1],
    [110094, 'min-notional', 1],
    [110074, 'symbol', 1],
    [10001, 'other', 1],
  ] as const)('%i is a definite no: %s', async (code, meaning, sent) => {
    const server = await startBybit();
    open(server);
    const world = await worldOf(bybitSettings(server.url), server);
    await world.exchange.rules('BTCUSDT');
    server.refuse(PLACING, code);
    expect(await world.exchange.place(order(server))).toMatchObject({ kind: 'rejected', meaning, code: String(code) });
    expect(world.asked(PLACING)).toBe(sent);
    // The header of 10006 names the time at which the limit is reset.
    expect(world.client.blockedMs > 0).toBe(code === 10006);
  });

  it.each([
    [10016, false],
    [10016, true],
    [110072, false],
  ] as const)('%i is a doubt (taken: %s)', async (code, taken) => {
    const server = await startBybit();
    open(server);
    const world = await worldOf(bybitSettings(server.url), server);
    server.refuse(PLACING, code, taken);
    expect((await world.exchange.place(order(server))).kind).toBe('in-doubt');
    expect((await world.exchange.lookUp(ID, 'BTCUSDT')).kind).toBe(taken ? 'found' : 'absent');
  });

  it('a clock that is wrong is measured, and the order is sent again', async () => {
    const server = await startBybit();
    open(server);
    const world = await worldOf(bybitSettings(server.url), server);
    server.refuse(PLACING, 10002);
    expect((await world.exchange.place(order(server))).kind).toBe('accepted');
    expect(world.asked(PLACING)).toBe(2);
  });

  it('a position in hedge mode that is opened while the desk runs is incomplete, and says why', async () => {
    const server = await startBybit();
    const world = await worldOf(bybitSettings(server.url), server);
    Object.assign(server.desk.options, { hedge: true });
    open(server);
    const { holdings, incomplete } = await world.venue.holdings();
    expect(holdings).toEqual([]);
    expect(incomplete).toMatchObject([{ symbol: 'BTCUSDT', side: 'LONG', quantity: '4' }]);
    expect(incomplete[0]?.lacks).toMatch(/hedge mode/);
  });

  it.each([
    ['hedge mode', { hedge: true }, /hedge mode.*switch to one-way/],
    ['portfolio margin', { marginMode: 'PORTFOLIO_MARGIN' }, /portfolio margin/],
  ])('%s is refused at the start', async (_, options, why) => {
    const server = await startBybit(options);
    open(server);
    const start = worldOf(bybitSettings(server.url), server);
    await expect(start).rejects.toMatchObject({ code: 'EXCHANGE_UNSUPPORTED', message: expect.stringMatching(why) });
  });

  it('a classic account is refused at the start; on a practice account the exchange does not say', async () => {
    const server = await startBybit({ isUnified: false });
    const live = { ...bybitSettings(server.url), stake: 'live' } as const;
    await expect(worldOf(live, server)).rejects.toMatchObject({
      code: 'EXCHANGE_UNSUPPORTED',
      message: expect.stringContaining('classic account'),
    });
  });

  it('keys that the exchange refuses are said to be that', async () => {
    const server = await startBybit();
    const settings = bybitSettings(server.url);
    const wrong = { ...settings, credentials: { key: 'another-key', secret: 'another', passphrase: null } };
    await expect(worldOf(wrong, server)).rejects.toMatchObject({ code: 'EXCHANGE_AWAY', cause: { keys: true } });
  });
});
