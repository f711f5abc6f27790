import type { Random, RandomStream } from '../../../ports/random.ts';
import { type Market, type MarketCycle, WARM_UP_CYCLES, type Candle } from '../../../ports/market.ts';
import type { EpochMillis } from '../../../ports/clock.ts';

/** Cycle 0 closes at this instant, 2026-01-01T00:00:00Z: virtual time never depends on when the program runs. Unit: epoch milliseconds. */
const START = Date.UTC(2026, 0, 1);

/** Five-minute candles: the shortest that desks of this kind decide on. Unit: milliseconds. */
const INTERVAL_MS = 5 * 60 * 1000;

/** Fifteen symbols, priced from cents to tens of thousands, from calm to volatile. */
const PROFILES: readonly SymbolProfile[] = [
  { symbol: 'BTCUSDT', anchorPrice: 94_500, volatility: 0.0016 },
  { symbol: 'ETHUSDT', anchorPrice: 3_340, volatility: 0.002 },
  { symbol: 'BNBUSDT', anchorPrice: 702, volatility: 0.0018 },
  { symbol: 'SOLUSDT', anchorPrice: 188.4, volatility: 0.0026 },
  { symbol: 'AVAXUSDT', anchorPrice: 36.2, volatility: 0.0028 },
  { symbol: 'LINKUSDT', anchorPrice: 20.45, volatility: 0.0026 },
  { symbol: 'APTUSDT', anchorPrice: 8.93, volatility: 0.003 },
  { symbol: 'BERAUSDT', anchorPrice: 2.71, volatility: 0.0042 },
  { symbol: 'XRPUSDT', anchorPrice: 2.08, volatility: 0.0024 },
  { symbol: 'ADAUSDT', anchorPrice: 0.872, volatility: 0.0025 },
  { symbol: 'LAUSDT', anchorPrice: 0.4135, volatility: 0.0044 },
  { symbol: 'DOGEUSDT', anchorPrice: 0.1862, volatility: 0.003 },
  { symbol: 'AIOUSDT', anchorPrice: 0.0951, volatility: 0.0048 },
  { symbol: 'COLLECTUSDT', anchorPrice: 0.0563, volatility: 0.005 },
  { symbol: 'FHEUSDT', anchorPrice: 0.02384, volatility: 0.0046 },
];

/** An endless market, the same for the same seed. A request for an earlier cycle computes all paths again from the beginning. */
export function simulatedMarket(random: Random): Market {
  return new SimulatedMarket(random);
}

class SimulatedMarket implements Market {
  readonly source = 'simulated';
  readonly symbols = PROFILES.map((profile) => profile.symbol);
  readonly intervalMs = INTERVAL_MS;
  readonly #random: Random;
  #paths: readonly SimulatedSymbol[] = [];
  /** The cycle that the paths give next. `#last` is the one before it. */
  #next = 0;
  #last: MarketCycle | undefined;

  constructor(random: Random) {
    this.#random = random;
    this.#rewind();
  }

  cycle(index: number): MarketCycle {
    if (index < -WARM_UP_CYCLES) throw new RangeError(`the market's history starts at cycle ${-WARM_UP_CYCLES}`);
    if (this.#last !== undefined && index === this.#next - 1) return this.#last;
    if (index < this.#next) this.#rewind();
    while (this.#next < index) this.#skip();
    return this.#advance();
  }

  cycleAfter(time: number): number {
    return Math.max(0, Math.floor((time - START) / INTERVAL_MS) + 1);
  }

  #rewind(): void {
    this.#paths = PROFILES.map(
      (profile) => new SimulatedSymbol(profile, this.#random.stream('market', profile.symbol)),
    );
    this.#next = -WARM_UP_CYCLES;
    this.#last = undefined;
  }

  #skip(): void {
    const now = START + this.#next++ * INTERVAL_MS;
    for (const path of this.#paths) path.next(now);
  }

  #advance(): MarketCycle {
    const now = START + this.#next++ * INTERVAL_MS;
    const ticks = this.#paths.map((path) => {
      const candle = path.next(now);
      return { symbol: path.symbol, candle, drift: path.drift };
    });
    return (this.#last = { now, ticks });
  }
}

/** How a symbol is simulated. */
interface SymbolProfile {
  readonly symbol: string;
  /** The price that the path starts from, and returns to in the very long run. Unit: USDT per contract. */
  readonly anchorPrice: number;
  /** Standard deviation of a calm candle's return. Unit: ratio. */
  readonly volatility: number;
}

/** A hidden regime of the market. */
interface HiddenRegime {
  /** Unit: standard deviations of one candle's return. */
  readonly drift: number;
  /** Multiplies the symbol's volatility. */
  readonly volatility: number;
  /** Mean length. Unit: candles. */
  readonly meanLength: number;
  /** The chances of each regime that may follow; they sum to 1. */
  readonly next: readonly (readonly [regime: RegimeName, chance: number])[];
}

type RegimeName = 'trend_up' | 'trend_down' | 'range' | 'turbulent';

/**
 * Trends of some hours, about as long as a position is held, between quieter ranges, and now and then a turbulent hour. Over 60 candles a drift of
 * 0.16 moves the price by about 10 standard deviations of one candle; chance alone moves it by 8.
 */
const REGIMES: Readonly<Record<RegimeName, HiddenRegime>> = {
  trend_up: {
    drift: 0.16,
    volatility: 1,
    meanLength: 72,
    next: [
      ['range', 0.6],
      ['turbulent', 0.2],
      ['trend_down', 0.2],
    ],
  },
  trend_down: {
    drift: -0.16,
    volatility: 1.1,
    meanLength: 60,
    next: [
      ['range', 0.6],
      ['turbulent', 0.2],
      ['trend_up', 0.2],
    ],
  },
  range: {
    drift: 0,
    volatility: 0.75,
    meanLength: 60,
    next: [
      ['trend_up', 0.45],
      ['trend_down', 0.45],
      ['turbulent', 0.1],
    ],
  },
  turbulent: {
    drift: 0,
    volatility: 1.8,
    meanLength: 18,
    next: [
      ['range', 0.4],
      ['trend_up', 0.3],
      ['trend_down', 0.3],
    ],
  },
};

/** The share of its distance from normal that log-volatility keeps at each candle: half of it is gone after about 13 candles. */
const VOLATILITY_MEMORY = 0.95;
/** The standard deviation of what each candle adds to log-volatility, which keeps volatility mostly within a factor of 1.5. Unit: natural log. */
const VOLATILITY_SHOCK = 0.13;

/** The pull of the log-price towards its anchor: too weak to matter within a day, strong enough to bound the price over a year. Unit: share per candle. */
const ANCHOR_PULL = 1 / 2_000;

/** The price moves in this many steps within a candle; high and low are the extremes of the prices after each. */
const STEPS = 4;
const STEP_SCALE = Math.sqrt(1 / STEPS);

/** The significant digits of a price: what derivatives venues commonly quote. */
const SIGNIFICANT_DIGITS = 5;

/** The turnover of a calm candle. Unit: USDT. */
const TURNOVER = 400_000;

/**
 * One symbol's endless path: a random walk of the log-price whose drift and volatility depend on a hidden Markov regime, with clustered volatility
 * (a log AR(1)). It only moves forward; all of its draws come from the one stream that it is given.
 */
class SimulatedSymbol {
  readonly symbol: string;
  readonly #stream: RandomStream;
  readonly #volatility: number;
  readonly #anchor: number;
  readonly #scale: number;
  #regime: HiddenRegime;
  #logVolatility = 0;
  #logPrice: number;
  #close: number;

  constructor(profile: SymbolProfile, stream: RandomStream) {
    this.symbol = profile.symbol;
    this.#stream = stream;
    this.#volatility = profile.volatility;
    this.#anchor = Math.log(profile.anchorPrice);
    this.#scale = 10 ** Math.max(0, SIGNIFICANT_DIGITS - 1 - Math.floor(Math.log10(profile.anchorPrice)));
    this.#regime = REGIMES[choose(REGIMES.range.next, stream.uniform())];
    this.#logPrice = this.#anchor;
    this.#close = this.#quote(this.#logPrice);
  }

  /** The drift during the candle that `next` returned last. Unit: standard deviations of one candle's return. */
  get drift(): number {
    return this.#regime.drift;
  }

  next(closedAt: EpochMillis): Candle {
    const stream = this.#stream;
    if (stream.uniform() * this.#regime.meanLength < 1) {
      this.#regime = REGIMES[choose(this.#regime.next, stream.uniform())];
    }
    this.#logVolatility = VOLATILITY_MEMORY * this.#logVolatility + VOLATILITY_SHOCK * stream.normal();
    const deviation = this.#volatility * this.#regime.volatility * Math.exp(this.#logVolatility);
    const drift = (this.#regime.drift * deviation + ANCHOR_PULL * (this.#anchor - this.#logPrice)) / STEPS;
    const open = this.#close;
    let high = open;
    let low = open;
    for (let step = 0; step < STEPS; step++) {
      this.#logPrice += drift + STEP_SCALE * deviation * stream.normal();
      this.#close = this.#quote(this.#logPrice);
      high = Math.max(high, this.#close);
      low = Math.min(low, this.#close);
    }
    const turnover = TURNOVER * (deviation / this.#volatility) * Math.exp(0.3 * stream.normal());
    return { closedAt, open, high, low, close: this.#close, volume: Math.round(turnover / this.#close) };
  }

  /** The price rounded to the tick. Dividing whole numbers gives the double nearest to the decimal, which prints without a tail. */
  #quote(logPrice: number): number {
    return Math.max(1, Math.round(Math.exp(logPrice) * this.#scale)) / this.#scale;
  }
}

/** The regime that a uniform draw chooses. Rounding errors of the chances fall to the last. */
function choose(chances: HiddenRegime['next'], draw: number): RegimeName {
  let rest = draw;
  let chosen: RegimeName = 'range';
  for (const [regime, chance] of chances) {
    chosen = regime;
    rest -= chance;
    if (rest < 0) break;
  }
  return chosen;
}
