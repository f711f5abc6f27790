import { describe, expect, it } from 'vitest';
import { Exact } from '../../../ports/exact-decimal.ts';
import { WithheldOrder } from '../../../ports/kill-switch.ts';
import type { ClientOrderId } from '../../../schemas/generated/records.ts';
import { AnExchange, MINUTE_MS, aFault } from './an-exchange.ts';
import { STEP_MS } from './price-path.ts';
import { RECEIVE_WINDOW_MS } from './venue-account.ts';

const BTC = 'BTCUSDT';
const ID = 'hl-1' as ClientOrderId;

/** What of the desk's orders has filled. */
function filledOf({ account }: AnExchange): string {
  const own = account.ledger.fills.filter(({ order }) => order.clientOrderId?.startsWith('hl-') === true);
  return Exact.sum(0, ...own.map(({ fill }) => fill.quantity)).toFixed();
}

describe('an order at the simulated exchange', () => {
  it('fills at once, is charged, and shows in the position', async () => {
    const exchange = new AnExchange();
    exchange.account.open(BTC, 'LONG', 0.5);
    const position = exchange.reference(BTC);
    const placement = await exchange.place(ID, position, '0.2');
    expect(placement).toMatchObject({ kind: 'accepted', order: { state: 'DONE', filledQuantity: '0.2' } });
    const found = await exchange.within(1000, exchange.venue.lookUp(ID, BTC));
    expect(found).toEqual({ kind: 'found', order: placement.kind === 'accepted' ? placement.order : null });
    expect(await exchange.within(1000, exchange.venue.position(position))).toEqual({ quantity: '0.3' });
  });

  it('never fills beyond the position, and is refused where nothing is open (SIM-33)', async () => {
    const exchange = new AnExchange();
    exchange.account.open(BTC, 'SHORT', 0.5);
    const position = exchange.reference(BTC, 'SHORT');
    expect(await exchange.place('hl-1', position, '0.7')).toMatchObject({ order: { filledQuantity: '0.5' } });
    expect(await exchange.place('hl-2', position, '0.1')).toMatchObject({ kind: 'rejected', meaning: 'reduce-only' });
    expect(await exchange.within(1000, exchange.venue.position(position))).toEqual({ quantity: '0' });
    expect(filledOf(exchange)).toBe('0.5');
  });

  it('is taken once for each client order id (SIM-34)', async () => {
    const exchange = new AnExchange();
    exchange.account.open(BTC, 'LONG', 0.5);
    const position = exchange.reference(BTC);
    await exchange.place(ID, position, '0.1');
    expect(await exchange.place(ID, position, '0.1')).toMatchObject({ kind: 'rejected', meaning: 'duplicate-id' });
    expect(filledOf(exchange)).toBe('0.1');
    expect(exchange.account.ledger.received.map(({ refused }) => refused)).toEqual([null, 'duplicate-id']);
  });

  it('fills once though its answer is lost (SIM-38)', async () => {
    const exchange = new AnExchange({ faults: [aFault('order_reply_lost', BTC)] });
    exchange.account.open(BTC, 'LONG', 0.5);
    expect(await exchange.place(ID, exchange.reference(BTC), '0.1')).toMatchObject({ kind: 'in-doubt' });
    expect(await exchange.within(1000, exchange.venue.lookUp(ID, BTC))).toMatchObject({ kind: 'found' });
    expect(filledOf(exchange)).toBe('0.1');
  });

  it('may be denied once though it is there (SIM-38)', async () => {
    const exchange = new AnExchange({ faults: [aFault('look_up_denied', BTC)] });
    exchange.account.open(BTC, 'LONG', 0.5);
    expect(await exchange.within(1000, exchange.venue.lookUp(ID, BTC))).toEqual({ kind: 'absent' });
    await exchange.place(ID, exchange.reference(BTC), '0.1');
    expect(await exchange.within(1000, exchange.venue.lookUp(ID, BTC))).toEqual({ kind: 'absent' });
    expect(await exchange.within(1000, exchange.venue.lookUp(ID, BTC))).toMatchObject({ kind: 'found' });
  });

  it('is in doubt, and absent, where it was lost', async () => {
    const exchange = new AnExchange({ faults: [aFault('order_lost', BTC)] });
    exchange.account.open(BTC, 'LONG', 0.5);
    expect(await exchange.place(ID, exchange.reference(BTC), '0.1')).toMatchObject({ kind: 'in-doubt' });
    expect(await exchange.within(1000, exchange.venue.lookUp(ID, BTC))).toEqual({ kind: 'absent' });
  });

  it('may arrive late, and its answer be lost; once it was given up nothing comes of it any more (SIM-35)', async () => {
    const exchange = new AnExchange({ faults: [aFault('order_late', BTC, 0.5)] });
    exchange.account.open(BTC, 'LONG', 0.5);
    const request = { clientOrderId: ID, position: exchange.reference(BTC), quantity: '0.1' };
    const placing = exchange.venue.place({ ...request, pricing: { kind: 'market' } }, (send) => send());
    expect(await exchange.within(500, exchange.venue.lookUp(ID, BTC))).toEqual({ kind: 'absent' });
    expect(await exchange.within(RECEIVE_WINDOW_MS, placing)).toMatchObject({ kind: 'in-doubt' });
    expect(filledOf(exchange)).toBe('0.1');
    await exchange.kernel.run(exchange.kernel.now + RECEIVE_WINDOW_MS);
    expect(filledOf(exchange)).toBe('0.1');
  });

  it('is refused where it arrives later than the window of the exchange (SIM-35)', async () => {
    const exchange = new AnExchange({ faults: [aFault('order_late', BTC, 0.99)] });
    exchange.account.open(BTC, 'LONG', 0.5);
    expect(await exchange.place(ID, exchange.reference(BTC), '0.1')).toMatchObject({ kind: 'in-doubt' });
    expect(exchange.account.ledger.received).toMatchObject([{ refused: 'clock', order: null }]);
  });

  it('is withheld by the gate, and nothing of it is sent', async () => {
    const exchange = new AnExchange();
    exchange.account.open(BTC, 'LONG', 0.5);
    const gate = (): Promise<never> => Promise.reject(new WithheldOrder('halted'));
    const placement = await exchange.place(ID, exchange.reference(BTC), '0.1', { kind: 'market' }, gate);
    expect(placement).toEqual({ kind: 'withheld', stop: null, message: 'halted' });
    expect(exchange.account.ledger.received).toEqual([]);
  });

  it.each([
    ['0.0001', 'precision'],
    ['0.001', 'min-notional'],
    ['200', 'max-quantity'],
  ])('of %s is refused: %s', async (quantity, meaning) => {
    const exchange = new AnExchange();
    exchange.account.open(BTC, 'LONG', 0.5);
    const placement = await exchange.place(ID, exchange.reference(BTC), quantity);
    expect(placement).toMatchObject({ kind: 'rejected', meaning });
  });

  it('fills in part, not at all, or later, as faults have it', async () => {
    const kinds = ['order_in_part', 'order_unfilled', 'order_stays_open'] as const;
    const [part, none, later] = await Promise.all(
      kinds.map(async (kind) => {
        const exchange = new AnExchange({ faults: [aFault(kind, BTC)] });
        exchange.account.open(BTC, 'LONG', 0.5);
        const placement = await exchange.place(ID, exchange.reference(BTC), '0.2');
        return placement.kind === 'accepted' ? { ...placement.order, finally: filledOf(exchange) } : placement;
      }),
    );
    expect(part).toMatchObject({ state: 'DONE', filledQuantity: '0.1', finally: '0.1' });
    expect(none).toMatchObject({ state: 'DONE', filledQuantity: '0', averagePrice: null, finally: '0' });
    expect(later).toMatchObject({ state: 'OPEN', filledQuantity: '0', finally: '0.2' });
  });

  it('never fills beyond its limit', async () => {
    const exchange = new AnExchange();
    exchange.account.open(BTC, 'LONG', 0.5);
    const position = exchange.reference(BTC);
    const limitPrice = String(position.mark_price * 1.01);
    const placement = await exchange.place(ID, position, '0.1', { kind: 'ioc', limitPrice });
    expect(placement).toMatchObject({ kind: 'accepted', order: { state: 'DONE', filledQuantity: '0' } });
  });

  it('rests until the price comes to it, or it is cancelled', async () => {
    const exchange = new AnExchange();
    exchange.account.open(BTC, 'LONG', 0.5);
    const position = exchange.reference(BTC);
    const price = String(position.mark_price * 1.05);
    for (const id of ['hl-1', 'hl-2']) {
      const placement = await exchange.place(id, position, '0.1', { kind: 'post-only', price });
      expect(placement).toMatchObject({ order: { state: 'OPEN' } });
    }
    expect(await exchange.within(1000, exchange.venue.resting(BTC, 'LONG'))).toHaveLength(2);
    expect(await exchange.within(1000, exchange.venue.cancel(ID, BTC))).toEqual({ kind: 'ended' });
    exchange.account.gap(BTC, 0.06);
    await exchange.kernel.run(exchange.kernel.now + STEP_MS);
    expect(await exchange.within(1000, exchange.venue.lookUp(ID, BTC))).toMatchObject({
      order: { state: 'DONE', filledQuantity: '0' },
    });
    expect(await exchange.within(1000, exchange.venue.lookUp('hl-2' as ClientOrderId, BTC))).toMatchObject({
      order: { state: 'DONE', filledQuantity: '0.1' },
    });
  });

  it('is unavailable, and never absent, where the exchange does not answer (SIM-38)', async () => {
    const exchange = new AnExchange({ faults: [{ ...aFault('exchange_away', null), forMs: MINUTE_MS }] });
    exchange.account.open(BTC, 'LONG', 0.5);
    const position = exchange.reference(BTC);
    expect(await exchange.within(RECEIVE_WINDOW_MS + 1000, exchange.venue.lookUp(ID, BTC))).toMatchObject({
      kind: 'unavailable',
    });
    await expect(exchange.within(RECEIVE_WINDOW_MS + 1000, exchange.venue.position(position))).rejects.toMatchObject({
      code: 'EXCHANGE_AWAY',
    });
  });
});
