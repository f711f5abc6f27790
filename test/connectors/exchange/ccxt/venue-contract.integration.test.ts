import { describe, expect, it } from 'vitest';
import { Exact } from '../../../../ports/exact-decimal.ts';
import type { PositionReference, Pricing } from '../../../../ports/exchange.ts';
import { positionIdOf } from '../../../../schemas/ids.ts';
import type { ClientOrderId, Side } from '../../../../schemas/generated/records.ts';
import type { OneShot } from '../../../../packages/fake-exchange/venue-server.ts';
import { TESTED_BYBIT, TESTED_OKX, type VenueWorld } from './a-venue.ts';

/** The contract of every exchange besides Binance, on its local server. Quantities are in coins, whatever the exchange counts in. */

const ID = 'hl-0123456789abcdef0123456789abcdef' as ClientOrderId;
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

describe.each([TESTED_BYBIT, TESTED_OKX])('orders and snapshots on $id', (tested) => {
  const { btc, usdc, placing, lookingUp } = tested;
  const contracts = (coins: string): string => new Exact(coins).div(tested.contractSize).toFixed();

  function openBtc({ desk }: VenueWorld, coins: string, side: Side = 'LONG', at = desk.now() - HOUR_MS): void {
    desk.open({ symbol: btc, side, quantity: contracts(coins), price: '50000', at });
  }

  function observed({ desk }: VenueWorld, side: Side = 'LONG', quantity = 4): PositionReference {
    const opened_at = desk.now() - HOUR_MS;
    return {
      position_id: positionIdOf('main', btc, side, opened_at),
      account: 'main',
      symbol: btc,
      side,
      opened_at,
      observed_at: desk.now(),
      quantity,
      entry_price: 50000,
      mark_price: 60000,
    };
  }

  /** Reads the position and sends the order, as execution does. */
  async function place(
    world: VenueWorld,
    quantity: string,
    side: Side = 'LONG',
    pricing: Pricing = { kind: 'market' },
  ) {
    await world.exchange.position(observed(world, side));
    return world.exchange.place({ clientOrderId: ID, position: observed(world, side), quantity, pricing });
  }

  const openCoins = ({ desk }: VenueWorld, slot: 'NET' | Side = 'NET') =>
    desk.position(btc, slot).amount.mul(tested.contractSize).toFixed();

  it('shows positions of all currencies with their marks, in coins', async () => {
    const world = await tested.connect();
    const at = world.desk.now() - DAY_MS;
    openBtc(world, '0.123', 'LONG', at);
    world.desk.open({ symbol: usdc, side: 'SHORT', quantity: '10', price: '2600', at });
    const { holdings, incomplete } = await world.venue.holdings();
    expect(incomplete).toEqual([]);
    expect(holdings).toMatchObject([
      { symbol: btc, side: 'LONG', quantity: '0.123', entryPrice: '50000', markPrice: '60000', updatedAt: at },
      { symbol: usdc, side: 'SHORT', entryPrice: '2600', markPrice: '2500', updatedAt: at },
    ]);
  });

  it('a market order has its own maximum, and steps are in coins', async () => {
    const world = await tested.connect();
    expect(await world.exchange.rules(btc)).toMatchObject({
      lotStep: '0.001',
      minQuantity: '0.001',
      maxQuantity: '500',
    });
    expect(await world.exchange.rules('NOSUCH')).toBeNull();
  });

  it.each(['LONG', 'SHORT'] as const)(
    'EXC-3: closes a part of a %s; price and fee are those of the fills',
    async (side) => {
      const world = await tested.connect({ fills: 3 });
      openBtc(world, '4', side);
      const placement = await place(world, '1.5', side);
      const own = world.desk.fills.slice(1);
      expect(own).toHaveLength(3);
      const fee = Exact.sum(0, ...own.map((fill) => fill.fee)).toFixed();
      const averagePrice = side === 'LONG' ? '59999.9' : '60000.1';
      const order = { state: 'DONE', filledQuantity: '1.5', averagePrice, fee };
      if (placement.kind !== 'accepted') throw new Error(placement.message);
      // The answer to a new order says little, so it is looked up.
      expect(await world.exchange.lookUp(ID, btc)).toMatchObject({
        kind: 'found',
        order: { ...order, clientOrderId: ID },
      });
      expect(openCoins(world)).toBe(side === 'LONG' ? '2.5' : '-2.5');
      expect(await world.exchange.position(observed(world, side))).toEqual({ quantity: '2.5' });
      expect(world.asked(placing)).toBe(1);
    },
  );

  it('EXC-3: an order of more fills than two pages hold has the price and the fee of all of them', async () => {
    const world = await tested.connect({ fills: 250 });
    openBtc(world, '0.5');
    const before = observed(world, 'LONG', 0.5);
    await place(world, '0.5');
    const own = world.desk.fills.slice(1);
    expect(own).toHaveLength(250);
    const found = await world.exchange.lookUp(ID, btc);
    expect(found).toMatchObject({
      order: { filledQuantity: '0.5', fee: Exact.sum(0, ...own.map((fill) => fill.fee)).toFixed() },
    });
    expect(await world.exchange.position(before)).toEqual({ quantity: '0' });
  });

  const DOUBTS: readonly (readonly [string, OneShot])[] = [
    ['no answer after it was taken', { taken: true, answer: 'none' }],
    ['no answer before it was taken', { taken: false, answer: 'none' }],
    ['a reset after it was taken', { taken: true, answer: 'reset' }],
    ['half an answer', { taken: true, answer: 'half' }],
    ['502 after it was taken', { taken: true, answer: { status: 502, body: {} } }],
    ['502 before it was taken', { taken: false, answer: { status: 502, body: {} } }],
  ];

  it.each(DOUBTS)(
    'EXC-1, EXC-4: %s leaves the order in doubt until it is looked up; it is sent once',
    async (_, fault) => {
      const world = await tested.connect();
      openBtc(world, '4');
      world.fail({ ...fault, request: placing });
      expect((await place(world, '1.5')).kind).toBe('in-doubt');
      expect(world.asked(placing)).toBe(1);
      const found = await world.exchange.lookUp(ID, btc);
      expect(found.kind).toBe(fault.taken ? 'found' : 'absent');
      expect(openCoins(world)).toBe(fault.taken ? '2.5' : '4');
    },
  );

  it('EXC-4: a look-up that fails is no answer', async () => {
    const world = await tested.connect();
    world.fail({ request: lookingUp, taken: false, answer: { status: 502, body: {} } });
    expect((await world.exchange.lookUp(ID, btc)).kind).toBe('unavailable');
  });

  it('EXC-1: an order with nothing to reduce is rejected', async () => {
    const world = await tested.connect();
    expect(await place(world, '1')).toMatchObject({ kind: 'rejected', meaning: 'reduce-only' });
    expect(world.asked(placing)).toBe(1);
  });

  it('EXC-1: a used client order id leaves the order in doubt, and makes no second order', async () => {
    const world = await tested.connect();
    openBtc(world, '4');
    await place(world, '1');
    expect((await place(world, '1')).kind).toBe('in-doubt');
    expect(openCoins(world)).toBe('3');
  });

  it('fills since a moment, over weeks and pages, and more of one millisecond than a page holds', async () => {
    const world = await tested.connect();
    const { desk } = world;
    const now = desk.now();
    for (const days of [40, 20]) openBtc(world, '0.1', 'LONG', now - days * DAY_MS);
    for (let index = 0; index < 250; index++) openBtc(world, '0.001', 'LONG', now - DAY_MS);
    openBtc(world, '0.2', 'LONG', now - 1000);
    const { fills, since } = await world.venue.fills(btc, now - 41 * DAY_MS);
    expect(since).toBe(now - 41 * DAY_MS);
    expect(fills).toHaveLength(253);
    expect(new Set(fills.map(({ fillId }) => fillId)).size).toBe(253);
    expect(Exact.sum(0, ...fills.map(({ quantity }) => quantity)).toFixed()).toBe('0.65');
    expect(fills[0]).toMatchObject({ direction: 'BUY', quantity: '0.1', price: '50000', filledAt: now - 40 * DAY_MS });
    const times = fills.map(({ filledAt }) => filledAt);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect((await world.venue.fills(btc, now - 30 * DAY_MS)).fills).toHaveLength(252);
  });

  it.each([
    ['web', 'ORDER'],
    ['liquidation', 'LIQUIDATION'],
    ['adl', 'ADL'],
    ['stop', 'STOP'],
    ['target', 'TAKE_PROFIT'],
  ] as const)('a close by %s has the cause %s', async (hand, cause) => {
    const world = await tested.connect();
    openBtc(world, '4');
    const order = world.desk.close(btc, 'LONG', hand, contracts('1'));
    const { fills } = await world.venue.fills(btc, world.desk.now() - 10_000);
    expect(fills).toMatchObject([{ orderId: order?.id, direction: 'SELL', quantity: '1' }]);
    expect(await world.venue.orderOrigin(btc, String(order?.id) as never)).toMatchObject({ cause });
  });

  it('an order with a limit that the market does not reach fills nothing; one that rests is cancelled by its client id', async () => {
    const world = await tested.connect();
    openBtc(world, '4');
    await place(world, '1.5', 'LONG', { kind: 'ioc', limitPrice: '60000.11' });
    expect(await world.exchange.lookUp(ID, btc)).toMatchObject({ order: { state: 'DONE', filledQuantity: '0' } });
    const resting = 'hl-another' as ClientOrderId;
    const order = { clientOrderId: resting, position: observed(world), quantity: '1' };
    await world.exchange.place({ ...order, pricing: { kind: 'post-only', price: '60100' } });
    expect(await world.exchange.lookUp(resting, btc)).toMatchObject({ order: { state: 'OPEN', filledQuantity: '0' } });
    expect(await world.exchange.cancel(resting, btc)).toEqual({ kind: 'ended' });
    expect(await world.exchange.lookUp(resting, btc)).toMatchObject({ order: { state: 'DONE', filledQuantity: '0' } });
    // A finished order counts as cancelled.
    expect(await world.exchange.cancel(resting, btc)).toEqual({ kind: 'ended' });
    const last = 'hl-a-third' as ClientOrderId;
    await world.exchange.place({ ...order, clientOrderId: last, pricing: { kind: 'ioc', limitPrice: '59000' } });
    expect(await world.exchange.lookUp(last, btc)).toMatchObject({ order: { state: 'DONE', filledQuantity: '1' } });
    expect(openCoins(world)).toBe('3');
  });

  it('stops and targets of a position', async () => {
    const world = await tested.connect();
    openBtc(world, '4');
    world.desk.placeStop({ symbol: btc, side: 'LONG', kind: 'stop', triggerPrice: '48000.5' });
    world.desk.placeStop({ symbol: btc, side: 'LONG', kind: 'target', triggerPrice: '75000' });
    expect(await world.venue.stops(btc, 'LONG')).toMatchObject({ stopPrice: '48000.5', takeProfitPrice: '75000' });
    expect(await world.venue.stops(btc, 'SHORT')).toMatchObject({ stopPrice: null, takeProfitPrice: null });
  });

  it('closed candles only, oldest first', async () => {
    const world = await tested.connect();
    const candles = await world.venue.candles(btc, 50);
    expect(candles).toHaveLength(50);
    const times = candles.map(({ closedAt }) => closedAt);
    expect(times).toEqual(times.map((_, index) => (times[0] ?? 0) + index * 5 * 60_000));
    expect(times.at(-1)).toBeLessThanOrEqual(world.desk.now());
  });

  it('the mark price of a market without a position', async () => {
    const world = await tested.connect();
    expect(await world.exchange.markPrice(observed(world))).toBe('60000');
  });
});
