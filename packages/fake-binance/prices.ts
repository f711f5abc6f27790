import type { Random } from '../../ports/random.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import { BinanceError } from './binance-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { BinanceExchange } from './binance-exchange.ts';

/** Supported intervals. Unit: milliseconds. */
const INTERVALS_MS: Readonly<Record<string, number>> = {
  '1m': 60_000,
  '3m': 180_000,
  '5m': 300_000,
  '15m': 900_000,
  '30m': 1_800_000,
  '1h': 3_600_000,
  '4h': 14_400_000,
  '1d': 86_400_000,
};

/** The largest distance of a generated close from the market's first price. Unit: fraction of price. */
const SWING = 0.002;

/** How far a generated candle reaches beyond its open and close. Unit: fraction of price. */
const WICK = 0.0005;

/** `[openTime, open, high, low, close, volume, closeTime, quoteVolume, trades, takerBase, takerQuote, "0"]` */
type Kline = readonly (number | string)[];

interface GivenCandle {
  /** A whole multiple of the interval. Unit: milliseconds. */
  readonly openTime: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume?: string;
}

/** The inputs of generated candles. */
export interface PriceLevel {
  readonly symbol: string;
  /** The market's first price, so that past candles do not move with the mark price. */
  readonly anchor: Exact;
  readonly mark: Exact;
  readonly tick: string;
}

interface KlineQuery {
  readonly interval: string;
  readonly startTime: number | null;
  readonly endTime: number | null;
  readonly limit: number;
}

/**
 * The candles of every market: given ones, and generated ones for all other times, which depend on seed, symbol and time alone. As at Binance,
 * the newest comes last and is still forming: it closes at the mark price.
 */
export class Candles {
  readonly #random: Random;
  readonly #given = new Map<string, GivenCandle>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Throws -1120 for an interval that the server does not know. */
  set(symbol: string, interval: string, candles: readonly GivenCandle[]): void {
    lengthOf(interval);
    for (const candle of candles) this.#given.set(`${symbol} ${interval} ${candle.openTime}`, candle);
  }

  of(level: PriceLevel, { interval, startTime, endTime, limit }: KlineQuery, now: number): readonly Kline[] {
    const length = lengthOf(interval);
    const newest = Math.floor(now / length);
    const end = endTime === null ? newest : Math.min(newest, Math.floor(endTime / length));
    // With a start these are the first candles from there on, without one the latest.
    const first = startTime === null ? end - limit + 1 : Math.ceil(startTime / length);
    const count = Math.max(0, Math.min(limit, end - first + 1));
    return Array.from({ length: count }, (_, offset) => this.#at(level, interval, first + offset, newest));
  }

  #at(level: PriceLevel, interval: string, index: number, newest: number): Kline {
    const length = lengthOf(interval);
    const given = this.#given.get(`${level.symbol} ${interval} ${index * length}`);
    const { open, high, low, close, volume = '1000' } = given ?? this.#made(level, interval, index, newest);
    const quote = new Exact(volume).mul(close).toFixed();
    return [index * length, open, high, low, close, volume, (index + 1) * length - 1, quote, 100, '0', '0', '0'];
  }

  #made(level: PriceLevel, interval: string, index: number, newest: number): Omit<GivenCandle, 'openTime'> {
    const open = this.#closeAt(level, interval, index - 1);
    const close = index === newest ? level.mark : this.#closeAt(level, interval, index);
    const high = onTick(Exact.max(open, close).mul(1 + WICK), level.tick);
    const low = onTick(Exact.min(open, close).mul(1 - WICK), level.tick);
    return {
      open: open.toFixed(),
      high: Exact.max(high, open, close).toFixed(),
      low: Exact.min(low, open, close).toFixed(),
      close: close.toFixed(),
    };
  }

  #closeAt({ symbol, anchor, tick }: PriceLevel, interval: string, index: number): Exact {
    const drawn = this.#random.stream('candle', symbol, interval, index).uniform();
    return onTick(anchor.mul(1 + SWING * (2 * drawn - 1)), tick);
  }
}

function lengthOf(interval: string): number {
  const length = INTERVALS_MS[interval];
  if (length === undefined) throw new BinanceError('-1120');
  return length;
}

/** At least one tick, however small the price. */
function onTick(price: Exact, tick: string): Exact {
  return Exact.max(1, price.div(tick).round()).mul(tick);
}

/** The time between two steps. Unit: milliseconds. */
const STEP_MS = 1000;

/** The standard deviation of a step; about 0.8 % in a minute. Unit: fraction of price. */
const VOLATILITY = 0.001;

/**
 * Moves mark prices at random. Unless a mark price is set meanwhile, that of a market after step n depends on seed, symbol, first price and n
 * alone.
 */
export class MarketWalk {
  readonly #exchange: BinanceExchange;
  readonly #random: Random;
  #steps = 0;

  constructor(exchange: BinanceExchange, random: Random) {
    this.#exchange = exchange;
    this.#random = random;
  }

  /** The number of steps so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Moves every market by that many steps. */
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

  /** Makes a step every second until the signal aborts. */
  async run(clock: Clock, signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(STEP_MS, signal);
      if (signal.aborted) return;
      this.step();
    }
  }
}
