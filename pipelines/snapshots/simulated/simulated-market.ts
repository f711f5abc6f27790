import type { Random } from '../../../ports/random.ts';
import { type Market, type MarketCycle, WARM_UP_CYCLES } from '../../../ports/market.ts';
import { SimulatedSymbol, type SymbolProfile } from './simulated-symbol.ts';

/** Cycle 0 closes at this instant, 2026-01-01T00:00:00Z: virtual time never depends on when the program runs. Unit: epoch milliseconds. */
const START = Date.UTC(2026, 0, 1);

/** Five minutes, the shortest candle that desks of this kind decide on. Unit: milliseconds. */
const INTERVAL_MS = 5 * 60 * 1000;

/** Fifteen markets from cents to tens of thousands, calm to wild. */
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

/** A market without end, the same for the same seed. Going back starts the paths again from the beginning. */
export function simulatedMarket(random: Random): Market {
  return new SimulatedMarket(random);
}

class SimulatedMarket implements Market {
  readonly source = 'simulated';
  readonly symbols = PROFILES.map((profile) => profile.symbol);
  readonly intervalMs = INTERVAL_MS;
  readonly #random: Random;
  #paths: readonly SimulatedSymbol[] = [];
  /** The cycle that the paths give next; the one before it is kept in `#last`. */
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
