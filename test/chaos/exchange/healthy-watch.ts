import type { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import type { ObservedCycle } from '../../../pipelines/snapshots/cycle.ts';
import type { SickSymbols } from './sick-symbols.ts';

/** Faults after which the client asks nobody anything for a while, or that befall the list of all positions. */
const OF_EVERYBODY: ReadonlySet<string> = new Set(['429', '418', 'empty-positions']);

/** Longer than the server asks to be left alone. Unit: milliseconds. */
const OBEYED_FOR_MS = 200;

/**
 * H1  A position that is open all the time, is healthy, and of which no question met a fault, has a snapshot in every cycle.
 */
export class HealthyWatch {
  readonly #server: BinanceServer;
  readonly #sick: SickSymbols;
  readonly violations: string[] = [];
  looks = 0;

  constructor(server: BinanceServer, sick: SickSymbols) {
    this.#server = server;
    this.#sick = sick;
  }

  async during(symbols: readonly string[], observe: () => Promise<ObservedCycle>): Promise<ObservedCycle> {
    const healthy = symbols.filter((symbol) => !this.#sick.has(symbol));
    const before = new Map(healthy.map((symbol) => [symbol, this.#open(symbol)]));
    const startedAt = this.#server.exchange.now();
    const seen = this.#server.injected.length;
    const cycle = await observe();
    const met = this.#server.injected.slice(seen);
    // One that came just before is still obeyed.
    const late = this.#server.injected.filter(({ at }) => at >= startedAt - OBEYED_FOR_MS);
    if (late.some(({ fault }) => OF_EVERYBODY.has(fault))) return cycle;
    const observed = new Set(cycle.snapshots.map(({ symbol }) => symbol));
    for (const [symbol, open] of before) {
      if (open === null || open !== this.#open(symbol) || this.#sick.has(symbol)) continue;
      if (met.some((one) => one.symbol === symbol)) continue;
      this.looks += 1;
      if (observed.has(symbol)) continue;
      const why = cycle.missing
        .filter((one) => one.symbol === symbol)
        .map(({ what, why: words }) => `${what}: ${words}`);
      this.violations.push(`H1: ${symbol} was not observed, and nothing was wrong with it (${why.join('; ')})`);
    }
    return cycle;
  }

  /** What tells one state of a position from another; null where it is flat. */
  #open(symbol: string): string | null {
    const { amount, updateTime } = this.#server.exchange.orders.account.position(symbol, 'BOTH');
    return amount.isZero() ? null : `${amount.toFixed()} ${updateTime}`;
  }
}
