import { describe, expect, it } from 'vitest';
import type { ClientOrderId } from '../../../schemas/generated/records.ts';
import { AnExchange, MINUTE_MS, START, aFault } from './an-exchange.ts';
import { SimulatedVenue } from './simulated-venue.ts';

const BTC = 'BTCUSDT';
const ID = 'hl-1' as ClientOrderId;

/** An exchange with a position, where a fault stands for that long. */
function exchangeWith(kind: 'requests_limited' | 'address_banned' | 'orders_limited', forMs: number, much = 0.5) {
  const exchange = new AnExchange({ faults: [{ ...aFault(kind, null, much), forMs }] });
  exchange.account.open(BTC, 'LONG', 0.5);
  return exchange;
}

describe('SIM-42: an exchange that is asked too often', () => {
  it.each(['requests_limited', 'address_banned'] as const)('answers nothing: %s', async (kind) => {
    const exchange = exchangeWith(kind, 5 * MINUTE_MS);
    const { venue, account } = exchange;
    await expect(exchange.within(1000, venue.holdings())).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
    expect(await exchange.within(1000, venue.lookUp(ID, BTC))).toMatchObject({ kind: 'unavailable' });
    expect(await exchange.within(1000, venue.cancel(ID, BTC))).toMatchObject({ kind: 'unavailable' });
    const placement = await exchange.place(ID, exchange.reference(BTC), '0.1');
    expect(placement).toMatchObject({ kind: 'rejected', meaning: 'busy', code: '429' });
    expect(account.ledger.received).toEqual([]);
  });

  it('refuses an order for good where it is the first request', async () => {
    const exchange = exchangeWith('requests_limited', 5 * MINUTE_MS);
    const placement = await exchange.place(ID, exchange.reference(BTC), '0.1');
    expect(placement).toMatchObject({ kind: 'rejected', meaning: 'busy', code: '-1003' });
    expect(exchange.account.ledger.received).toMatchObject([{ refused: 'busy', order: null }]);
  });

  it('is left alone until the time that it named, and asked again then', async () => {
    const banned = exchangeWith('address_banned', 7 * MINUTE_MS);
    await expect(banned.within(1000, banned.venue.holdings())).rejects.toThrow(/banned until/);
    const asked = banned.faults.hits.get('address_banned');
    await banned.kernel.run(START + 7 * MINUTE_MS - 1000);
    await expect(banned.within(999, banned.venue.holdings())).rejects.toThrow(/left alone/);
    expect(banned.faults.hits.get('address_banned')).toBe(asked);
    await banned.kernel.run(START + 7 * MINUTE_MS + 1000);
    expect((await banned.within(1000, banned.venue.holdings())).holdings).toHaveLength(1);
  });

  it('names no wait at times: then it is left alone for ten seconds', async () => {
    const exchange = exchangeWith('requests_limited', 1000, 0.9);
    await expect(exchange.within(1000, exchange.venue.holdings())).rejects.toThrow(/HTTP 429/);
    await expect(exchange.within(8000, exchange.venue.holdings())).rejects.toThrow(/left alone/);
    await exchange.kernel.run(START + 12_000);
    expect((await exchange.within(1000, exchange.venue.holdings())).holdings).toHaveLength(1);
  });

  it('limits the requests of one process, and the orders of all', async () => {
    const limited = new AnExchange({ faults: [aFault('requests_limited', 'execution')] });
    limited.account.open(BTC, 'LONG', 0.5);
    const other = new SimulatedVenue(limited.aHost('source'), limited.account);
    expect((await limited.within(1000, other.holdings())).holdings).toHaveLength(1);
    const exchange = exchangeWith('orders_limited', MINUTE_MS);
    expect((await exchange.within(1000, exchange.venue.holdings())).holdings).toHaveLength(1);
    const placement = await exchange.place(ID, exchange.reference(BTC), '0.1');
    expect(placement).toMatchObject({ kind: 'rejected', meaning: 'busy', code: '-1015' });
    await expect(exchange.within(0, exchange.venue.holdings())).rejects.toThrow(/left alone/);
  });
});
