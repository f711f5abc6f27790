import type { RandomStream } from '../../../ports/random.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { HarvestIntent, PositionSnapshot } from '../../../schemas/generated/records.ts';
import { intentIdOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { BinanceExchange } from '../../../packages/fake-binance/binance-exchange.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

export const ACCOUNT = 'main';

/** More than partitions, so that each partition has several positions. */
export const POSITIONS = 24;

/** The probability that a flat symbol is opened before a cycle. */
const OPENS = 0.7;

/**
 * Traders and a policy: opens positions by hand, on either side, and decides intents on snapshots, both at random.
 */
export class ExchangeStory {
  readonly #exchange: BinanceExchange;
  readonly #stream: RandomStream;
  readonly #latest = new Map<string, number>();
  readonly #deep: boolean;

  /** `deep`: the markets have order books that an order may empty, and moving mark prices. */
  constructor(
    exchange: BinanceExchange,
    stream: RandomStream,
    { positions = POSITIONS, deep = false }: { positions?: number | undefined; deep?: boolean } = {},
  ) {
    this.#exchange = exchange;
    this.#stream = stream;
    this.#deep = deep;
    for (let index = 0; index < positions; index++) {
      const book = { size: '0.5', spreadTicks: 4, depth: 12, stepTicks: 2, refillMs: 300, seed: index };
      const market = { symbol: `S${index}USDT`, price: `${100 + index}`, tick: '0.01', lotStep: '0.01' };
      exchange.setMarket(deep ? { ...market, book } : market);
    }
  }

  get symbols(): readonly string[] {
    return [...this.#exchange.orders.markets.keys()];
  }

  isOpen(symbol: string): boolean {
    return !this.#exchange.orders.account.position(symbol, 'BOTH').amount.isZero();
  }

  /** To be called before each cycle: opens most flat symbols, and moves mark prices, which now and then reach resting orders. */
  act(): void {
    for (const symbol of this.symbols) {
      if (this.#deep) this.#moveMark(symbol);
      if (!this.isOpen(symbol) && this.#stream.uniform() < OPENS) this.#open(symbol);
    }
  }

  /** An intent on a snapshot, with probability `chance`; null: none. `closes` is the probability that it closes the whole position. */
  decide(snapshot: PositionSnapshot, chance: number, closes = 0.3): HarvestIntent | null {
    if (this.#stream.uniform() >= chance) return null;
    const { position_id, symbol } = snapshot;
    const observedAt = Math.max(snapshot.observed_at, (this.#latest.get(symbol) ?? 0) + 1);
    this.#latest.set(symbol, observedAt);
    const whole = this.#stream.uniform() < closes;
    return {
      ...GOOD_RECORDS[TOPICS.harvestIntent.name],
      intent_id: intentIdOf(position_id, observedAt),
      position_id,
      account: snapshot.account,
      venue: snapshot.venue,
      symbol,
      side: snapshot.side,
      action: whole ? 'CLOSE' : 'PARTIAL_CLOSE',
      fraction: whole ? 1 : this.#stream.integer(25, 75) / 100,
      quantity: snapshot.quantity,
      entry_price: snapshot.entry_price,
      mark_price: snapshot.mark_price,
      initial_stop_price: snapshot.initial_stop_price,
      opened_at: snapshot.opened_at,
      observed_at: observedAt,
    };
  }

  #moveMark(symbol: string): void {
    const { orders } = this.#exchange;
    const ticks = this.#stream.integer(-6, 6);
    this.#exchange.setMark(
      symbol,
      orders
        .mark(symbol)
        .add(ticks / 100)
        .toFixed(),
    );
  }

  #open(symbol: string): void {
    const side = this.#stream.uniform() < 0.5 ? 'LONG' : 'SHORT';
    // Positions are named by their opening, so no two may share a millisecond.
    const at = Math.max(this.#exchange.now(), (this.#latest.get(symbol) ?? 0) + 1);
    this.#latest.set(symbol, at);
    const quantity = new Exact(this.#stream.integer(200, 5000)).div(100).toFixed();
    this.#exchange.open({ symbol, side, quantity, at });
  }
}
