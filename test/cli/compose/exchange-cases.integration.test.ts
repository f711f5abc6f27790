import { describe, expect, it, vi } from 'vitest';
import type { BinanceServerOptions } from '../../../packages/fake-binance/binance-server.ts';
import type { TradeClosed } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { DeskOnBinance } from './desk-on-binance.ts';

/**
 * What others met with at exchanges, on the whole chain with a local exchange: the cases of issue 16. Those that are not here are in
 * contracts, true-costs, resting-orders and open-exchange.
 */

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const SNAPSHOTS = TOPICS.positionSnapshot.name;
const REPORTS = TOPICS.executionReport.name;
const TRADES = TOPICS.tradeClosed.name;
const RECONCILED = TOPICS.positionReconciled.name;
const PATIENCE = { timeout: 60_000, interval: 50 };

interface Winner {
  readonly quantity?: string;
  readonly openedMs?: number;
  readonly fills?: number;
}

/** Markets at 130, known from the start: a client looks for new ones twice a minute. */
function list({ server: { exchange } }: DeskOnBinance, ...symbols: readonly string[]): void {
  for (const symbol of symbols) exchange.setMarket({ symbol, price: '130', tick: '0.01', lotStep: '0.01' });
}

/** A LONG at 100 of a market at 130 (R 15), which is to be closed at once. */
function win(desk: DeskOnBinance, symbol: string, given: Winner = {}): void {
  const { exchange } = desk.server;
  const { quantity = '20', openedMs = HOUR_MS, fills = 1 } = given;
  if (!exchange.orders.markets.has(symbol)) list(desk, symbol);
  exchange.open({ symbol, side: 'LONG', quantity, price: '100', at: exchange.now() - openedMs, fills });
}

/** The usual allowance counts minutes, and these cycles are of 200 ms. */
const deskWith = (options: BinanceServerOptions = {}): Promise<DeskOnBinance> =>
  DeskOnBinance.open({ weightPerMinute: 1e9, ...options });

async function closed(desk: DeskOnBinance, symbols: readonly string[]): Promise<readonly TradeClosed[]> {
  return vi.waitFor(async () => {
    const trades = await desk.records(TRADES);
    const whole = trades.filter(({ remaining_quantity: left }) => left === 0);
    expect(whole.map(({ symbol }) => symbol).toSorted()).toEqual([...symbols].toSorted());
    return trades;
  }, PATIENCE);
}

/** Waits for so many more snapshots of a symbol. */
async function cycles(desk: DeskOnBinance, symbol: string, count: number): Promise<void> {
  const seen = async (): Promise<number> =>
    (await desk.records(SNAPSHOTS)).filter((one) => one.symbol === symbol).length;
  const before = await seen();
  await vi.waitFor(async () => expect(await seen()).toBeGreaterThanOrEqual(before + count), PATIENCE);
}

describe('mark-price-zero', () => {
  const unlisted = { status: 400, code: -1121, msg: 'Invalid symbol.' };
  const zero = {
    fault: 'change-answer',
    symbol: 'SOLUSDT',
    path: '/positionRisk',
    set: { markPrice: '0.00000000' },
  } as const;
  const SITUATIONS = {
    zero: { change: { fault: 'mark-zero', symbol: 'SOLUSDT' }, isRefused: false },
    'zero-and-refused': { change: { fault: 'mark-zero', symbol: 'SOLUSDT' }, isRefused: true },
    'mark-only': { change: zero, isRefused: true },
    'entry-zero': { change: { fault: 'entry-zero', symbol: 'SOLUSDT' }, isRefused: false },
    'entry-absent': { change: { fault: 'entry-absent', symbol: 'SOLUSDT' }, isRefused: false },
  } as const;

  it.each(Object.entries(SITUATIONS))('%s: the others are closed, and the sick one is named', async (_, situation) => {
    const desk = await deskWith();
    const { exchange, changes, faults } = desk.server;
    const others = ['BTCUSDT', 'ETHUSDT', 'BNBUSDT'];
    for (const symbol of others) win(desk, symbol);
    exchange.setMarket({ symbol: 'SOLUSDT', price: '130', tick: '0.001', lotStep: '0.1' });
    exchange.open({ symbol: 'SOLUSDT', side: 'SHORT', quantity: '11.9', price: '168.041' });
    changes.add(situation.change);
    if (situation.isRefused) {
      faults.add({
        fault: 'refuse',
        path: '/fapi/v1/premiumIndex',
        symbol: 'SOLUSDT',
        times: Infinity,
        reply: unlisted,
      });
    }
    await desk.run();
    await closed(desk, others);
    const named = await desk.recordWhere(RECONCILED, ({ symbol }) => symbol === 'SOLUSDT');
    expect(named.differences).toMatchObject([{ kind: 'NO_ANSWER', venue_quantity: 11.9 }]);
    expect(named.differences[0]?.detail).toMatch(/SHORT of 11\.9.* without .*(mark|entry) price/);
    expect((await desk.records(SNAPSHOTS)).filter(({ symbol }) => symbol === 'SOLUSDT')).toEqual([]);
    expect(desk.server.attempts.map(({ symbol }) => symbol)).not.toContain('SOLUSDT');
  });
});

describe('fills', () => {
  it('fills-do-not-add-up: what the exchange shows is observed, and the difference stands beside it', async () => {
    const desk = await deskWith();
    const { exchange } = desk.server;
    exchange.setMarket({ symbol: 'CTKUSDT', price: '110', tick: '0.01', lotStep: '1' });
    exchange.open({ symbol: 'CTKUSDT', side: 'SHORT', quantity: '65', price: '112', at: exchange.now() - DAY_MS });
    await desk.run({}, ['scoring']);
    const { position_id } = await desk.recordWhere(SNAPSHOTS, () => true);
    exchange.showWithoutFill({ symbol: 'CTKUSDT', side: 'SHORT', quantity: '130' });
    exchange.setMark('CTKUSDT', '60');
    const shown = await desk.recordWhere(
      SNAPSHOTS,
      ({ quantity, mark_price: mark }) => quantity === 130 && mark === 60,
    );
    expect(shown.position_id).toBe(position_id);
    expect(shown.r_history.at(-1)).toBeCloseTo(52 / 2.24, 9);
    await cycles(desk, 'CTKUSDT', 3);
    const { differences } = await desk.recordWhere(RECONCILED, () => true);
    expect(differences).toMatchObject([{ kind: 'FILLS_DISAGREE', recorded_quantity: 65, venue_quantity: 130 }]);
  });

  it('fills-older-than-ninety-days: a refusal narrows the look, and winners of any age are closed', async () => {
    const desk = await deskWith();
    desk.server.changes.add({ fault: 'old-fills-refused', days: 90 });
    const ages = { YOUNGUSDT: 20, OLDUSDT: 45, OLDESTUSDT: 120 };
    for (const [symbol, days] of Object.entries(ages)) win(desk, symbol, { openedMs: days * DAY_MS });
    await desk.run();
    const trades = await closed(desk, Object.keys(ages));
    const ageOf = (symbol: string): number =>
      Math.round((desk.server.exchange.now() - (trades.find((one) => one.symbol === symbol)?.opened_at ?? 0)) / DAY_MS);
    expect([ageOf('YOUNGUSDT'), ageOf('OLDUSDT')]).toEqual([20, 45]);
  });

  describe('fills-of-one-millisecond', () => {
    it('opening, ours: 1,200 fills open the position, and each order is filled by 1,200', async () => {
      const desk = await deskWith({ fills: 1200 });
      win(desk, 'PEPEUSDT', { fills: 1200 });
      await desk.run();
      const report = await desk.recordWhere(REPORTS, ({ status }) => status === 'FILLED');
      const order = desk.server.exchange.orders.account
        .fillsOf('PEPEUSDT')
        .filter(({ orderId }) => `${orderId}` === report.order_id);
      expect(order).toHaveLength(1200);
      const fee = order.reduce(
        (sum, { commission }) => sum.add(commission),
        order[0]?.commission.mul(0) ?? expect.fail(),
      );
      expect(report).toMatchObject({ filled_quantity: 20, fee: fee.toNumber() });
      await closed(desk, ['PEPEUSDT']);
    });

    it('closing: a sale by hand in 1,200 fills is told in as many reductions, each once', async () => {
      const desk = await deskWith();
      const { exchange } = desk.server;
      win(desk, 'PEPEUSDT', { quantity: '500' });
      exchange.setMark('PEPEUSDT', '101');
      await desk.run({}, ['scoring']);
      await desk.recordWhere(SNAPSHOTS, () => true);
      exchange.close('PEPEUSDT', 'LONG', 'web', '120', 1200);
      await desk.recordWhere(SNAPSHOTS, ({ quantity }) => quantity === 380);
      await cycles(desk, 'PEPEUSDT', 3);
      const told = (await desk.records(RECONCILED)).flatMap(({ reductions }) => reductions);
      expect(told).toHaveLength(1200);
      expect(new Set(told.map(({ fill_id }) => fill_id)).size).toBe(1200);
      expect(told.at(-1)?.remaining_quantity).toBe(380);
    });

    it('neighbours: fourteen positions that are opened meanwhile wait for none of them', async () => {
      const desk = await deskWith({ fills: 1200 });
      const others = Array.from({ length: 14 }, (_, index) => `N${index}USDT`);
      list(desk, ...others);
      win(desk, 'PEPEUSDT', { fills: 1200 });
      await desk.run();
      await vi.waitFor(() => expect(desk.server.attempts.length).toBeGreaterThan(0), PATIENCE);
      for (const symbol of others) win(desk, symbol);
      await closed(desk, ['PEPEUSDT', ...others]);
    });
  });
});

describe('orders', () => {
  it('close-above-max-notional: a close is cut to the limit, and the next cycles take the rest', async () => {
    const desk = await deskWith();
    const { exchange } = desk.server;
    exchange.setMarket({ symbol: 'BTCUSDT', price: '60000', tick: '0.1', lotStep: '0.001' });
    exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '0.2', price: '40000', at: exchange.now() - HOUR_MS });
    await desk.run({ maxOrderNotional: 5000 });
    const trades = await closed(desk, ['BTCUSDT']);
    expect(trades.map(({ quantity }) => quantity)).toEqual([0.083, 0.083, 0.034]);
    const [first] = (await desk.records(REPORTS)).filter(({ status }) => status === 'FILLED');
    expect(first?.detail).toMatch(/0\.2.*5000/);
  });

  it.each([
    ['hedge', false],
    ['one-way', true],
  ])('position-mode-changed: to %s while the desk is flat costs one refusal at most', async (_, hedge) => {
    const desk = await deskWith({ hedge });
    const { exchange } = desk.server;
    list(desk, 'ETHUSDT');
    win(desk, 'BTCUSDT');
    await desk.run();
    await closed(desk, ['BTCUSDT']);
    exchange.switchMode(!hedge);
    win(desk, 'ETHUSDT');
    await closed(desk, ['BTCUSDT', 'ETHUSDT']);
    const refused = desk.server.attempts.filter(({ code }) => code !== null);
    expect(refused.length).toBeLessThanOrEqual(1);
    const last = desk.server.log.arrivals.findLast(({ request }) => request === 'POST /fapi/v1/order')?.parameters;
    expect([last?.['positionSide'], last?.['reduceOnly']]).toEqual(hedge ? [undefined, 'true'] : ['LONG', undefined]);
  });

  it('refusals-eat-the-close-rate: what is refused backs off and gives its place back', async () => {
    const desk = await deskWith();
    const { faults, attempts } = desk.server;
    const sick = ['SOLUSDT', 'BNBUSDT', 'LINKUSDT', 'ADAUSDT'];
    const reply = { status: 400, code: -4131, msg: 'PERCENT_PRICE filter limit.' };
    for (const symbol of sick) {
      win(desk, symbol);
      faults.add({ fault: 'refuse', method: 'POST', path: '/fapi/v1/order', symbol, times: Infinity, reply });
    }
    list(desk, 'NEWUSDT');
    // As many as are refused at first.
    await desk.run({ maxClosesPerMinute: 4 });
    await vi.waitFor(() => expect(new Set(attempts.map(({ symbol }) => symbol))).toEqual(new Set(sick)), PATIENCE);
    win(desk, 'NEWUSDT');
    await closed(desk, ['NEWUSDT']);
    const reports = await desk.records(REPORTS);
    expect(reports.filter(({ symbol, reason }) => symbol === 'NEWUSDT' && reason === 'CLOSE_RATE')).toEqual([]);
    for (const symbol of sick) {
      const own = reports.filter((one) => one.symbol === symbol);
      expect(own.filter(({ status }) => status === 'REJECTED').length, symbol).toBeLessThanOrEqual(2);
      expect(own.find(({ status }) => status === 'REJECTED')?.detail).toContain('-4131');
    }
  });

  it('orders-behind-history: positions of 150 days stand in the first cycle, and orders leave before their history is read', async () => {
    const desk = await DeskOnBinance.open({});
    const symbols = Array.from({ length: 15 }, (_, index) => `S${index}USDT`);
    for (const symbol of symbols) win(desk, symbol, { openedMs: 150 * DAY_MS });
    const before = await desk.run({}, ['scoring']);
    await desk.recordWhere(TOPICS.harvestIntent.name, () => true);
    before.drain.abort();
    await before.done;
    const [first, ...others] = await desk.records(SNAPSHOTS);
    const cycle = [first, ...others].flatMap((one) =>
      one !== undefined && one.observed_at === first?.observed_at ? [one.symbol] : [],
    );
    expect(cycle.toSorted()).toEqual(symbols.toSorted());
    await desk.run();
    await vi.waitFor(() => expect(desk.server.attempts.length).toBeGreaterThan(0), { ...PATIENCE, interval: 2 });
    const asked = desk.server.requests.get('GET /fapi/v1/userTrades');
    // Twenty-two weeks of each.
    expect(asked).toBeLessThan(15 * 22);
    await closed(desk, symbols);
  });

  it(
    'order-after-a-halt: once a halt is confirmed no order arrives, in fifty tries under load',
    async () => {
      const desk = await deskWith();
      const { attempts } = desk.server;
      const batches = Array.from({ length: 50 }, (_, index) => [0, 1, 2, 3].map((one) => `H${index}X${one}USDT`));
      list(desk, ...batches.flat());
      win(desk, 'HELDUSDT', { openedMs: 25 * DAY_MS });
      desk.server.exchange.setMark('HELDUSDT', '100');
      await desk.run();
      await desk.recordWhere(SNAPSHOTS, () => true);
      for (const symbols of batches) {
        const before = attempts.length;
        for (const symbol of symbols) win(desk, symbol, { openedMs: 25 * DAY_MS });
        await vi.waitFor(() => expect(attempts.length).toBeGreaterThan(before), { ...PATIENCE, interval: 2 });
        await desk.command('HALT');
        const confirmed = attempts.length;
        await cycles(desk, 'HELDUSDT', 2);
        expect(attempts.length).toBe(confirmed);
        await desk.command('RESUME');
      }
      await closed(desk, batches.flat());
      const reports = await desk.records(REPORTS);
      expect(reports.filter(({ reason }) => reason === 'KILL_SWITCH').length).toBeGreaterThan(20);
    },
    5 * 60_000,
  );
});
