import { expect } from 'vitest';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { ExecutionReport } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf, tradeIdOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { RoughWorld, Story } from './rough-world.ts';

const isTerminal = (report: ExecutionReport): boolean => report.status !== 'SUBMITTED';

/** E1 to E7 of execution-processor.ts, on whatever is in the log and in the venue's book when all intents are worked. */
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
    expect(terminal.length, `E5: terminal reports of ${intent.intent_id}`).toBe(1);
    expect(mine.length - terminal.length, 'E5: SUBMITTED reports').toBeLessThanOrEqual(1);
    const [end] = terminal;
    if (end === undefined) continue;
    ends.set(end.intent_id, end);

    const clientOrderId = clientOrderIdOf(intent.intent_id);
    expect(end.client_order_id, 'E3').toBe(clientOrderId);
    const order = orders.get(clientOrderId);
    const trade = tradesById.get(tradeIdOf(clientOrderId));
    const filled = Exact.sum(0, ...(order?.fills ?? []).map((fill) => fill.quantity));
    switch (end.status) {
      case 'FILLED':
        expect(trade, 'E4').toBeDefined();
        expect(end.filled_quantity, 'E6').toBe(filled.toNumber());
        expect(end.fee, 'E6').toBe(Exact.sum(...(order?.fills ?? []).map((fill) => fill.fee)).toNumber());
        expect(end.remaining_quantity, 'E6').toBe(Number(order?.fills.at(-1)?.positionAfter));
        expect(trade).toMatchObject({
          quantity: end.filled_quantity,
          exit_price: end.average_price,
          fee_quote: end.fee,
          remaining_quantity: end.remaining_quantity,
        });
        break;
      case 'UNKNOWN':
        expect(order?.blackout === true || story.faults.slow > 0, 'UNKNOWN only where look-ups had no answer').toBe(
          true,
        );
        break;
      default:
        expect(filled.toNumber(), `${end.status} has no fill`).toBe(0);
        expect(trade).toBeUndefined();
    }
    if (end.status === 'SUPPRESSED') expect(order, 'SUPPRESSED has no order').toBeUndefined();
    for (const { reported_at, submitted_at } of mine) expect(reported_at).toBeGreaterThanOrEqual(submitted_at ?? 0);
  }

  for (const trade of trades) {
    expect(trade, 'the same slice is the same trade').toEqual(tradesById.get(trade.trade_id));
    const fills = [...orders.values()].find((order) => order.clientOrderId === trade.client_order_id)?.fills ?? [];
    const filled = Exact.sum(0, ...fills.map((fill) => fill.quantity));
    expect(trade.quantity, 'E6: all that the venue filled, also when it came late').toBe(filled.toNumber());
  }

  const sequence = log.entries.map(({ topic, at }) => ({ topic, record: log.codec.decode(topic, at) }));
  const written = new Set<string>();
  for (const { topic, record } of sequence) {
    if (topic === TOPICS.tradeClosed.name && 'trade_id' in record) written.add(record.trade_id);
    if (topic === TOPICS.executionReport.name && 'status' in record && record.status === 'FILLED')
      expect(written.has(tradeIdOf(clientOrderIdOf(record.intent_id))), 'E4: trade first').toBe(true);
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
      expect(end?.status, 'E7: a filled order without a trade').toBe('UNKNOWN');
    }
  }
}
