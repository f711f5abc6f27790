import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Exact } from '../../../ports/exact-decimal.ts';
import { aLimit, anExchange, anOrder, codeOf } from './an-exchange.ts';

const LONG = { symbol: 'BTCUSDT', side: 'LONG', quantity: '10' } as const;

/** Bids of one contract at 99.9, 99.8 and 99.7, asks likewise above 100; ten contracts LONG. */
function aBook() {
  const world = anExchange();
  world.exchange.open(LONG);
  const bids = [1, 2, 3].map((away) => [new Exact(100).sub(away / 10).toFixed(), '1'] as const);
  const asks = [1, 2, 3].map((away) => [new Exact(100).add(away / 10).toFixed(), '1'] as const);
  world.exchange.setBook('BTCUSDT', { bids, asks });
  return world;
}

const aSale = (price: string, quantity: string, timeInForce: 'IOC' | 'GTX' | 'GTC' | 'FOK', clientOrderId = 'own-1') =>
  aLimit({ price, quantity, timeInForce, clientOrderId, reduceOnly: true });

describe('an order book', () => {
  it('a market order takes level after level, and what finds nothing expires', () => {
    const { exchange } = aBook();
    const order = exchange.submit(anOrder({ quantity: '2.5' }));
    const prices = exchange.orders.account
      .fillsOfOrder(order.orderId)
      .map(({ price, quantity }) => `${quantity.toFixed()}@${price.toFixed()}`);
    expect([order.status, prices]).toEqual(['FILLED', ['1@99.9', '1@99.8', '0.5@99.7']]);
    const rest = exchange.submit(anOrder({ quantity: '2', clientOrderId: 'own-2' }));
    expect([rest.status, rest.executedQty.toFixed()]).toEqual(['EXPIRED', '0.5']);
  });

  it('IOC takes what is within its limit', () => {
    const { exchange } = aBook();
    const order = exchange.submit(aSale('99.8', '3', 'IOC'));
    expect([order.status, order.executedQty.toFixed()]).toEqual(['EXPIRED', '2']);
  });

  it('FOK takes all or nothing', () => {
    const { exchange } = aBook();
    expect(codeOf(() => exchange.submit(aSale('99.8', '3', 'FOK')))).toBe('-5021');
    expect(exchange.submit(aSale('99.7', '3', 'FOK')).status).toBe('FILLED');
  });

  it('GTX is refused where it would take, rests otherwise, and fills as a maker when the mark reaches it', () => {
    const { exchange } = aBook();
    expect(codeOf(() => exchange.submit(aSale('99.9', '1', 'GTX')))).toBe('-5022');
    const order = exchange.submit(aSale('100', '1', 'GTX'));
    expect(order.status).toBe('NEW');
    exchange.setMark('BTCUSDT', '100.1');
    expect(order.status).toBe('FILLED');
    expect(exchange.orders.account.fillsOfOrder(order.orderId)).toMatchObject([{ maker: true }]);
  });

  it('-4131: a market order does not take a best price that is too far', () => {
    const { exchange } = aBook();
    exchange.setBook('BTCUSDT', { bids: [['94', '10']], asks: [['106', '10']] });
    expect(codeOf(() => exchange.submit(anOrder()))).toBe('-4131');
    expect(codeOf(() => exchange.submit(anOrder({ side: 'BUY', reduceOnly: null })))).toBe('-4131');
  });

  it('whoever opens or closes by hand fills at the mark', () => {
    const { exchange } = aBook();
    const order = exchange.close('BTCUSDT', 'LONG');
    expect(exchange.orders.account.fillsOfOrder(order?.orderId ?? 0)).toMatchObject([{ price: new Exact(100) }]);
  });

  it('what was taken of a made-up book is offered again after a while, wherever the mark is by then', () => {
    const { exchange, clock } = anExchange();
    exchange.open(LONG);
    exchange.setBook('BTCUSDT', { size: '1', spreadTicks: 2, depth: 3, refillMs: 1000 });
    const bids = () => exchange.orders.offers('BTCUSDT', 'SELL', exchange.now()) ?? [];
    const best = (): string => bids()[0]?.price.toFixed() ?? '';
    expect(best()).toBe('99.9');
    const quantity = bids()[0]?.quantity.toFixed() ?? '';
    exchange.submit(anOrder({ quantity }));
    expect(best()).toBe('99.8');
    exchange.setMark('BTCUSDT', '100.1');
    expect(best()).toBe('99.9');
    clock.set(clock.now() + 1001);
    expect(best()).toBe('100');
  });

  it('the same seed gives the same book; each side gets worse level by level, and never crosses the other', () => {
    const aSpec = fc.record({
      seed: fc.nat(),
      spreadTicks: fc.nat({ max: 50 }),
      depth: fc.integer({ min: 1, max: 30 }),
      stepTicks: fc.integer({ min: 1, max: 5 }),
      size: fc.constantFrom('0.001', '1', '250'),
    });
    fc.assert(
      fc.property(aSpec, (spec) => {
        const pricesOf = (): readonly string[][] => {
          const { exchange } = anExchange();
          exchange.setBook('BTCUSDT', spec);
          return (['SELL', 'BUY'] as const).map((side) =>
            (exchange.orders.offers('BTCUSDT', side, 0) ?? []).map(
              ({ price, quantity }) => `${price.toFixed()} ${quantity.toFixed()}`,
            ),
          );
        };
        const [bids = [], asks = []] = pricesOf().map((levels) => levels.map((level) => parseFloat(level)));
        expect(bids).toEqual(bids.toSorted((one, other) => other - one));
        expect(asks).toEqual(asks.toSorted((one, other) => one - other));
        expect(asks[0] ?? 0).toBeGreaterThanOrEqual(bids[0] ?? 0);
        expect(pricesOf()).toEqual(pricesOf());
      }),
    );
  });
});
