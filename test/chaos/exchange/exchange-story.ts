import type { RandomStream } from '../../../ports/random.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { HarvestIntent } from '../../../schemas/generated/records.ts';
import { intentIdOf, positionIdOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { BinanceExchange } from '../../../packages/fake-binance/binance-exchange.ts';
import { GOOD_RECORDS } from '../../schemas/good-records.ts';

export const ACCOUNT = 'main';
export const VENUE = 'binanceusdm';

/** More than partitions, so that each has several positions. */
export const POSITIONS = 24;

/** A position as the story knows it: opened by hand at the exchange. */
interface Opened {
  readonly side: 'LONG' | 'SHORT';
  readonly at: number;
  lastObservedAt: number;
}

/**
 * Positions at an exchange, and intents on them: each is what a snapshot of that moment would have led to. A symbol that is flat is
 * opened again, on either side.
 */
export class ExchangeStory {
  readonly #exchange: BinanceExchange;
  readonly #stream: RandomStream;
  readonly #opened = new Map<string, Opened>();
  readonly #deep: boolean;

  /** `deep`: the markets have a book that an order may empty, and their marks move. */
  constructor(
    exchange: BinanceExchange,
    stream: RandomStream,
    { positions = POSITIONS, deep = false }: { positions?: number | undefined; deep?: boolean } = {},
  ) {
    this.#exchange = exchange;
    this.#stream = stream;
    this.#deep = deep;
    for (let index = 0; index < positions; index++) {
      const book = { size: '0.5', spreadTicks: 4, depth: 12, stepTicks: 2, refillMs: 30, seed: index };
      const market = { symbol: `S${index}USDT`, price: `${100 + index}`, tick: '0.01', lotStep: '0.01' };
      exchange.setMarket(deep ? { ...market, book } : market);
    }
  }

  /** Orders that rest are reached now and then. */
  #moveMark(symbol: string): void {
    const ticks = this.#stream.integer(-6, 6);
    this.#exchange.setMark(
      symbol,
      this.#exchange.orders
        .mark(symbol)
        .add(ticks / 100)
        .toFixed(),
    );
  }

  get symbols(): readonly string[] {
    return [...this.#exchange.orders.markets.keys()];
  }

  isOpen(symbol: string): boolean {
    return !this.#exchange.orders.account.position(symbol, 'BOTH').amount.isZero();
  }

  /** The next intent on one of these symbols, and whether its position has just been opened. */
  next(symbols: readonly string[]): { readonly intent: HarvestIntent; readonly isNew: boolean } {
    const { orders } = this.#exchange;
    const symbol = symbols[this.#stream.integer(0, symbols.length - 1)] ?? '';
    if (this.#deep) this.#moveMark(symbols[this.#stream.integer(0, symbols.length - 1)] ?? symbol);
    const isNew = !this.isOpen(symbol);
    if (isNew) this.#open(symbol);
    const opened = this.#opened.get(symbol);
    if (opened === undefined) throw new TypeError(`nobody opened ${symbol}`);
    const { amount, entryPrice } = orders.account.position(symbol, 'BOTH');
    const observedAt = Math.max(this.#exchange.now(), opened.lastObservedAt + 1);
    opened.lastObservedAt = observedAt;
    const id = positionIdOf(ACCOUNT, symbol, opened.side, opened.at);
    const whole = this.#stream.uniform() < 0.3;
    const intent: HarvestIntent = {
      ...GOOD_RECORDS[TOPICS.harvestIntent.name],
      intent_id: intentIdOf(id, observedAt),
      position_id: id,
      account: ACCOUNT,
      venue: VENUE,
      symbol,
      side: opened.side,
      action: whole ? 'CLOSE' : 'PARTIAL_CLOSE',
      fraction: whole ? 1 : this.#stream.integer(25, 75) / 100,
      quantity: amount.abs().toNumber(),
      entry_price: entryPrice.toNumber(),
      mark_price: orders.mark(symbol).toNumber(),
      initial_stop_price: null,
      opened_at: opened.at,
      observed_at: observedAt,
    };
    return { intent, isNew };
  }

  #open(symbol: string): void {
    const side = this.#stream.uniform() < 0.5 ? 'LONG' : 'SHORT';
    // Every opening has a millisecond of its own: it names the position.
    const before = this.#opened.get(symbol);
    const at = Math.max(this.#exchange.now(), (before?.lastObservedAt ?? 0) + 1);
    const quantity = new Exact(this.#stream.integer(200, 5000)).div(100).toFixed();
    this.#exchange.open({ symbol, side, quantity, at });
    this.#opened.set(symbol, { side, at, lastObservedAt: at });
  }
}
