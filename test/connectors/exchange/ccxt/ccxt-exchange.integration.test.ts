import { describe, expect, it } from 'vitest';
import { Exact } from '../../../../ports/exact-decimal.ts';
import { NoResponse } from '../../../../connectors/exchange/ccxt/exchange-rejection.ts';
import { type SendGate, WithheldOrder } from '../../../../ports/kill-switch.ts';
import type { PositionReference, Pricing } from '../../../../ports/exchange.ts';
import type { ClientOrderId, Side } from '../../../../schemas/generated/records.ts';
import { positionIdOf } from '../../../../schemas/ids.ts';
import { FAULTS, type Fault } from '../../../../packages/fake-binance/faults.ts';
import { type Connected, connect } from './a-client.ts';

const ID = 'hl-0123456789abcdef0123456789abcdef' as ClientOrderId;
const OTHER_ID = 'hl-another' as ClientOrderId;

/** The position as observed a moment ago. */
function observed({ server }: Connected, side: Side = 'LONG', quantity = 4): PositionReference {
  const opened_at = server.exchange.now() - 60_000;
  return {
    position_id: positionIdOf('main', 'BTCUSDT', side, opened_at),
    account: 'main',
    symbol: 'BTCUSDT',
    side,
    opened_at,
    observed_at: server.exchange.now(),
    quantity,
    entry_price: 90,
    mark_price: 100,
  };
}

function openPosition({ server }: Connected, side: Side = 'LONG', quantity = '4'): void {
  const at = server.exchange.now() - 60_000;
  server.exchange.open({ symbol: 'BTCUSDT', side, quantity, price: '90', at });
}

const MARKET: Pricing = { kind: 'market' };

const place = (world: Connected, quantity = '1.5', side: Side = 'LONG', pricing: Pricing = MARKET) =>
  world.exchange.place({ clientOrderId: ID, position: observed(world, side), quantity, pricing });

const amountOf = ({ server }: Connected, side: 'BOTH' | 'LONG' | 'SHORT' = 'BOTH') =>
  server.exchange.orders.account.position('BTCUSDT', side).amount.toFixed();

describe('orders through ccxt', () => {
  it('reads the rules of a market, digit by digit', async () => {
    const world = await connect();
    const filters = {
      lotStep: '100',
      minQuantity: '200',
      maxQuantity: '100000',
      marketMaxQuantity: '5000',
      minNotional: '20',
    };
    world.server.exchange.setMarket({ symbol: 'PEPEUSDT', price: '0.00001173', tick: '0.0000000001', ...filters });
    expect(await world.exchange.rules('PEPEUSDT')).toEqual({
      lotStep: '100',
      minQuantity: '200',
      maxQuantity: '5000',
      minNotional: '20',
    });
    expect(await world.exchange.rules('NOSUCHUSDT')).toBeNull();
  });

  it('EXC-3: closes a part of a position; price and fee are the fills', async () => {
    const world = await connect({ fills: 3 });
    openPosition(world);
    const placement = await place(world);
    expect(placement).toMatchObject({
      kind: 'accepted',
      order: {
        clientOrderId: ID,
        state: 'DONE',
        filledQuantity: '1.5',
        // 0.5 at 100, 0.5 at 99.9, 0.5 at 99.8, and 5 basis points of that.
        averagePrice: '99.9',
        fee: '0.074925',
        positionAfter: null,
      },
    });
    expect(amountOf(world)).toBe('2.5');
    expect(await world.exchange.lookUp(ID, 'BTCUSDT')).toMatchObject({
      kind: 'found',
      order: { averagePrice: '99.9', fee: '0.074925' },
    });
    expect(await world.exchange.position(observed(world))).toEqual({ quantity: '2.5' });
  });

  it('EXC-3: an order of more fills than a page holds has the price and the fee of all of them', async () => {
    const world = await connect({ fills: 1200 });
    openPosition(world);
    const placement = await place(world, '1.2');
    expect(placement).toMatchObject({ kind: 'accepted', order: { filledQuantity: '1.2' } });
    const fills = world.server.exchange.orders.account.allFills().slice(1);
    expect(fills).toHaveLength(1200);
    const fee = placement.kind === 'accepted' ? placement.order.fee : null;
    expect(fee).toBe(Exact.sum(0, ...fills.map(({ commission }) => commission)).toFixed());
  });

  it('a fee in another currency is unknown', async () => {
    const world = await connect({ commissionAsset: 'BNB' });
    openPosition(world);
    expect(await place(world)).toMatchObject({ order: { averagePrice: '100', fee: null } });
  });

  it.each(['LONG', 'SHORT'] as const)('closes a %s in hedge mode without reduceOnly', async (side) => {
    const world = await connect({ hedge: true });
    openPosition(world, 'LONG');
    openPosition(world, 'SHORT');
    expect(await place(world, '1.5', side)).toMatchObject({ kind: 'accepted' });
    expect([amountOf(world, 'LONG'), amountOf(world, 'SHORT')]).toEqual(
      side === 'LONG' ? ['2.5', '-4'] : ['4', '-2.5'],
    );
    expect(await world.exchange.position(observed(world, side))).toEqual({ quantity: '2.5' });
  });

  it.each([true, false])(
    'EXC-7: the position mode was changed while the account was flat (to hedge: %s)',
    async (hedge) => {
      const world = await connect({ hedge: !hedge });
      world.server.exchange.orders.hedge = hedge;
      openPosition(world);
      expect(await place(world)).toMatchObject({ kind: 'accepted', order: { filledQuantity: '1.5' } });
      expect(world.server.attempts).toHaveLength(2);
      expect(amountOf(world, hedge ? 'LONG' : 'BOTH')).toBe('2.5');
      const again = { clientOrderId: OTHER_ID, position: observed(world), quantity: '2.5', pricing: MARKET };
      expect(await world.exchange.place(again)).toMatchObject({ kind: 'accepted' });
      expect(world.server.attempts).toHaveLength(3);
    },
  );

  it('an ioc order fills at its limit or better, and what does not is cancelled', async () => {
    const world = await connect();
    openPosition(world);
    const ioc = (limitPrice: string): Pricing => ({ kind: 'ioc', limitPrice });
    expect(await place(world, '1', 'LONG', ioc('100.004'))).toMatchObject({
      kind: 'accepted',
      order: { state: 'DONE', filledQuantity: '0', averagePrice: null },
    });
    expect(await world.exchange.lookUp(ID, 'BTCUSDT')).toMatchObject({ order: { state: 'DONE', filledQuantity: '0' } });
    const [sent] = [...world.server.exchange.orders.all()].slice(-1);
    expect([sent?.type, sent?.timeInForce, sent?.price.toFixed(), sent?.reduceOnly]).toEqual([
      'LIMIT',
      'IOC',
      '100.1',
      true,
    ]);
    const filled = { kind: 'accepted', order: { state: 'DONE', filledQuantity: '1.5', averagePrice: '100' } };
    expect(await place(world, '1.5', 'LONG', ioc('99.5'))).toMatchObject(filled);
  });

  it('a post-only order rests until it is cancelled, and keeps what it has filled', async () => {
    const world = await connect();
    openPosition(world);
    const placed = await place(world, '1', 'LONG', { kind: 'post-only', price: '100' });
    expect(placed).toMatchObject({ kind: 'accepted', order: { state: 'OPEN', filledQuantity: '0' } });
    expect(await world.exchange.cancel(ID, 'BTCUSDT')).toEqual({ kind: 'ended' });
    expect(await world.exchange.lookUp(ID, 'BTCUSDT')).toMatchObject({ order: { state: 'DONE', filledQuantity: '0' } });
    // Orders that are finished or were never sent.
    expect(await world.exchange.cancel(ID, 'BTCUSDT')).toEqual({ kind: 'ended' });
    expect(await world.exchange.cancel(OTHER_ID, 'BTCUSDT')).toEqual({ kind: 'ended' });
  });

  it('a post-only order that would take, and a price that is too far off, are rejected with their meanings', async () => {
    const world = await connect();
    openPosition(world);
    world.server.exchange.setMark('BTCUSDT', '103');
    const refused = (meaning: string, code: string) => ({ kind: 'rejected', meaning, code });
    expect(await place(world, '1', 'LONG', { kind: 'post-only', price: '100' })).toMatchObject(
      refused('would-take', '-5022'),
    );
    expect(await place(world, '1', 'LONG', { kind: 'ioc', limitPrice: '90' })).toMatchObject(refused('price', '-4024'));
  });

  it('EXC-1: an order larger than the position is rejected as a whole, and sent once', async () => {
    const world = await connect();
    openPosition(world);
    expect(await place(world, '5')).toMatchObject({ kind: 'rejected', code: '-2022' });
    expect(world.server.attempts).toHaveLength(1);
    expect(amountOf(world)).toBe('4');
  });

  it('reads the rules of a market again after they have changed', async () => {
    const world = await connect();
    openPosition(world);
    await world.exchange.rules('BTCUSDT');
    world.server.exchange.setMarket({ symbol: 'BTCUSDT', price: '100', tick: '0.1', lotStep: '1' });
    expect(await place(world)).toMatchObject({ kind: 'rejected', code: '-1111' });
    expect(await world.exchange.rules('BTCUSDT')).toMatchObject({ lotStep: '1' });
  });

  // fault -> the placement, and how often the order was sent
  const EXPECTED = {
    'timeout-after-taken': ['in-doubt', 1],
    'timeout-before': ['in-doubt', 1],
    'reset-after-taken': ['in-doubt', 1],
    'reset-before': ['in-doubt', 1],
    'half-reply-taken': ['in-doubt', 1],
    'half-reply-not-taken': ['in-doubt', 1],
    '-1007-taken': ['in-doubt', 1],
    '-1007-not-taken': ['in-doubt', 1],
    '-1000-taken': ['in-doubt', 1],
    '500-taken': ['in-doubt', 1],
    '500': ['in-doubt', 1],
    '502-taken': ['in-doubt', 1],
    '502': ['in-doubt', 1],
    '503-taken': ['in-doubt', 1],
    '503': ['in-doubt', 1],
    '-4116': ['in-doubt', 1],
    '-2022': ['-2022', 1],
    '-4164': ['-4164', 1],
    '-1111': ['-1111', 1],
    // The clock is measured, and the order is sent again.
    '-1021': ['accepted', 2],
    // Retry-After is a second, longer than an order waits.
    '429': ['-1003', 1],
    '418': ['-1003', 1],
    'partial-fill': ['accepted', 1],
    'hand-change': ['accepted', 1],
    unanswering: ['in-doubt', 1],
  } as const satisfies Partial<Record<Fault, readonly [string, number]>>;

  it.each(Object.entries(EXPECTED))('EXC-1, EXC-2: %s', async (fault, [outcome, sent]) => {
    const world = await connect();
    openPosition(world);
    await world.exchange.rules('BTCUSDT');
    world.server.faults.add({ fault: fault as Fault, method: 'POST', path: '/fapi/v1/order' });
    const placement = await place(world);
    expect([placement.kind === 'rejected' ? placement.code : placement.kind, world.server.attempts.length]).toEqual([
      outcome,
      sent,
    ]);
    const { taken } = FAULTS[fault as Fault];
    const orders = world.server.exchange.orders.ofSymbol('BTCUSDT').filter((order) => order.clientOrderId === ID);
    expect(orders).toHaveLength(taken || outcome === 'accepted' ? 1 : 0);
    // Nothing else may be sent until Retry-After has passed.
    if (world.client.blockedMs > 0) return;
    const found = await world.exchange.lookUp(ID, 'BTCUSDT');
    if (fault === 'unanswering') expect(found.kind).toBe('unavailable');
    else expect(found.kind).toBe(orders.length > 0 ? 'found' : 'absent');
  });

  it.each(['timeout-before', 'half-reply-taken', 'reset-before', '500', '502', '429'] as const)(
    'EXC-4: a look-up that meets %s is no answer',
    async (fault) => {
      const world = await connect();
      openPosition(world);
      await place(world);
      world.server.faults.add({ fault, method: 'GET', path: '/fapi/v1/order' });
      expect((await world.exchange.lookUp(ID, 'BTCUSDT')).kind).toBe('unavailable');
    },
  );

  const STOP = { scope: 'desk', by: 'alice', reason: 'a test', since: 0 };

  it('EXC-5: an order asks the kill switch after the queue, when it is its turn to be sent', async () => {
    const world = await connect();
    openPosition(world);
    await world.exchange.rules('BTCUSDT');
    const order: string[] = [];
    const throttle = world.client.api.throttle.bind(world.client.api);
    const turn = Promise.withResolvers<undefined>();
    const queued = Promise.withResolvers<undefined>();
    Object.assign(world.client.api, {
      throttle: async (cost: number) => {
        queued.resolve(undefined);
        await turn.promise;
        order.push('turn');
        await throttle(cost);
      },
    });
    let halted = false;
    const gate: SendGate = async (send) => {
      order.push('gate');
      if (halted) throw new WithheldOrder(STOP);
      return send();
    };
    const request = { clientOrderId: ID, position: observed(world), quantity: '1.5', pricing: MARKET };
    const placing = world.exchange.place(request, gate);
    await queued.promise;
    halted = true;
    turn.resolve(undefined);
    expect(await placing).toMatchObject({ kind: 'withheld', message: expect.stringContaining('desk halted by alice') });
    expect([order, world.server.attempts.length, amountOf(world)]).toEqual([['turn', 'gate'], 0, '4']);
  });

  it('EXC-5: an order asks the kill switch again before it is sent again', async () => {
    const world = await connect();
    openPosition(world);
    await world.exchange.rules('BTCUSDT');
    world.server.faults.add({ fault: '-1021', method: 'POST', path: '/fapi/v1/order' });
    let asked = 0;
    const gate: SendGate = (send) => {
      asked += 1;
      return asked === 1 ? send() : Promise.reject(new WithheldOrder(STOP));
    };
    const request = { clientOrderId: ID, position: observed(world), quantity: '1.5', pricing: MARKET };
    const placement = await world.exchange.place(request, gate);
    expect([placement.kind, world.server.attempts.length, amountOf(world)]).toEqual(['withheld', 1, '4']);
  });

  it('EXC-34: an order is in doubt once one of its requests has been sent, whatever the kill switch says then', async () => {
    const world = await connect();
    let asked = 0;
    const gate: SendGate = (send) => {
      asked += 1;
      return asked === 1 ? send() : Promise.reject(new WithheldOrder(STOP));
    };
    const twice = world.client.order(gate, async (api) => {
      await api.fetch(`${world.server.url}/fapi/v1/ping`, 'POST').catch(() => {});
      return api.fetch(`${world.server.url}/fapi/v1/ping`, 'POST');
    });
    await expect(twice).rejects.toBeInstanceOf(NoResponse);
  });

  it('EXC-3: an order without a list of fills has its own average price, and no fee', async () => {
    const world = await connect();
    openPosition(world);
    await world.exchange.rules('BTCUSDT');
    const trades = { fault: '502', path: '/fapi/v1/userTrades' } as const;
    world.server.faults.add(trades, trades, trades);
    expect(await place(world)).toMatchObject({ kind: 'accepted', order: { averagePrice: '100', fee: null } });
  });

  it('an empty list of positions is no proof of flat, and a failed one no answer', async () => {
    const world = await connect();
    openPosition(world);
    world.server.faults.add({ fault: 'empty-positions' });
    expect(await world.exchange.position(observed(world))).toEqual({ quantity: null });
    world.server.faults.add({ fault: '502', path: '/fapi/v3/positionRisk' });
    await expect(world.exchange.position(observed(world))).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
    const before = observed(world);
    world.server.exchange.close('BTCUSDT', 'LONG');
    expect(await world.exchange.position(before)).toEqual({ quantity: '0' });
  });
});
