import { describe, expect, it } from 'vitest';
import { BINANCE } from '../../../../connectors/exchange/ccxt/venues/binance.ts';
import { causeOf, isTriggerOf, restingOf, stopsOf } from '../../../../connectors/exchange/ccxt/resting-orders.ts';
import { UnifiedOrder, unified } from '../../../../connectors/exchange/ccxt/unified.ts';
import type { Side } from '../../../../schemas/generated/records.ts';

const anOrder = (fields: object): UnifiedOrder => unified(UnifiedOrder, { id: '1', ...fields });

const MARKET = { contractSize: '1' };

function standing(orders: readonly object[], side: Side) {
  const { stopPrice, takeProfitPrice } = stopsOf(restingOf(orders, side, true, MARKET), side);
  return { stopPrice, takeProfitPrice };
}

describe('where stop and target stand', () => {
  const stop = (triggerPrice: string, fields: object = {}): UnifiedOrder =>
    anOrder({ side: 'sell', reduceOnly: true, triggerPrice, info: { orderType: 'STOP_MARKET' }, ...fields });
  const target = (triggerPrice: string, fields: object = {}): UnifiedOrder =>
    anOrder({ side: 'sell', reduceOnly: true, triggerPrice, info: { orderType: 'TAKE_PROFIT_MARKET' }, ...fields });

  it('takes what would be hit first', () => {
    expect(standing([stop('90'), stop('95'), target('130'), target('120')], 'LONG')).toEqual({
      stopPrice: '95',
      takeProfitPrice: '120',
    });
    const buy = { side: 'buy' };
    expect(standing([stop('110', buy), stop('105', buy), target('80', buy), target('85', buy)], 'SHORT')).toEqual({
      stopPrice: '105',
      takeProfitPrice: '85',
    });
  });

  it('EXC-27: passes over what would not close the position', () => {
    const others = [
      stop('95', { reduceOnly: false }),
      stop('95', { side: 'buy' }),
      stop('95', { info: { orderType: 'STOP_MARKET', positionSide: 'SHORT' } }),
      anOrder({ side: 'sell', reduceOnly: true, info: { orderType: 'STOP_MARKET' } }),
    ];
    expect(standing(others, 'LONG')).toEqual({ stopPrice: null, takeProfitPrice: null });
    const whole = stop('95', { reduceOnly: false, info: { orderType: 'STOP_MARKET', closePosition: true } });
    expect(standing([...others, whole], 'LONG').stopPrice).toBe('95');
  });
});

describe('what rests', () => {
  it('is named by kind, what is left of it, its price, when it was placed, and whether it closes all', () => {
    const orders = [
      anOrder({
        side: 'sell',
        type: 'limit',
        reduceOnly: true,
        amount: '0.5',
        filled: '0.2',
        price: '130',
        timestamp: 5,
        info: { type: 'LIMIT' },
      }),
      anOrder({
        id: '2',
        side: 'sell',
        triggerPrice: '95',
        amount: '0',
        timestamp: 7,
        info: { orderType: 'STOP_MARKET', closePosition: true },
      }),
      anOrder({ id: '3', side: 'sell', reduceOnly: true, amount: '1', triggerPrice: '0', info: { type: 'ICEBERG' } }),
    ];
    expect(restingOf(orders, 'LONG', false, { contractSize: '10' })).toEqual([
      {
        orderId: '1',
        isConditional: false,
        kind: 'LIMIT',
        quantity: '3',
        price: '130',
        placedAt: 5,
        wholePosition: false,
      },
      {
        orderId: '2',
        isConditional: true,
        kind: 'STOP',
        quantity: null,
        price: '95',
        placedAt: 7,
        wholePosition: true,
      },
      {
        orderId: '3',
        isConditional: false,
        kind: 'OTHER',
        quantity: '10',
        price: null,
        placedAt: null,
        wholePosition: false,
      },
    ]);
  });
});

describe('what an order was', () => {
  it.each([
    ['autoclose-1700000000', {}, 'LIQUIDATION'],
    ['adl_autoclose', {}, 'ADL'],
    ['settlement_autoclose-12', {}, 'SETTLEMENT'],
    ['web_abc', { type: 'MARKET', origType: 'STOP_MARKET' }, 'STOP'],
    ['web_abc', { type: 'MARKET', origType: 'TAKE_PROFIT_MARKET' }, 'TAKE_PROFIT'],
    ['web_abc', { origType: 'TRAILING_STOP_MARKET' }, 'STOP'],
    ['web_abc', { type: 'MARKET' }, 'ORDER'],
    [null, {}, 'ORDER'],
  ] as const)('%s %j: %s', (clientOrderId, info, cause) => {
    expect(causeOf(anOrder({ clientOrderId, info }), BINANCE.madeBy)).toBe(cause);
  });

  it('a conditional order names the order that it became', () => {
    expect(isTriggerOf(anOrder({ info: { actualOrderId: 7001 } }), '7001')).toBe(true);
    expect(isTriggerOf(anOrder({ info: { actualOrderId: '' } }), '7001')).toBe(false);
  });
});
