import type { Clock } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { Random } from '../../ports/random.ts';
import type { BinanceExchange } from './binance-exchange.ts';

/** Between two steps. Unit: milliseconds. */
const STEP_MS = 1000;

/** Of a step; a minute of them is about 0.8 %. Unit: fraction of price. */
const VOLATILITY = 0.001;

/**
 * Marks that move by themselves. Where nobody sets one by hand, the mark of a market after step n depends on seed, symbol, first price
 * and n alone.
 */
export class MarketWalk {
  readonly #exchange: BinanceExchange;
  readonly #random: Random;
  #steps = 0;

  constructor(exchange: BinanceExchange, random: Random) {
    this.#exchange = exchange;
    this.#random = random;
  }

  /** How many were made. */
  get steps(): number {
    return this.#steps;
  }

  /** Moves every market by so many steps at once. */
  step(count = 1): void {
    const { orders } = this.#exchange;
    for (let made = 0; made < count; made++) {
      this.#steps += 1;
      for (const { symbol, tick, status } of orders.markets.values()) {
        if (status !== 'TRADING') continue;
        const moved = Math.exp(VOLATILITY * this.#random.stream('walk', symbol, this.#steps).normal());
        const ticks = Exact.max(1, orders.mark(symbol).mul(moved).div(tick).round());
        this.#exchange.setMark(symbol, ticks.mul(tick).toFixed());
      }
    }
  }

  /** Until the signal aborts. */
  async run(clock: Clock, signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(STEP_MS, signal);
      if (signal.aborted) return;
      this.step();
    }
  }
}
