import { beforeEach, describe, expect, it } from 'vitest';
import type { OrderId } from '../../../schemas/generated/records.ts';
import type { Candle } from '../../../ports/market.ts';
import type { RestingOrder } from '../../../ports/exchange.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { MINUTE_MS, ObservedAccount, START } from './observed-account.ts';

let account: ObservedAccount;

beforeEach(() => {
  account = new ObservedAccount();
});

/** A stop of the whole position. */
function aStop(price: string, placedAt: number | null): RestingOrder {
  const orderId = `stop-${price}` as OrderId;
  return { orderId, isConditional: true, kind: 'STOP', quantity: null, price, placedAt, wholePosition: true };
}

describe('a snapshot of an open position', () => {
  it('takes confidence and regime at entry from the signal at the opening, and nothing where they are silent', async () => {
    const signal = { ...GOOD_RECORDS[TOPICS.modelSignal.name], symbol: 'BTCUSDT', side: 'LONG' } as const;
    account.signals = [
      { ...signal, emitted_at: START - 1000, confidence: 0.8, regime: 'bull' },
      { ...signal, emitted_at: START + 1000, confidence: 0.55, regime: 'bear' },
    ];
    const observed = account.observer();
    expect((await account.cycle(observed)).snapshots).toMatchObject([
      {
        confidence_at_entry: 0.8,
        regime_at_entry: 'bull',
        confidence: 0.55,
        regime: 'bear',
        model_id: signal.model_id,
      },
    ]);
    // SNA-12: what is said for the other side is not turned round. SNA-13: and in the models' words, not the candles'.
    account.signals = [
      ...account.signals,
      { ...signal, side: 'SHORT', emitted_at: START + 2000, confidence: 0.9, regime: 'chop' },
    ];
    expect((await account.cycle(observed)).snapshots).toMatchObject([{ confidence: null, regime: 'chop' }]);
    account.signals = [];
    expect((await account.cycle(observed)).snapshots).toMatchObject([
      { confidence: null, regime: null, confidence_at_entry: 0.8 },
    ]);
  });

  it('reads gradient and regime from candles, fetched only when another has closed', async () => {
    const candle = (index: number): Candle => {
      const close = 100 + index;
      return {
        closedAt: START + index * 5 * MINUTE_MS,
        open: close - 1,
        high: close + 1,
        low: close - 2,
        close,
        volume: 1,
      };
    };
    const candles = Array.from({ length: 200 }, (_, index) => candle(index - 188));
    account.venue.closed = candles.slice(0, 189 + 11);
    account.clock.set(START + 11 * 5 * MINUTE_MS + 1000);
    account.venue.closed = candles;
    const observed = account.observer();
    expect((await account.cycle(observed)).snapshots).toMatchObject([{ regime: 'TREND_UP', volatility_gradient: 0 }]);
    account.venue.asked.length = 0;
    await account.cycle(observed);
    expect(account.venue.asked.filter((question) => question.startsWith('candles'))).toEqual([]);
    // The venue goes silent: what was known ages, and is then unknown.
    account.venue.silent.add('candles');
    account.clock.set(account.clock.now() + 6 * MINUTE_MS);
    expect((await account.cycle(observed)).snapshots).toMatchObject([{ regime: 'TREND_UP' }]);
    account.clock.set(account.clock.now() + 6 * MINUTE_MS);
    expect((await account.cycle(observed)).snapshots).toMatchObject([{ regime: null, volatility_gradient: null }]);
  });

  it('SNA-14: takes a stop seen at the opening for the risk the position began with', async () => {
    account.clock.set(START + MINUTE_MS);
    account.venue.stopsOf = { stopPrice: '96', takeProfitPrice: '130', resting: [aStop('96', START + MINUTE_MS)] };
    const observed = account.observer();
    expect((await account.cycle(observed)).snapshots).toMatchObject([
      { initial_stop_price: 96, stop_price: 96, take_profit_price: 130, r_history: [1.75] },
    ]);
    const trailed = aStop('104', START + 30 * MINUTE_MS);
    account.venue.stopsOf = { stopPrice: '104', takeProfitPrice: null, resting: [trailed] };
    expect((await account.cycle(observed)).snapshots).toMatchObject([{ initial_stop_price: 96, stop_price: 104 }]);
    account.clock.set(START + 60 * MINUTE_MS);
    expect((await account.cycle(account.observer())).snapshots).toMatchObject([
      {
        initial_stop_price: null,
        stop_price: 104,
        resting: [
          {
            order_id: 'stop-104',
            kind: 'STOP',
            quantity: null,
            price: 104,
            placed_at: trailed.placedAt,
            whole_position: true,
          },
        ],
      },
    ]);
  });

  it('takes no stop for it that was placed before the opening, long after it, or nobody knows when', async () => {
    account.clock.set(START + MINUTE_MS);
    const others = [START - 1, START + 6 * MINUTE_MS, null].map((placedAt) => aStop('98', placedAt));
    account.venue.stopsOf = { stopPrice: '98', takeProfitPrice: null, resting: others };
    expect((await account.cycle(account.observer())).snapshots).toMatchObject([
      { initial_stop_price: null, stop_price: 98 },
    ]);
    account.venue.stopsOf = { stopPrice: '98', takeProfitPrice: null, resting: [...others, aStop('95', START)] };
    expect((await account.cycle(account.observer())).snapshots).toMatchObject([
      { initial_stop_price: 95, stop_price: 98 },
    ]);
  });

  it('names what rests: nothing where there is nothing, null where the venue does not say', async () => {
    account.clock.set(START + MINUTE_MS);
    expect((await account.cycle(account.observer())).snapshots).toMatchObject([{ resting: [] }]);
    account.venue.silent.add('stops');
    expect((await account.cycle(account.observer())).snapshots).toMatchObject([{ resting: null, stop_price: null }]);
  });
});
