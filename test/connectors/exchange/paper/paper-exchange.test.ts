import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Exact } from '../../../../ports/exact-decimal.ts';
import { DEFAULT_FAULTS, type PaperFaults, SLOW_MS } from '../../../../connectors/exchange/paper/fill-plan.ts';
import { PaperExchange } from '../../../../connectors/exchange/paper/paper-exchange.ts';
import { SeededRandom } from '../../../../connectors/system/seeded-random.ts';
import { VirtualClock } from '../../../../ports/clock.ts';
import type { Placement, PositionReference, VenueOrder } from '../../../../ports/exchange.ts';
import { WithheldOrder } from '../../../../ports/kill-switch.ts';
import type { ClientOrderId } from '../../../../schemas/generated/records.ts';
import { positionIdOf } from '../../../../schemas/ids.ts';

const START = 1_770_000_000_000;

/** Without any fault. */
const CALM: PaperFaults = { ...DEFAULT_FAULTS, partialFill: 0 };

function venue(faults: PaperFaults = CALM, clock = new VirtualClock(START)): PaperExchange {
  const exchange = new PaperExchange({ path: ':memory:', clock, random: new SeededRandom(11), faults });
  onTestFinished(() => exchange.close());
  return exchange;
}

function reference(traits: Partial<PositionReference> = {}): PositionReference {
  const { account, symbol, side, opened_at } = {
    account: 'desk-1',
    symbol: 'AIOUSDT',
    side: 'LONG' as const,
    opened_at: START,
    ...traits,
  };
  const position_id = positionIdOf(account, symbol, side, opened_at);
  return {
    position_id,
    account,
    symbol,
    side,
    opened_at,
    observed_at: opened_at,
    quantity: 1000,
    entry_price: 0.18,
    mark_price: 0.186,
    ...traits,
  };
}

const order = (id: string, quantity: string, position = reference()) => ({
  clientOrderId: id as ClientOrderId,
  position,
  quantity,
  pricing: { kind: 'market' } as const,
});

function accepted(placement: Placement): VenueOrder {
  if (placement.kind !== 'accepted') throw new Error(`not accepted but ${placement.kind}`);
  return placement.order;
}

describe('PaperExchange', () => {
  it('opens a position as the first who names it says, and no other way later', async () => {
    const exchange = venue();
    expect(await exchange.position(reference())).toEqual({ quantity: '1000' });
    expect(await exchange.position(reference({ quantity: 5, entry_price: 9 }))).toEqual({
      quantity: '1000',
    });
  });

  it.each([
    [0.186, '0.00001', '1'],
    [3.37, '0.0001', '0.1'],
    [107, '0.01', '0.001'],
    [65_000.5, '1', '0.00001'],
  ])('derives the rules of a market at %d once and for all', (price, tick, lotStep) => {
    const exchange = venue();
    const rules = { tick, lotStep, minQuantity: lotStep, maxQuantity: null, minNotional: '5' };
    expect(exchange.marketRules('X', price)).toEqual(rules);
    expect(exchange.marketRules('X', price * 1000)).toEqual(rules);
  });

  it('takes no order that its gate keeps back', async () => {
    const exchange = venue();
    const stop = { scope: 'desk', by: 'alice', reason: 'a test', since: START };
    const placement = await exchange.place(order('a', '580'), () => Promise.reject(new WithheldOrder(stop)));
    expect(placement).toMatchObject({ kind: 'withheld' });
    expect([...exchange.orders()]).toEqual([]);
  });

  it('is OPEN until its time has come, then DONE with fills that add up', async () => {
    const clock = new VirtualClock(START);
    const exchange = venue(CALM, clock);
    expect(accepted(await exchange.place(order('a', '580')))).toMatchObject({
      state: 'OPEN',
      filledQuantity: '0',
      averagePrice: null,
      fee: null,
      positionAfter: '1000',
      filledAt: START,
    });
    const states: string[] = [];
    for (let waited = 0; waited <= 250; waited += 10) {
      const answer = await exchange.lookUp('a' as ClientOrderId);
      if (answer.kind === 'found') states.push(`${answer.order.state} ${answer.order.filledQuantity}`);
      await clock.sleep(10);
    }
    expect(states[0]).toBe('OPEN 0');
    expect(states.at(-1)).toBe('DONE 580');
    expect(await exchange.position(reference())).toMatchObject({ quantity: '420' });
  });

  it.each(['LONG', 'SHORT'] as const)(
    'PAP-8: fills a %s on the worse side of mark, on the tick, for the taker fee',
    async (side) => {
      const clock = new VirtualClock(START);
      const exchange = venue(CALM, clock);
      const fills = [];
      for (let index = 0; index < 40; index++) {
        const position = reference({ side, opened_at: START + index });
        await exchange.place(order(`order-${index}`, '600', position));
      }
      for (const { fills: some, placedAt } of exchange.orders())
        fills.push(...some.map((fill) => ({ ...fill, placedAt })));
      const worst = side === 'LONG' ? 0.186 * (1 - 0.0004) : 0.186 * (1 + 0.0004);
      for (const fill of fills) {
        const price = Number(fill.price);
        const [low, high] = side === 'LONG' ? [worst - 0.00001, 0.186] : [0.186, worst + 0.00001];
        expect(price).toBeGreaterThanOrEqual(low);
        expect(price).toBeLessThanOrEqual(high);
        expect(new Exact(fill.price).mod('0.00001').toFixed()).toBe('0');
        expect(fill.fee).toBe(new Exact(fill.price).mul(fill.quantity).mul('0.0005').toFixed());
        expect(fill.filledAt - fill.placedAt).toBeLessThanOrEqual(250);
      }
      expect(new Set(fills.map(({ price }) => price)).size, 'slippage varies').toBeGreaterThan(3);
      expect(fills.length, 'some orders take several fills').toBeGreaterThan(50);
    },
  );

  it('PAP-8: an order does not depend on what came before it', async () => {
    const [one, other] = [venue(), venue()];
    await other.place(order('first', '10'));
    const position = reference({ symbol: 'FHEUSDT', mark_price: 3.37 });
    for (const exchange of [one, other]) await exchange.place(order('a', '580.5', position));
    const found = [one, other].map((exchange) => [...exchange.orders()].find((each) => each.clientOrderId === 'a'));
    expect(found[0]).toBeDefined();
    expect(found[0]).toEqual(found[1]);
  });

  it('refuses with the codes of the venue it stands in for', async () => {
    const exchange = venue();
    const codes: string[] = [];
    const place = async (id: string, quantity: string): Promise<void> => {
      const placement = await exchange.place(order(id, quantity));
      codes.push(placement.kind === 'rejected' ? placement.code : placement.kind);
    };
    await place('precision', '100.5');
    await place('too small', '0');
    await place('too cheap', '20');
    await place('good', '900');
    await place('good', '100');
    await place('cut to what is open', '900');
    await place('flat', '900');
    expect(codes).toEqual(['-1111', '-1013', '-4164', 'accepted', '-4116', 'accepted', '-2022']);
    expect([...exchange.orders()].map(({ quantity }) => quantity).toSorted()).toEqual(['100', '900']);
  });

  it('closes the whole of a position that is no multiple of a lot, however cheap', async () => {
    const exchange = venue();
    const position = reference({ quantity: 3.5 });
    expect((await exchange.place(order('all', '3.5', position))).kind).toBe('accepted');
    expect(await exchange.position(position)).toMatchObject({ quantity: '0' });
  });

  it('PAP-7: a closed position stays flat for ever', async () => {
    const exchange = venue();
    await exchange.place(order('all', '1000'));
    const { position_id, account, symbol, side, opened_at } = reference();
    exchange.open({ position_id, account, symbol, side, opened_at, initialQuantity: '7', entryPrice: '1' });
    exchange.grow(position_id, 'g', '7', '1');
    expect(await exchange.position(reference())).toMatchObject({ quantity: '0' });
    expect(exchange.openPositions()).toEqual([]);
  });

  it('grows a position once a growth, at the weighted price', async () => {
    const exchange = venue();
    await exchange.position(reference());
    for (let time = 0; time < 2; time++) exchange.grow(reference().position_id, 'g-1', '500', '0.21');
    expect(exchange.openPositions()).toMatchObject([{ quantity: '1500', initialQuantity: '1000', entryPrice: '0.19' }]);
    expect(exchange.positions()).toMatchObject([{ grownQuantity: '500' }]);
  });

  it.each([
    ['lostReply', 'in-doubt', 'found', 1],
    ['timeoutBefore', 'in-doubt', 'absent', 0],
    ['reject', 'rejected', 'absent', 0],
    ['blackout', 'in-doubt', 'unavailable', 1],
    ['slow', 'accepted', 'found', 1],
  ] as const)('%s: answers %s, a look-up %s, and has %d orders', async (fault, placed, lookedUp, orders) => {
    const clock = new VirtualClock(START);
    const exchange = venue({ ...CALM, [fault]: 1 }, clock);
    expect((await exchange.place(order('a', '580'))).kind).toBe(placed);
    await clock.sleep(fault === 'slow' ? SLOW_MS - 1 : 250);
    const answer = await exchange.lookUp('a' as ClientOrderId);
    expect(answer.kind).toBe(lookedUp);
    if (answer.kind === 'found') expect(answer.order.state).toBe(fault === 'slow' ? 'OPEN' : 'DONE');
    expect([...exchange.orders()].length).toBe(orders);
  });

  it('PAP-5, PAP-6: whatever is asked in whatever order, quantities add up and an id is one order', async () => {
    const aRequest = fc.record({
      id: fc.nat({ max: 12 }),
      position: fc.nat({ max: 2 }),
      lots: fc.integer({ min: 0, max: 700 }),
      growLots: fc.constantFrom(0, 0, 3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(aRequest, { maxLength: 25 }), async (requests) => {
        const random = new SeededRandom(3);
        const faults = { ...CALM, partialFill: 0.5, lostReply: 0.2, blackout: 0.1 };
        const exchange = new PaperExchange({ path: ':memory:', clock: new VirtualClock(START), random, faults });
        for (const { id, position, lots, growLots } of requests) {
          const named = reference({ opened_at: START + position, quantity: 1000.37 });
          if (growLots > 0) exchange.grow(named.position_id, `g-${id}`, String(growLots), '0.2');
          await exchange.place(order(`o-${id}`, String(lots), named));
        }
        const orders = [...exchange.orders()];
        expect(new Set(orders.map(({ clientOrderId }) => clientOrderId)).size).toBe(orders.length);
        for (const { position_id, initialQuantity, grownQuantity, quantity } of exchange.positions()) {
          const fills = orders.filter(({ positionId }) => positionId === position_id).flatMap((each) => each.fills);
          const sum = Exact.sum(quantity, ...fills.map((fill) => fill.quantity));
          expect(sum.toFixed()).toBe(new Exact(initialQuantity).add(grownQuantity).toFixed());
          expect(new Exact(quantity).gte(0)).toBe(true);
        }
        exchange.close();
      }),
      { numRuns: 60 },
    );
  });
});
