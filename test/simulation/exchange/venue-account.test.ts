import { describe, expect, it } from 'vitest';
import { PositionObserver } from '../../../pipelines/snapshots/position-observer.ts';
import type { Signals } from '../../../pipelines/snapshots/signals.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { Candle } from '../../../ports/market.ts';
import type { VenueChange } from '../../../ports/venue.ts';
import type { Reduction } from '../../../schemas/generated/records.ts';
import { AnExchange, MINUTE_MS, START, aFault } from './an-exchange.ts';
import { STEP_MS } from './price-path.ts';
import { SimulatedStream } from './simulated-stream.ts';

const BTC = 'BTCUSDT';
const HOUR_MS = 60 * MINUTE_MS;
const CYCLE_MS = 30_000;

const NO_SIGNALS: Signals = {
  refresh: () => Promise.resolve(),
  latest: () => null,
  at: () => Promise.resolve(null),
};

/** The candles of half a day, asked for so often meanwhile. */
async function candlesOf({ account, kernel }: AnExchange, everyMs: number): Promise<readonly Candle[]> {
  const path = account.books.get(BTC)?.path;
  for (let at = START; at < START + 12 * HOUR_MS; at += everyMs) {
    await kernel.run(at);
    path?.ticks(at);
  }
  await kernel.run(START + 12 * HOUR_MS);
  return path?.candles(kernel.now, 200) ?? [];
}

/** A day in which people and the price change positions, with what the source records of it. */
async function aDay(exchange: AnExchange) {
  const { account, kernel, venue, host } = exchange;
  const observer = new PositionObserver({
    venue,
    account: 'desk-1',
    clock: host.venueClock,
    signals: NO_SIGNALS,
    symbols: null,
  });
  const reductions: Reduction[] = [];
  const missing: unknown[] = [];
  const differences: unknown[] = [];
  for (let cycle = 0; cycle < 480; cycle++) {
    const symbols = [...account.books.keys()];
    const symbol = symbols[cycle % symbols.length] ?? BTC;
    const side = cycle % 7 < 4 ? 'LONG' : 'SHORT';
    if (cycle % 3 === 0 && account.books.get(symbol)?.open().length === 0) {
      account.open(symbol, side, 2000 / exchange.reference(symbol).mark_price, [
        { kind: 'STOP', distance: 0.01, share: null },
        { kind: 'TAKE_PROFIT', distance: 0.01, share: 0.5 },
      ]);
    } else if (cycle % 11 === 0) account.closeByHand(symbol, 0.4);
    else if (cycle % 13 === 0) account.growByHand(symbol, 0.3);
    else if (cycle % 17 === 0) account.closeByHand(symbol, 1);
    else if (cycle % 101 === 0) account.liquidate(symbol);
    const seen = await exchange.within(CYCLE_MS, observer.observe());
    reductions.push(...seen.reconciled.flatMap((one) => one.reductions));
    differences.push(...seen.reconciled.flatMap((one) => one.differences));
    missing.push(...seen.missing);
  }
  await exchange.kernel.run(kernel.now + MINUTE_MS);
  reductions.push(...(await exchange.within(CYCLE_MS, observer.observe())).reconciled.flatMap((one) => one.reductions));
  return { reductions, missing, differences };
}

/** The reductions, each in a few words. */
function recorded(reductions: readonly Reduction[]): readonly string[] {
  return reductions
    .map((one) => `${one.position_id.split(':')[1]} ${one.fill_id}: ${one.quantity}, ${one.remaining_quantity} left`)
    .toSorted();
}

/** The same of the exchange's own books. */
function reducedBy({ account }: AnExchange): readonly string[] {
  const reducing = account.ledger.fills.filter(({ order }) => order.reduces);
  return reducing
    .map(({ symbol, fill, lotsAfter }) => {
      const left = account.books.get(symbol)?.quantityText(lotsAfter);
      return `${symbol} ${fill.fillId}: ${fill.quantity}, ${left} left`;
    })
    .toSorted();
}

describe('the account at the simulated exchange', () => {
  it('has the same prices for the same seed, however often it is asked (SIM-30)', async () => {
    const often = await candlesOf(new AnExchange(), 7 * MINUTE_MS);
    expect(often).toHaveLength(200);
    expect(await candlesOf(new AnExchange(), 5 * HOUR_MS)).toEqual(often);
    expect(await candlesOf(new AnExchange({ seed: 8 }), 5 * HOUR_MS)).not.toEqual(often);
  });

  it('has open what its fills add up to, and pays for what is open (SIM-31, SIM-32)', async () => {
    const exchange = new AnExchange();
    await aDay(exchange);
    const { ledger, books } = exchange.account;
    expect(ledger.fills.length).toBeGreaterThan(100);
    for (const [symbol, book] of books) {
      const signed = book.fills.map(({ fill }) => (fill.direction === 'BUY' ? fill.quantity : `-${fill.quantity}`));
      const open = book.open().map(({ side, lots }) => (side === 'LONG' ? lots : -lots));
      const lots = Exact.sum(0, ...signed).mul(10 ** book.market.lotDecimals);
      expect(`${symbol} ${lots.toFixed()}`).toBe(`${symbol} ${open[0] ?? 0}`);
      const times = book.fills.map(({ fill }) => fill.filledAt);
      expect(times).toEqual(times.toSorted((one, other) => one - other));
    }
    expect(ledger.fills).toHaveLength([...books.values()].flatMap(({ fills }) => fills).length);
  });

  it('is recorded by the source without a question left open, each reduction once (SIM-37)', async () => {
    const exchange = new AnExchange();
    const { reductions, missing, differences } = await aDay(exchange);
    expect(missing).toEqual([]);
    expect(differences).toEqual([]);
    expect(recorded(reductions)).toEqual(reducedBy(exchange));
    const made = exchange.account.ledger.fills.filter(({ order }) => order.reduces);
    expect(new Set(made.map(({ order }) => order.cause))).toEqual(
      new Set(['ORDER', 'STOP', 'TAKE_PROFIT', 'LIQUIDATION']),
    );
  });

  it('is recorded whole where positions are shown in part, and answers are missing', async () => {
    const kinds = ['holding_incomplete', 'candles_missing', 'stops_missing', 'exchange_slow'] as const;
    const faults = Array.from({ length: 60 }, (_, index) => ({
      ...aFault(kinds[index % kinds.length] ?? 'exchange_slow', null, (index % 10) / 10),
      at: index * 4 * MINUTE_MS,
      forMs: 90_000,
    }));
    const exchange = new AnExchange({ faults });
    const { reductions } = await aDay(exchange);
    expect([...exchange.faults.hits.keys()].toSorted()).toEqual(kinds.toSorted());
    expect(recorded(reductions)).toEqual(reducedBy(exchange));
  });

  it('lists fills after the position has changed, all of them in their order (SIM-37)', async () => {
    const exchange = new AnExchange({ faults: [aFault('fills_late', 'BTCUSDT')] });
    const { account, venue, kernel } = exchange;
    account.open(BTC, 'LONG', 0.5);
    const position = exchange.reference(BTC);
    account.closeByHand(BTC, 1);
    const asked = () => exchange.within(1000, Promise.all([venue.position(position), venue.fills(BTC, START)]));
    expect(await asked()).toEqual([{ quantity: null }, { fills: [], since: START }]);
    await kernel.run(kernel.now + MINUTE_MS);
    const [{ quantity }, { fills }] = await asked();
    expect(quantity).toBe('0');
    expect(fills).toEqual(account.ledger.fills.map(({ fill }) => fill));
  });

  it('closes at a stop that the price jumps over, and leaves nothing of it', async () => {
    const exchange = new AnExchange();
    exchange.account.open(BTC, 'LONG', 0.5, [{ kind: 'STOP', distance: 0.02, share: null }]);
    const position = exchange.reference(BTC);
    const stops = await exchange.within(1000, exchange.venue.stops(BTC, 'LONG'));
    expect(Number(stops.stopPrice)).toBeCloseTo(position.entry_price * 0.98, 0);
    exchange.account.gap(BTC, -0.05);
    expect(exchange.account.openPositions()).toEqual([]);
    const [fill] = exchange.account.ledger.fills.slice(-1);
    expect(fill?.order.cause).toBe('STOP');
    expect(Number(fill?.fill.price)).toBeLessThan(position.mark_price * 0.951);
    expect(await exchange.within(1000, exchange.venue.resting(BTC, 'LONG'))).toEqual([]);
  });

  it('pays funding every eight hours, and lists it with the fees', async () => {
    const exchange = new AnExchange();
    exchange.account.open(BTC, 'LONG', 0.5);
    const position = exchange.reference(BTC);
    await exchange.kernel.run(START + 13 * HOUR_MS);
    const charges = await exchange.within(1000, exchange.venue.charges(position));
    if (charges.kind !== 'records' || !('listed' in charges.funding)) throw new Error('not listed');
    expect(charges.funding.listed.map(({ charge }) => charge.quote)).toEqual(
      exchange.account.ledger.funding.map(({ amount }) => amount),
    );
    expect(charges.funding.listed).toHaveLength(2);
  });

  it('has both sides of a symbol in hedge mode, each by itself', async () => {
    const exchange = new AnExchange({ isHedged: true });
    const { account, venue, kernel } = exchange;
    account.open(BTC, 'LONG', 0.5);
    account.open(BTC, 'SHORT', 0.3);
    const position = exchange.reference(BTC);
    await kernel.run(START + 5 * HOUR_MS);
    expect(await exchange.place('hl-1', position, '0.5')).toMatchObject({ order: { filledQuantity: '0.5' } });
    const { holdings } = await exchange.within(1000, venue.holdings());
    expect(holdings).toMatchObject([{ symbol: BTC, side: 'SHORT', quantity: '0.3' }]);
    const { fills } = await exchange.within(1000, venue.fills(BTC, START));
    expect(new Set(fills.map(({ positionSide }) => positionSide))).toEqual(new Set(['LONG', 'SHORT']));
    const charges = await exchange.within(1000, venue.charges(position));
    expect(charges).toMatchObject({
      funding: { why: 'the exchange does not say which of both open sides it was for' },
    });
  });

  it('reports changes and marks on its stream, and a gap where it broke (SIM-39)', async () => {
    const exchange = new AnExchange();
    const { account, kernel, host } = exchange;
    const stream = new SimulatedStream(host, account);
    const changes: VenueChange[] = [];
    const ended = new AbortController();
    const following = stream.follow((change) => changes.push(change), ended.signal);
    stream.watch(new Set([BTC]));
    await kernel.run(START + 10_000);
    account.open(BTC, 'LONG', 0.5);
    await kernel.run(START + STEP_MS);
    account.breakStreams();
    expect(stream.completeSince).toBeNull();
    account.closeByHand(BTC, 1);
    await kernel.run(START + STEP_MS + 10_000);
    expect(changes.map(({ kind }) => kind)).toEqual(['gap', 'account', 'mark', 'gap']);
    ended.abort();
    await following;
    expect(account.listeners.size + account.connections.size).toBe(0);
  });
});
