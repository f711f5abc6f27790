import type { Injected } from '../../../packages/fake-binance/request-log.ts';
import type { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import type { ObservedCycle } from '../../../pipelines/snapshots/cycle.ts';
import type { VenueDifference } from '../../../schemas/generated/records.ts';
import type { SickSymbols } from './sick-symbols.ts';

/** After these the client asks nobody anything for a while. */
const SILENCING: ReadonlySet<string> = new Set(['429', '418']);

/** Longer than the server asks to be left alone (exchange-settings.ts). Unit: milliseconds. */
const OBEYED_FOR_MS = 150;

export interface HealthFigures {
  /** Cycles in which the exchange listed the open positions. */
  readonly cycles: number;
  /** Lists of positions that never came: no cycle began. */
  readonly failedLists: number;
  /** Cycles in which the exchange listed no position at all, falsely. */
  readonly falseLists: number;
  /** Healthy positions, counted once a cycle. */
  readonly healthy: number;
  /** Those among them that have a snapshot. */
  readonly observed: number;
  /** Those that have none because they changed, and a question about that met a fault, in this cycle and not in the one before. */
  readonly excused: number;
}

/**
 * Healthy is a position of a symbol that is not made sick, and that is open and the same from the beginning of a cycle to its end.
 *
 * CHX-11  A healthy position has a snapshot in every cycle. One that is new, or has changed since its latest snapshot, may lack it in the one
 *     cycle in which a question about it met a fault; in the next it has one, whatever befalls its questions.
 * CHX-12  That snapshot has the exchange's side and quantity.
 */
export class HealthyWatch {
  readonly #server: BinanceServer;
  readonly #sick: SickSymbols;
  readonly violations: string[] = [];
  readonly #figures = { cycles: 0, failedLists: 0, falseLists: 0, healthy: 0, observed: 0, excused: 0 };
  /** State that was observed last, by symbol. */
  readonly #observed = new Map<string, string>();
  /** State that lacked its snapshot in the cycle before, by symbol. */
  #lacking = new Map<string, string>();
  readonly #differences = new Map<string, readonly VenueDifference[]>();
  #since = 0;

  constructor(server: BinanceServer, sick: SickSymbols) {
    this.#server = server;
    this.#sick = sick;
  }

  get figures(): HealthFigures {
    return this.#figures;
  }

  /** Another source observes from now on: every position is new to it. */
  restarted(): void {
    this.#observed.clear();
    this.#lacking.clear();
  }

  /** One cycle of all these symbols. */
  async during(symbols: readonly string[], observe: () => Promise<ObservedCycle>): Promise<ObservedCycle> {
    const healthy = symbols.filter((symbol) => !this.#sick.has(symbol));
    const before = new Map(healthy.map((symbol) => [symbol, this.#state(symbol)]));
    const startedAt = this.#server.exchange.now();
    let cycle: ObservedCycle;
    try {
      cycle = await observe();
    } catch (thrown) {
      this.#figures.failedLists += 1;
      throw thrown;
    }
    const met = this.#metSince(startedAt);
    this.#figures.cycles += 1;
    if (met.some(({ fault }) => fault === 'empty-positions')) {
      this.#figures.falseLists += 1;
      return cycle;
    }
    for (const { symbol, differences } of cycle.reconciled) this.#differences.set(symbol, differences);
    const lacking = new Map<string, string>();
    for (const [symbol, state] of before) {
      if (state === null || state !== this.#state(symbol)) continue;
      this.#figures.healthy += 1;
      const snapshots = cycle.snapshots.filter((one) => one.symbol === symbol);
      const [snapshot] = snapshots;
      if (snapshot !== undefined) {
        this.#figures.observed += 1;
        this.#observed.set(symbol, state);
        const { amount } = this.#server.exchange.orders.account.position(symbol, 'BOTH');
        const side = amount.isNegative() ? 'SHORT' : 'LONG';
        if (snapshots.length > 1 || snapshot.side !== side || !amount.abs().eq(snapshot.quantity))
          this.violations.push(
            `CHX-12: ${symbol} is ${side} ${amount.abs().toFixed()}, observed as ${JSON.stringify(snapshots)}`,
          );
        continue;
      }
      const missing = cycle.missing.filter((one) => one.symbol === symbol).map((one) => `${one.what}: ${one.why}`);
      const standing = (this.#differences.get(symbol) ?? []).map(({ kind, detail }) => `${kind}: ${detail}`);
      const why = [...missing, ...standing];
      const isBefallen = met.some((one) => one.symbol === symbol || SILENCING.has(one.fault));
      if (isBefallen && this.#observed.get(symbol) !== state && this.#lacking.get(symbol) !== state) {
        this.#figures.excused += 1;
        lacking.set(symbol, state);
        continue;
      }
      const cause = !isBefallen
        ? 'nothing was wrong with it'
        : this.#lacking.get(symbol) === state
          ? 'it has had none for two cycles'
          : 'it had one before, and has not changed';
      this.violations.push(
        `CHX-11: cycle ${this.#figures.cycles}: ${symbol} was not observed: ${cause} (${why.join('; ')})`,
      );
    }
    this.#lacking = lacking;
    return cycle;
  }

  /** Also those that came just before, and are still obeyed. */
  #metSince(startedAt: number): readonly Injected[] {
    const { injected } = this.#server;
    while ((injected[this.#since]?.at ?? Infinity) < startedAt - OBEYED_FOR_MS) this.#since += 1;
    return injected.slice(this.#since).filter(({ at, fault }) => at >= startedAt || SILENCING.has(fault));
  }

  /** What tells one state of a position from another; null where it is flat. */
  #state(symbol: string): string | null {
    const { amount, updateTime } = this.#server.exchange.orders.account.position(symbol, 'BOTH');
    return amount.isZero() ? null : `${amount.toFixed()} ${updateTime}`;
  }
}
