import { describe, expect, it } from 'vitest';
import { DAY_MS, NOW, aLimit, anExchange, anOrder, codeOf } from './an-exchange.ts';
import { WHOLE } from '../../../packages/fake-binance/order.ts';

const LONG = { symbol: 'BTCUSDT', side: 'LONG', quantity: '10' } as const;

describe('what an order is refused for', () => {
  it.each([
    ['-1121', { symbol: 'NOUSDT' }],
    ['-4015', { clientOrderId: 'a'.repeat(37) }],
    ['-4015', { clientOrderId: 'ä' }],
    ['-1100', { quantity: '-1' }],
    ['-4003', { quantity: '0' }],
    ['-1111', { quantity: '0.0005' }],
    ['-4005', { quantity: '2000000000' }],
    ['-2022', { quantity: '10.001' }],
    ['-2022', { side: 'BUY' }],
    ['-4061', { positionSide: 'LONG' }],
    ['-4164', { reduceOnly: null, quantity: '0.049' }],
    ['-1111', { type: 'LIMIT', price: '100.05' }],
    ['-4014', { type: 'LIMIT', price: '0' }],
    ['-4024', { type: 'LIMIT', price: '94.9' }],
    ['-4016', { type: 'LIMIT', price: '105.1', side: 'BUY', reduceOnly: null }],
    ['-5022', { type: 'LIMIT', price: '100', timeInForce: 'GTX' }],
    ['-5021', { type: 'LIMIT', price: '101', timeInForce: 'FOK' }],
  ] as const)('%s: %o', (code, traits) => {
    const { exchange } = anExchange();
    exchange.open(LONG);
    const before = exchange.orders.ofSymbol('BTCUSDT').length;
    expect(codeOf(() => exchange.submit(anOrder(traits)))).toBe(code);
    expect(exchange.orders.ofSymbol('BTCUSDT')).toHaveLength(before);
    expect(exchange.orders.account.position('BTCUSDT', 'BOTH').amount.toFixed()).toBe('10');
  });

  it('-4004 and -4005 by the filters of its market, -1122 where that does not trade', () => {
    const { exchange } = anExchange();
    const market = { symbol: 'BTCUSDT', price: '100', lotStep: '0.1', minQuantity: '0.5', marketMaxQuantity: '3' };
    exchange.setMarket(market);
    exchange.open({ ...LONG, quantity: '3' });
    expect(codeOf(() => exchange.submit(anOrder({ quantity: '0.4' })))).toBe('-4004');
    expect(codeOf(() => exchange.submit(anOrder({ quantity: '3.1' })))).toBe('-4005');
    exchange.setMarket({ ...market, status: 'SETTLING' });
    expect(codeOf(() => exchange.submit(anOrder()))).toBe('-1122');
  });

  it('hedge mode asks for the side, and knows no reduceOnly', () => {
    const { exchange } = anExchange({ hedge: true });
    exchange.open(LONG);
    exchange.open({ ...LONG, side: 'SHORT' });
    expect(codeOf(() => exchange.submit(anOrder({ reduceOnly: null })))).toBe('-4061');
    expect(codeOf(() => exchange.submit(anOrder({ positionSide: 'BOTH', reduceOnly: null })))).toBe('-4061');
    expect(codeOf(() => exchange.submit(anOrder({ positionSide: 'LONG' })))).toBe('-1106');
    const tooMuch = anOrder({ positionSide: 'LONG', reduceOnly: null, quantity: '11' });
    expect(codeOf(() => exchange.submit(tooMuch))).toBe('-2022');
    exchange.submit(anOrder({ positionSide: 'LONG', reduceOnly: null }));
    const amounts = (['LONG', 'SHORT'] as const).map(
      (side) => exchange.orders.account.position('BTCUSDT', side).amount,
    );
    expect(amounts.map((amount) => amount.toFixed())).toEqual(['9', '-10']);
  });
});

describe('how orders fill', () => {
  it('a market order at the mark, each fill a tick worse than the one before', () => {
    const { exchange } = anExchange();
    exchange.open(LONG);
    const order = exchange.submit(anOrder({ quantity: '1.001' }), { ...WHOLE, fills: 3, slippageTicks: 2 });
    const fills = exchange.orders.account.fillsOfOrder(order.orderId);
    expect(fills.map(({ quantity, price }) => `${quantity.toFixed()} at ${price.toFixed()}`)).toEqual([
      '0.333 at 99.8',
      '0.333 at 99.7',
      '0.335 at 99.6',
    ]);
    expect(order.status).toBe('FILLED');
    expect(order.cumQuote.toFixed()).toBe('99.7995');
  });

  it('a part of it, and the rest expires', () => {
    const { exchange } = anExchange();
    exchange.open(LONG);
    const order = exchange.submit(anOrder({ quantity: '0.005' }), { ...WHOLE, share: 0.5 });
    expect([order.status, order.executedQty.toFixed()]).toEqual(['EXPIRED', '0.002']);
    expect(exchange.orders.index.open()).toEqual([]);
  });

  it('a limit order rests until the mark is there, and is then a maker', () => {
    const { exchange } = anExchange();
    exchange.open(LONG);
    const order = exchange.submit(aLimit());
    expect(order.status).toBe('NEW');
    exchange.setMark('BTCUSDT', '100.9');
    expect(exchange.orders.index.open('BTCUSDT')).toEqual([order]);
    exchange.setMark('BTCUSDT', '101.5');
    expect(order.status).toBe('FILLED');
    const fills = exchange.orders.account.fillsOfOrder(order.orderId);
    expect(fills.map(({ maker, price, commission }) => [maker, price.toFixed(), commission.toFixed()])).toEqual([
      [true, '101', '0.0202'],
    ]);
    expect(exchange.orders.index.open('BTCUSDT')).toEqual([]);
  });

  it('one that the mark has reached already fills at the mark; IOC does not wait', () => {
    const { exchange } = anExchange();
    exchange.open(LONG);
    const taker = exchange.submit(aLimit({ price: '99' }));
    expect(exchange.orders.account.fillsOfOrder(taker.orderId)).toMatchObject([{ maker: false }]);
    expect(taker.cumQuote.toFixed()).toBe('100');
    expect(exchange.submit(aLimit({ timeInForce: 'IOC' })).status).toBe('EXPIRED');
  });

  it('one that only reduces fills no more than is left', () => {
    const { exchange } = anExchange();
    exchange.open({ ...LONG, quantity: '2' });
    const order = exchange.submit(aLimit({ quantity: '2', reduceOnly: true }));
    exchange.close('BTCUSDT', 'LONG', 'web', '1.5');
    exchange.setMark('BTCUSDT', '101');
    expect([order.status, order.executedQty.toFixed()]).toEqual(['EXPIRED', '0.5']);
    expect(exchange.orders.account.position('BTCUSDT', 'BOTH').amount.toFixed()).toBe('0');
  });
});

describe('client order ids', () => {
  it('are unique among open orders only; the newest is found', () => {
    const { exchange } = anExchange();
    exchange.open(LONG);
    const first = exchange.submit(anOrder());
    const second = exchange.submit(anOrder());
    const name = { clientOrderId: 'own-1' };
    expect(exchange.orders.find('BTCUSDT', name, NOW)).toBe(second);
    expect(exchange.orders.find('BTCUSDT', { orderId: first.orderId }, NOW)).toBe(first);
    const resting = exchange.submit(aLimit());
    expect(codeOf(() => exchange.submit(anOrder()))).toBe('-4116');
    exchange.orders.cancel('BTCUSDT', name, NOW);
    expect(resting.status).toBe('CANCELED');
    expect(codeOf(() => exchange.orders.cancel('BTCUSDT', name, NOW))).toBe('-2011');
    expect(codeOf(() => exchange.submit(anOrder()))).toBeNull();
  });

  it('are forgotten: after three days without a fill, after ninety in any case', () => {
    const { exchange } = anExchange();
    exchange.open(LONG);
    exchange.submit(anOrder({ clientOrderId: 'filled' }));
    exchange.submit(aLimit({ clientOrderId: 'resting' }));
    exchange.submit(aLimit({ clientOrderId: 'cancelled' }));
    exchange.orders.cancel('BTCUSDT', { clientOrderId: 'cancelled' }, NOW);
    const found = (days: number) =>
      ['filled', 'resting', 'cancelled'].filter(
        (clientOrderId) =>
          codeOf(() => exchange.orders.find('BTCUSDT', { clientOrderId }, NOW + days * DAY_MS + 1)) === null,
      );
    expect(found(0)).toEqual(['filled', 'resting', 'cancelled']);
    expect(found(3)).toEqual(['filled', 'resting']);
    expect(found(90)).toEqual([]);
  });
});

describe('what others do', () => {
  it.each([
    ['web', /^web_\d+$/],
    ['liquidation', /^autoclose-\d+$/],
    ['adl', /^adl_autoclose$/],
    ['settlement', /^settlement_autoclose-\d+$/],
  ] as const)('%s closes under a name of its own', (hand, name) => {
    const { exchange } = anExchange();
    exchange.open({ ...LONG, side: 'SHORT' });
    expect(exchange.close('BTCUSDT', 'SHORT', hand)?.clientOrderId).toMatch(name);
    expect(exchange.close('BTCUSDT', 'SHORT', hand)).toBeNull();
  });

  it('a stop and a target are triggered by the mark, and only the first finds something to close', () => {
    const { exchange } = anExchange();
    exchange.open(LONG);
    const stop = exchange.placeStop({ symbol: 'BTCUSDT', side: 'LONG', orderType: 'STOP_MARKET', triggerPrice: '95' });
    const half = { ...LONG, orderType: 'TAKE_PROFIT_MARKET', triggerPrice: '110', quantity: '5' } as const;
    const target = exchange.placeStop(half);
    exchange.setMark('BTCUSDT', '109.9');
    expect(exchange.algos.open('BTCUSDT')).toHaveLength(2);
    exchange.setMark('BTCUSDT', '110');
    const hit = exchange.algos.find({ algoId: target });
    expect(hit).toMatchObject({ status: 'FINISHED', triggerTime: NOW });
    const order = exchange.orders.find('BTCUSDT', { orderId: hit.actualOrderId ?? 0 }, NOW);
    expect([order.executedQty.toFixed(), order.cumQuote.toFixed()]).toEqual(['5', '550']);
    exchange.close('BTCUSDT', 'LONG');
    exchange.setMark('BTCUSDT', '95');
    expect(exchange.algos.find({ algoId: stop })).toMatchObject({ status: 'EXPIRED', actualOrderId: null });
    expect(exchange.trigger(stop)).toBeNull();
  });
});
