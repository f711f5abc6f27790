import { describe, expect, it } from 'vitest';
import { connect } from './a-client.ts';

describe('the end of a contract, as the exchange announces it', () => {
  it.each([
    // symbol, what is announced
    ['BTCUSDT_261225', {}, Date.UTC(2026, 11, 25, 8)],
    ['DOOMEDUSDT', { deliveryDate: 1_800_000_000_000 }, 1_800_000_000_000],
    ['ETHUSDT', {}, null],
  ] as const)('%s', async (symbol, announced, settlesAt) => {
    const { server, venue, exchange } = await connect();
    server.exchange.setMarket({ symbol, price: '100', ...announced });
    server.exchange.open({ symbol, side: 'LONG', quantity: '1' });
    const { holdings } = await venue.holdings();
    expect(holdings.map((one) => [one.symbol, one.settlesAt ?? null])).toEqual([[symbol, settlesAt]]);
    const rules = await exchange.rules(symbol);
    expect(rules?.ending ?? null).toEqual(
      settlesAt === null ? null : { settlesAt, takesOrders: true, status: 'TRADING' },
    );
  });

  it.each(['SETTLING', 'CLOSE', 'PRE_DELIVERING'])('a market that is %s takes no orders', async (status) => {
    const { server, exchange } = await connect();
    server.exchange.setMarket({ symbol: 'GONEUSDT', price: '2', status });
    expect((await exchange.rules('GONEUSDT'))?.ending).toEqual({ settlesAt: null, takesOrders: false, status });
  });

  it('a halt that is over is noticed half a minute later', async () => {
    const { server, client, exchange } = await connect();
    server.exchange.setMarket({ symbol: 'HALTUSDT', price: '2', status: 'SETTLING' });
    expect((await exchange.rules('HALTUSDT'))?.ending?.takesOrders).toBe(false);
    server.exchange.setMarket({ symbol: 'HALTUSDT', price: '2' });
    server.exchange.skewMs = 31_000;
    await client.measureClock();
    expect((await exchange.rules('HALTUSDT'))?.ending).toBeUndefined();
  });
});
