import { expect, it } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { MarketWalk } from '../../../packages/fake-binance/market-walk.ts';
import { anExchange } from './an-exchange.ts';

function marksAfter(seed: number, steps: readonly number[]): string {
  const { exchange } = anExchange();
  exchange.setMarket({ symbol: 'ETHUSDT', price: '2500', tick: '0.01', status: 'SETTLING' });
  const walk = new MarketWalk(exchange, new SeededRandom(seed));
  for (const count of steps) walk.step(count);
  expect(exchange.orders.mark('ETHUSDT').toFixed()).toBe('2500');
  return exchange.orders.mark('BTCUSDT').toFixed();
}

it('marks of a walk depend on seed and step, not on how the steps were made', () => {
  const mark = marksAfter(7, [30]);
  expect(mark).not.toBe('100');
  expect(marksAfter(7, [10, 20])).toBe(mark);
  expect(marksAfter(8, [30])).not.toBe(mark);
});
