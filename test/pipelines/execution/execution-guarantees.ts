import { expect } from 'vitest';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { ExecutionReport } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf, tradeIdOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { RoughWorld, Story } from './rough-world.ts';
import * as fc from 'fast-check';
import { DEFAULT_FAULTS } from '../../../connectors/exchange/paper/fill-plan.ts';
import { rulesForPrice } from '../../../connectors/exchange/paper/market-rules.ts';
import { DEFAULT_TERMS, type OrderTerms } from '../../../pipelines/execution/order-plan.ts';
import { anIntent } from '../../fixtures/an-intent.ts';
import type { Interruption } from './interruptions.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

const isTerminal = (report: ExecutionReport): boolean => report.status !== 'SUBMITTED';

/** EXE-1 to EXE-7 of execution-processor.ts, on whatever is in the log and in the venue's book when all intents are worked. */
export function expectGuarantees(world: RoughWorld, story: Story): void {
  const { log, exchange } = world;
  const { reports, trades } = log;
  const orders = new Map([...exchange.orders()].map((order) => [order.clientOrderId, order]));
  const tradesById = new Map(trades.map((trade) => [trade.trade_id, trade]));

  expect(world.sentAhead, 'E1').toEqual([]);
  expect(
    [...world.placed].filter(([, times]) => times > 1),
    'E2',
  ).toEqual([]);

  const ends = new Map<string, ExecutionReport>();
  for (const { intent } of story.intents) {
    const mine = reports.filter((report) => report.intent_id === intent.intent_id);
    const terminal = mine.filter(isTerminal);
    expect(terminal.length, `EXE-5: terminal reports of ${intent.intent_id}`).toBe(1);
    const [end] = terminal;
    if (end === undefined) continue;
    ends.set(end.intent_id, end);

    const submitted = mine.filter((report) => !isTerminal(report));
    const ids = submitted.map((_, part) => clientOrderIdOf(intent.intent_id, part));
    expect(
      submitted.map(({ client_order_id }) => client_order_id),
      'EXE-3, EXE-5: each order is announced once, in turn',
    ).toEqual(ids);
    const sent = ids.flatMap((id) => orders.get(id) ?? []);
    const named = end.status === 'FILLED' ? ids.findLast((id) => (orders.get(id)?.fills.length ?? 0) > 0) : ids.at(-1);
    expect(end.client_order_id, 'EXE-3: FILLED names the last order that filled, any other end the last').toBe(
      named ?? clientOrderIdOf(intent.intent_id),
    );
    const traded = ids.flatMap((id) => tradesById.get(tradeIdOf(id)) ?? []);
    const fills = sent.flatMap((order) => order.fills);
    const filled = Exact.sum(0, ...fills.map((fill) => fill.quantity));
    expect(filled.lte(end.rounded_quantity), 'EXE-2: never more than was asked for').toBe(true);
    switch (end.status) {
      case 'FILLED': {
        expect(traded.length, 'E4').toBe(sent.filter((order) => order.fills.length > 0).length);
        expect(end.filled_quantity, 'E6').toBe(filled.toNumber());
        expect(end.fee, 'E6').toBeCloseTo(Exact.sum(...fills.map((fill) => fill.fee)).toNumber(), 9);
        expect(end.remaining_quantity, 'E6').toBe(Number(fills.at(-1)?.positionAfter));
        const value = Exact.sum(...fills.map((fill) => new Exact(fill.quantity).mul(fill.price)));
        expect(end.average_price, 'E6').toBeCloseTo(value.div(filled).toNumber(), 9);
        const worse = (intent.side === 'LONG' ? 1 : -1) * ((end.mark_price ?? NaN) - (end.average_price ?? NaN));
        expect(end.slippage_quote, 'positive is worse').toBeCloseTo(worse * end.filled_quantity, 6);
        expect(traded.at(-1)?.remaining_quantity).toBe(end.remaining_quantity);
        break;
      }
      case 'UNKNOWN': {
        const doubted = orders.get(end.client_order_id);
        const isUnanswered = doubted?.blackout === true || story.faults.slow > 0;
        expect(isUnanswered, 'UNKNOWN only where look-ups had no answer').toBe(true);
        break;
      }
      default:
        expect(filled.toNumber(), `${end.status} has no fill`).toBe(0);
        expect(traded).toEqual([]);
    }
    if (end.status === 'SUPPRESSED') expect(sent, 'SUPPRESSED has no order').toEqual([]);
    else if (end.status !== 'UNKNOWN') {
      const resting = sent.filter((order) => order.doneAt > order.placedAt + DAY_MS);
      expect(resting, 'nothing rests of what has its end').toEqual([]);
    }
    for (const { reported_at, submitted_at } of mine) expect(reported_at).toBeGreaterThanOrEqual(submitted_at ?? 0);
  }

  for (const trade of trades) {
    expect(trade, 'the same slice is the same trade').toEqual(tradesById.get(trade.trade_id));
    const fills = [...orders.values()].find((order) => order.clientOrderId === trade.client_order_id)?.fills ?? [];
    const filled = Exact.sum(0, ...fills.map((fill) => fill.quantity));
    expect(trade.quantity, 'EXE-6: all that the venue filled, also when it came late').toBe(filled.toNumber());
  }

  const sequence = log.entries.map(({ topic, at }) => ({ topic, record: log.codec.decode(topic, at) }));
  const written = new Set<string>();
  for (const { topic, record } of sequence) {
    if (topic === TOPICS.tradeClosed.name && 'trade_id' in record) written.add(record.trade_id);
    if (topic !== TOPICS.executionReport.name || !('order_style' in record)) continue;
    const part = record.part ?? 0;
    const told = record.status === 'FILLED' ? part + 1 : record.status === 'SUBMITTED' ? part : 0;
    for (let earlier = 0; earlier < told; earlier++) {
      const id = clientOrderIdOf(record.intent_id, earlier);
      if ((orders.get(id)?.fills.length ?? 0) === 0) continue;
      expect(written.has(tradeIdOf(id)), 'EXE-4: the trade of each order is first').toBe(true);
    }
  }

  for (const position of exchange.positions()) {
    const slices = [...tradesById.values()].filter((trade) => trade.position_id === position.position_id);
    const doubtful = [...orders.values()]
      .filter((order) => order.positionId === position.position_id)
      .filter((order) => !tradesById.has(tradeIdOf(order.clientOrderId)))
      .flatMap((order) => order.fills);
    const sum = Exact.sum(
      position.quantity,
      ...slices.map((trade) => trade.quantity),
      ...doubtful.map((fill) => fill.quantity),
    );
    expect(sum.toNumber(), 'E7').toBe(new Exact(position.initialQuantity).add(position.grownQuantity).toNumber());
    // What the sum takes from the venue instead of a trade is UNKNOWN, and nothing else.
    const untraded = [...orders.values()].filter((order) => order.fills.length > 0);
    for (const order of untraded.filter(({ clientOrderId }) => !tradesById.has(tradeIdOf(clientOrderId)))) {
      const end = [...ends.values()].find((report) => report.client_order_id === order.clientOrderId);
      expect(end?.status, 'EXE-7: a filled order without a trade').toBe('UNKNOWN');
    }
  }
}

/** Prices of four magnitudes, so that lot steps run from 0.00001 to 1. */
const MARKETS = [
  { symbol: 'AIOUSDT', side: 'LONG', price: 0.1863 },
  { symbol: 'FHEUSDT', side: 'SHORT', price: 3.37 },
  { symbol: 'BERAUSDT', side: 'LONG', price: 107 },
  { symbol: 'BTCUSDT', side: 'SHORT', price: 65_000.5 },
] as const;

const anInterruption: fc.Arbitrary<Interruption> = fc.record({
  when: fc.constantFrom('before', 'after'),
  how: fc.constantFrom('crash', 'transient'),
});

/** Some intents over a few positions, and how the venue, the log and the process fail them. */
export const aStory: fc.Arbitrary<Story> = fc
  .record({
    seed: fc.integer(),
    lots: fc.tuple(...MARKETS.map(() => fc.integer({ min: 1, max: 400 }))),
    /** Of a lot step: a foreign position need not be a whole number of lots. */
    excess: fc.constantFrom(0, 0, 0.37),
    moves: fc.array(
      fc.record({
        market: fc.nat({ max: MARKETS.length - 1 }),
        fraction: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constant(100)).map((percent) => percent / 100),
        pauseMinutes: fc.constantFrom(1, 20, 30, 45),
        lagMs: fc.constantFrom(0, 1000, 1000, 1000, 1000, 1000, 400_000),
        move: fc.double({ min: 0.9, max: 1.2, noNaN: true }),
        grownLots: fc.constantFrom(0, 0, 0, 13),
      }),
      { minLength: 1, maxLength: 14 },
    ),
    faults: fc.constantFrom(
      DEFAULT_FAULTS,
      { ...DEFAULT_FAULTS, lostReply: 0.5, timeoutBefore: 0.2, partialFill: 0.3 },
      { ...DEFAULT_FAULTS, reject: 0.3, partialFill: 0.6 },
      { ...DEFAULT_FAULTS, blackout: 0.3, slow: 0.3, lostReply: 0.2 },
    ),
    // A bound below the paper venue's usual slippage, so that orders fill in part and are followed by others.
    order: fc.constantFrom('market', 'ioc', 'sliced', 'post_only').map((style): OrderTerms => {
      return { ...DEFAULT_TERMS, style, maxSlippageBps: 2, slices: 3, postOnlyMs: 10_000 };
    }),
    backlog: fc.constantFrom(0, 0.2),
    interruptions: fc.array(fc.tuple(fc.nat({ max: 90 }), anInterruption), { maxLength: 12 }),
  })
  .map(({ seed, lots, excess, moves, faults, order, backlog, interruptions }) => {
    let minute = 60;
    const intents = moves.map(({ market, fraction, pauseMinutes, lagMs, move, grownLots }, index) => {
      minute += pauseMinutes;
      const { symbol, side, price } = MARKETS[market] ?? MARKETS[0];
      const step = new Exact(rulesForPrice(price).lotStep);
      const quantity = step.mul((lots[market] ?? 1) + excess).toNumber();
      const intent = anIntent({ symbol, side, fraction, quantity, entry: price, mark: price * move, minute });
      const growth = grownLots === 0 ? null : { id: `growth-${index}`, quantity: step.mul(grownLots).toFixed() };
      return { intent, lagMs, growth };
    });
    return { seed, faults, order, intents, backlog, interruptions: new Map(interruptions) };
  });
