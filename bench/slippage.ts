/**
 * `npm run bench -- slippage [--seeds N]`: what closing a position costs on a thin book, by the style of its orders. Execution itself closes it, on
 * the matching of the local exchange (packages/fake-binance), in virtual time: the same seed gives the same book and the same path of the
 * mark to every style, and the same table on every machine. A position that an intent leaves open in part meets the next one 30 s later.
 */
import { SeededRandom } from '../connectors/system/seeded-random.ts';
import { venueTerms, orderSide } from '../connectors/exchange/ccxt/venue-order.ts';
import { ORDINARY_COMMISSION } from '../packages/fake-binance/account.ts';
import { BinanceError } from '../packages/fake-binance/binance-error.ts';
import { BinanceExchange } from '../packages/fake-binance/binance-exchange.ts';
import { type Order, type TimeInForce, isOpen } from '../packages/fake-binance/order.ts';
import { executionProcessor } from '../pipelines/execution/execution-processor.ts';
import { DEFAULT_TERMS } from '../pipelines/execution/order-plan.ts';
import { evaluate } from '../pipelines/scoring/evaluate.ts';
import { intentOf } from '../pipelines/scoring/scoring-processor.ts';
import { type Clock, VirtualClock } from '../ports/clock.ts';
import { Exact } from '../ports/exact-decimal.ts';
import type { Exchange, VenueOrder } from '../ports/exchange.ts';
import { SILENT_LOGGER } from '../ports/logger.ts';
import type {
  ClientOrderId,
  ExecutionReport,
  HarvestIntent,
  OrderId,
  OrderStyle,
  Side,
} from '../schemas/generated/records.ts';
import { intentIdOf, positionIdOf } from '../schemas/ids.ts';
import type { RecordCodec } from '../schemas/record-codec.ts';
import { TopicWriter } from '../schemas/topic-writer.ts';
import { TOPICS } from '../schemas/topics.ts';
import { defaultPolicy, simulatedSnapshots } from './workloads.ts';

export const STYLES = ['market', 'ioc', 'sliced'] as const satisfies readonly OrderStyle[];

const SYMBOL = 'THINUSDT';
const MARKET = { symbol: SYMBOL, price: '2', tick: '0.001', lotStep: '1' };

/** Best bid to best ask 10 basis points; twenty levels of about 400 quote, 5 basis points apart, offered again after 2 s. */
const BOOK = { spreadTicks: 2, depth: 20, stepTicks: 1, size: '200', refillMs: 2000 };

/** Some six levels for each of the default slices. Unit: contracts. */
const POSITION = 3000;

/** A mark moves every quarter of a second, by a normal step of 2 basis points: about 12 in 10 s. */
const STEP_MS = 250;
const STEP_BPS = 2;

const CYCLE_MS = 30_000;
const MOST_CYCLES = 20;
const START = Date.UTC(2026, 0, 5, 12);

/** What closing one position cost. */
export interface Closing {
  readonly style: OrderStyle;
  readonly seed: number;
  /** Unit: contracts. */
  readonly closed: number;
  /** Against the mark at each decision, weighted by quantity. Unit: basis points, positive is worse. */
  readonly slippageBps: number;
  /** Against the mark when the first intent was decided: what waiting cost is in it. Unit: basis points, positive is worse. */
  readonly shortfallBps: number;
  readonly intents: number;
  readonly orders: number;
  /** From the first intent to the last fill. Unit: seconds. */
  readonly seconds: number;
}

/** Moves the mark as time goes by: `sleep` is where time goes. */
class MarketClock implements Clock {
  readonly #time = new VirtualClock(START);
  readonly #steps: () => number;
  #exchange: BinanceExchange | null = null;
  #movedAt = START;

  constructor(seed: number) {
    const stream = new SeededRandom(seed).stream('mark');
    // The sum of twelve uniform numbers is close to normal, with a standard deviation of 1.
    this.#steps = () => Array.from({ length: 12 }, () => stream.uniform()).reduce((sum, one) => sum + one, -6);
  }

  moves(exchange: BinanceExchange): void {
    this.#exchange = exchange;
  }

  now(): number {
    return this.#time.now();
  }

  async sleep(ms: number): Promise<void> {
    await this.#time.sleep(ms);
    const exchange = this.#exchange;
    if (exchange === null) return;
    for (; this.#movedAt + STEP_MS <= this.now(); this.#movedAt += STEP_MS) {
      const factor = new Exact(1).add(new Exact(this.#steps()).mul(STEP_BPS).div(10_000));
      exchange.setMark(SYMBOL, exchange.orders.mark(SYMBOL).mul(factor).toDecimalPlaces(6).toFixed());
    }
  }
}

/** Closes a position of the side by orders of the style, intent after intent, until nothing is open. */
export async function closing(codec: RecordCodec, style: OrderStyle, seed: number): Promise<Closing> {
  const side: Side = seed % 2 === 0 ? 'LONG' : 'SHORT';
  const clock = new MarketClock(seed);
  const world = new BinanceExchange(clock, { hedge: false, seed, commission: ORDINARY_COMMISSION });
  world.setMarket({ ...MARKET, book: { ...BOOK, seed } });
  world.open({ symbol: SYMBOL, side, quantity: String(POSITION) });
  clock.moves(world);
  const reports: ExecutionReport[] = [];
  const processor = executionProcessor({
    writer: new TopicWriter('execution', codec),
    exchange: portOf(world),
    clock,
    logger: SILENT_LOGGER,
    limits: { order: { ...DEFAULT_TERMS, style } },
    onReport: (report) => reports.push(report),
  });
  await processor.restore?.(async function* nothing() {
    // The log is empty.
  });
  const first = world.orders.mark(SYMBOL);
  let intents = 0;
  while (intents < MOST_CYCLES && world.openQuantity(SYMBOL, side).gt(0)) {
    if (intents > 0) await clock.sleep(START + intents * CYCLE_MS - clock.now());
    intents += 1;
    const record = aClose(side, world.orders.mark(SYMBOL).toNumber(), clock.now());
    const at = { topic: TOPICS.harvestIntent.name, partition: 0, offset: intents, timestamp: clock.now() };
    const delivery = { topic: TOPICS.harvestIntent.name, record, at: { ...at, key: null, value: null, headers: [] } };
    await processor.process([delivery], () => Promise.resolve());
  }
  const filled = reports.filter(({ status }) => status === 'FILLED');
  const closed = filled.reduce((sum, { filled_quantity }) => sum + filled_quantity, 0);
  const value = filled.reduce((sum, report) => sum + report.filled_quantity * (report.average_price ?? 0), 0);
  const weighted = filled.reduce((sum, report) => sum + report.filled_quantity * (report.slippage_bps ?? 0), 0);
  const worse = (first.toNumber() - value / closed) * (side === 'LONG' ? 1 : -1);
  return {
    style,
    seed,
    closed,
    slippageBps: weighted / closed,
    shortfallBps: (worse / first.toNumber()) * 10_000,
    intents,
    orders: reports.filter(({ status }) => status === 'SUBMITTED').length,
    seconds: (Math.max(...filled.map(({ reported_at }) => reported_at)) - START) / 1000,
  };
}

/** The local exchange behind the port, without the network between. */
function portOf(world: BinanceExchange): Exchange {
  const { tick, lotStep } = MARKET;
  const rules = { lotStep, minQuantity: lotStep, maxQuantity: null, minNotional: '5' };
  return {
    venue: 'binanceusdm',
    rules: () => Promise.resolve(rules),
    position: ({ side }) => Promise.resolve({ quantity: world.openQuantity(SYMBOL, side).toFixed() }),
    markPrice: () => Promise.resolve(world.orders.mark(SYMBOL).toFixed()),
    place: async ({ clientOrderId, position: { side }, quantity, pricing }, gate) => {
      const { type, price = null, params } = venueTerms(pricing, side, tick);
      const timeInForce: TimeInForce = params.postOnly === true ? 'GTX' : 'IOC';
      const request = {
        clientOrderId,
        symbol: SYMBOL,
        side: orderSide(side) === 'sell' ? 'SELL' : 'BUY',
        positionSide: null,
        type: type === 'market' ? 'MARKET' : 'LIMIT',
        quantity,
        price,
        reduceOnly: true,
        ...(type === 'limit' ? { timeInForce } : {}),
      } as const;
      try {
        return await gate(
          async () => ({ kind: 'accepted', order: orderOf(world, world.submit(request), side) }) as const,
        );
      } catch (thrown) {
        if (!(thrown instanceof BinanceError)) throw thrown;
        return { kind: 'rejected', meaning: 'other', code: thrown.code, message: thrown.message };
      }
    },
    lookUp: (clientOrderId) => {
      const order = world.orders.find(SYMBOL, { clientOrderId }, world.now());
      return Promise.resolve({ kind: 'found', order: orderOf(world, order, order.side === 'SELL' ? 'LONG' : 'SHORT') });
    },
    charges: () => Promise.resolve({ kind: 'rates', feeRate: '0' }),
    resting: () => Promise.resolve([]),
    cancelResting: () => Promise.resolve({ kind: 'cancelled' }),
    cancel: (clientOrderId) => {
      world.orders.cancel(SYMBOL, { clientOrderId }, world.now());
      return Promise.resolve({ kind: 'ended' });
    },
  };
}

function orderOf(world: BinanceExchange, order: Order, side: Side): VenueOrder {
  const { executedQty, cumQuote } = order;
  return {
    orderId: String(order.orderId) as OrderId,
    clientOrderId: order.clientOrderId as ClientOrderId,
    state: isOpen(order) ? 'OPEN' : 'DONE',
    filledQuantity: executedQty.toFixed(),
    averagePrice: executedQty.isZero() ? null : cumQuote.div(executedQty).toFixed(),
    fee: '0',
    feeAsset: 'USDT',
    feeAmount: '0',
    positionAfter: world.openQuantity(SYMBOL, side).toFixed(),
    filledAt: order.updateTime,
  };
}

let aBase: HarvestIntent | null = null;

/** Simulating the desk takes longer than closing a position. */
function baseOf(): HarvestIntent {
  const topic = TOPICS.positionSnapshot.name;
  const at = { topic, partition: 0, offset: 0, timestamp: 0, key: null, value: null, headers: [] };
  const base = simulatedSnapshots()
    .map((snapshot) => intentOf(snapshot, evaluate(snapshot, defaultPolicy()), at))
    .find((intent) => intent?.action === 'CLOSE');
  if (base === undefined || base === null) throw new Error('the simulated desk gave no CLOSE');
  return base;
}

function aClose(side: Side, mark: number, now: number): HarvestIntent {
  const base = (aBase ??= baseOf());
  const position_id = positionIdOf(base.account, SYMBOL, side, START - CYCLE_MS);
  return {
    ...base,
    intent_id: intentIdOf(position_id, now),
    position_id,
    venue: 'binanceusdm',
    symbol: SYMBOL,
    side,
    entry_price: Number(MARKET.price),
    mark_price: mark,
    initial_stop_price: null,
    quantity: POSITION,
    opened_at: START - CYCLE_MS,
    observed_at: now,
  };
}

/** What the closings of one style come to. */
export function summaryOf(style: OrderStyle, closings: readonly Closing[]) {
  const own = closings.filter((one) => one.style === style);
  const mean = (of: (one: Closing) => number): number => own.reduce((sum, one) => sum + of(one), 0) / own.length;
  return {
    style,
    seeds: own.length,
    closed: mean(({ closed }) => closed) / POSITION,
    slippage_bps: mean(({ slippageBps }) => slippageBps),
    worst_slippage_bps: Math.max(...own.map(({ slippageBps }) => slippageBps)),
    shortfall_bps: mean(({ shortfallBps }) => shortfallBps),
    intents: mean(({ intents }) => intents),
    orders: mean(({ orders }) => orders),
    seconds: mean(({ seconds }) => seconds),
  };
}
