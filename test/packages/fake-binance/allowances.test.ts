import { describe, expect, it } from 'vitest';
import { NOW } from './an-exchange.ts';
import { OrderCounts, Weights, weightOf } from '../../../packages/fake-binance/allowances.ts';

const MINUTE_MS = 60_000;
const MINUTE = Math.floor(NOW / MINUTE_MS) * MINUTE_MS;

describe('the allowance of an address', () => {
  it.each([
    ['GET /fapi/v1/klines?limit=99', 1],
    ['GET /fapi/v1/klines?limit=100', 2],
    ['GET /fapi/v1/klines', 5],
    ['GET /fapi/v1/klines?limit=1500', 10],
    ['GET /fapi/v1/openOrders?symbol=BTCUSDT', 1],
    ['GET /fapi/v1/openOrders', 40],
    ['GET /fapi/v1/premiumIndex', 10],
    ['GET /fapi/v3/positionRisk', 5],
    ['POST /fapi/v1/order', 0],
    ['GET /fapi/v1/order', 1],
  ])('%s costs %i', (request, weight) => {
    const [name = '', query = ''] = request.split('?');
    expect(weightOf(name, new URLSearchParams(query))).toBe(weight);
  });

  it('429 until the next minute; a ban for who goes on, and a longer one the next time', () => {
    const weights = new Weights(10);
    const at = MINUTE + 15_000;
    expect(weights.take(10, at)).toEqual({ kind: 'allowed', used: 10 });
    for (let refusal = 0; refusal < 10; refusal++) {
      expect(weights.take(1, at)).toMatchObject({ kind: 'refused', status: 429, retryAfterS: 45 });
    }
    expect(weights.take(1, at)).toMatchObject({ status: 418, retryAfterS: 120 });
    expect(weights.take(1, at + MINUTE_MS)).toMatchObject({ status: 418, retryAfterS: 60 });
    const later = at + 2 * MINUTE_MS;
    expect(weights.take(10, later)).toEqual({ kind: 'allowed', used: 10 });
    for (let refusal = 0; refusal < 10; refusal++) weights.take(1, later);
    expect(weights.take(1, later)).toMatchObject({ status: 418, retryAfterS: 240 });
  });
});

describe('the allowance of orders', () => {
  it('counts both spans, and names the one that is over', () => {
    const counts = new OrderCounts({ per10Seconds: 2, perMinute: 3 });
    counts.take(MINUTE);
    expect(counts.take(MINUTE).headers).toEqual({ 'X-MBX-ORDER-COUNT-10S': 2, 'X-MBX-ORDER-COUNT-1M': 2 });
    expect(counts.take(MINUTE + 9999).over).toEqual(['2', '10 SECONDS']);
    expect(counts.take(MINUTE + 10_000).over).toEqual(['3', '1 MINUTE']);
    expect(counts.take(MINUTE + MINUTE_MS)).toMatchObject({ over: null, headers: { 'X-MBX-ORDER-COUNT-1M': 1 } });
  });
});
