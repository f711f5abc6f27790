import { describe, expect, it } from 'vitest';
import type { PositionReference } from '../../../../ports/exchange.ts';
import { positionIdOf } from '../../../../schemas/ids.ts';
import type { ClientOrderId, Side } from '../../../../schemas/generated/records.ts';
import type { OkxServer } from '../../../../packages/fake-okx/okx-server.ts';
import { okxSettings, startOkx, worldOf } from './a-venue.ts';

/** Behaviour that is particular to OKX. */

const ID = 'hl-0123456789abcdef0123456789abcdef' as ClientOrderId;
const BTC = 'BTC-USDT-SWAP';
const PLACING = 'POST /api/v5/trade/batch-orders';
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

function observed({ desk }: OkxServer, side: Side = 'LONG'): PositionReference {
  const opened_at = desk.now() - HOUR_MS;
  return {
    position_id: positionIdOf('main', BTC, side, opened_at),
    account: 'main',
    symbol: BTC,
    side,
    opened_at,
    observed_at: desk.now(),
    quantity: 4,
    entry_price: 50000,
    mark_price: 60000,
  };
}

/** 4 BTC, which are 400 contracts. */
function open({ desk }: OkxServer, side: Side = 'LONG', at = desk.now() - HOUR_MS): void {
  desk.open({ symbol: BTC, side, quantity: '400', price: '50000', at });
}

const order = (server: OkxServer, side: Side = 'LONG', quantity = '1') => ({
  clientOrderId: ID,
  position: observed(server, side),
  quantity,
  pricing: { kind: 'market' } as const,
});

describe('OKX', () => {
  it('an order is in contracts, with an id of letters and digits alone, at most 32', async () => {
    const server = await startOkx();
    open(server);
    const world = await worldOf(okxSettings(server.url), server);
    await world.exchange.place(order(server, 'LONG', '1.234'));
    expect(server.desk.orders.at(-1)).toMatchObject({ clientId: 'hl0123456789abcdef0123456789abcd' });
    expect(server.desk.orders.at(-1)?.quantity.toFixed()).toBe('123.4');
    expect(await world.exchange.lookUp(ID, BTC)).toMatchObject({
      order: { filledQuantity: '1.234', clientOrderId: ID },
    });
  });

  it.each([
    ['cross', 'LONG'],
    ['isolated', 'LONG'],
    ['isolated', 'SHORT'],
  ] as const)(
    'long-short mode, %s margin: a %s is reduced, and the other side is left alone',
    async (marginMode, side) => {
      const server = await startOkx({ hedge: true, marginMode });
      for (const one of ['LONG', 'SHORT'] as const) open(server, one);
      const world = await worldOf(okxSettings(server.url), server);
      await world.exchange.position(observed(server, side));
      expect((await world.exchange.place(order(server, side))).kind).toBe('accepted');
      const left = (one: Side) => server.desk.position(BTC, one).amount.abs().toNumber();
      expect([left('LONG'), left('SHORT')]).toEqual(side === 'LONG' ? [300, 400] : [400, 300]);
      const { fills } = await world.venue.fills(BTC, server.desk.now() - 1000);
      expect(fills).toMatchObject([{ positionSide: side, quantity: '1' }]);
    },
  );

  it('EXC-7: after a change of the position mode it is read again, and the order is sent once more', async () => {
    const server = await startOkx();
    const world = await worldOf(okxSettings(server.url), server);
    Object.assign(server.desk.options, { hedge: true });
    open(server);
    await world.exchange.position(observed(server));
    expect((await world.exchange.place(order(server))).kind).toBe('accepted');
    expect(world.asked(PLACING)).toBe(2);
  });

  it.each([
    ['51121', 'precision', 1],
    ['51202', 'max-quantity', 1],
    ['51112', 'reduce-only', 1],
  ] as const)('%s, which stands beside a code 1, is a definite no: %s', async (code, meaning, sent) => {
    const server = await startOkx();
    open(server);
    const world = await worldOf(okxSettings(server.url), server);
    server.refuse(PLACING, code);
    expect(await world.exchange.place(order(server))).toMatchObject({ kind: 'rejected', meaning, code });
    expect(world.asked(PLACING)).toBe(sent);
  });

  it.each([
    ['50004', true],
    ['50004', false],
    ['51016', false],
  ] as const)('%s is a doubt (taken: %s)', async (code, taken) => {
    const server = await startOkx();
    open(server);
    const world = await worldOf(okxSettings(server.url), server);
    server.refuse(PLACING, code, taken);
    expect((await world.exchange.place(order(server))).kind).toBe('in-doubt');
    expect((await world.exchange.lookUp(ID, BTC)).kind).toBe(taken ? 'found' : 'absent');
  });

  it('EXC-16: fills of more than three months ago are omitted there, and reported as unknown', async () => {
    const server = await startOkx();
    const now = server.desk.now();
    for (const days of [120, 30]) open(server, 'LONG', now - days * DAY_MS);
    const world = await worldOf(okxSettings(server.url), server);
    const { fills, since } = await world.venue.fills(BTC, now - 180 * DAY_MS);
    expect(fills).toHaveLength(1);
    expect(since).toBeGreaterThan(now - 91 * DAY_MS);
    expect(await world.venue.olderFills(BTC, now - 100 * DAY_MS)).toEqual({ fills: [], since: now - 100 * DAY_MS });
  });

  it.each([
    ['portfolio margin', { accountLevel: '4' }, /portfolio margin/],
    ['spot mode', { accountLevel: '1' }, /spot mode/],
  ])('%s is refused at the start', async (_, options, why) => {
    const server = await startOkx(options);
    await expect(worldOf(okxSettings(server.url), server)).rejects.toMatchObject({
      code: 'EXCHANGE_UNSUPPORTED',
      message: expect.stringMatching(why),
    });
  });

  it('keys of a real account do not work on a practice one, and the other way round', async () => {
    const server = await startOkx({ isDemo: false });
    await expect(worldOf(okxSettings(server.url), server)).rejects.toMatchObject({
      cause: { code: '50101', keys: true },
    });
    const live = { ...okxSettings(server.url), stake: 'live' } as const;
    expect((await worldOf(live, server)).exchange.venue).toBe('okx');
  });
});
