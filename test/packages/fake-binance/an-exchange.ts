import { VirtualClock } from '../../../ports/clock.ts';
import { ORDINARY_COMMISSION } from '../../../packages/fake-binance/account.ts';
import { BinanceExchange, type ExchangeOptions } from '../../../packages/fake-binance/binance-exchange.ts';
import type { OrderRequest } from '../../../packages/fake-binance/order.ts';

export const NOW = Date.UTC(2026, 10, 25, 12, 1);
export const DAY_MS = 24 * 60 * 60 * 1000;

/** An exchange with one market, BTCUSDT at 100, and a virtual clock. */
export function anExchange(options: Partial<ExchangeOptions> = {}): { exchange: BinanceExchange; clock: VirtualClock } {
  const clock = new VirtualClock(NOW);
  const exchange = new BinanceExchange(clock, { hedge: false, seed: 1, commission: ORDINARY_COMMISSION, ...options });
  exchange.setMarket({ symbol: 'BTCUSDT', price: '100', tick: '0.1', lotStep: '0.001' });
  return { exchange, clock };
}

/** A market order that reduces a LONG by 1. */
export function anOrder(traits: Partial<OrderRequest> = {}): OrderRequest {
  return {
    clientOrderId: 'own-1',
    symbol: 'BTCUSDT',
    side: 'SELL',
    positionSide: null,
    type: 'MARKET',
    quantity: '1',
    price: null,
    reduceOnly: true,
    ...traits,
  };
}

export function aLimit(traits: Partial<OrderRequest> = {}): OrderRequest {
  return anOrder({ type: 'LIMIT', price: '101', reduceOnly: null, ...traits });
}

/** The code of the rejection; null without one. */
export function codeOf(act: () => unknown): string | null {
  try {
    act();
    return null;
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) return String(thrown.code);
    throw thrown;
  }
}
