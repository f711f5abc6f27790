import type { Injected } from '../../../packages/fake-binance/request-log.ts';
import type { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import type { ObservedCycle } from '../../../pipelines/snapshots/cycle.ts';
import type { VenueDifference } from '../../../schemas/generated/records.ts';
import type { SickSymbols } from './sick-symbols.ts';

/** Faults after which the client sends nothing for a while. */
const SILENCING: ReadonlySet<string> = new Set(['429', '418']);

/** Longer than the server's Retry-After (exchange-settings.ts). Unit: milliseconds. */
const OBEYED_FOR_MS = 150;

export interface HealthFigures {
  /** Cycles in which the exchange answered with the list of positions. */
  readonly cycles: number;
  /** Requests for the list of positions that failed, so that no cycle began. */
  readonly failedLists: number;
  /** Cycles in which the list of positions was empty by a fault. */
  readonly falseLists: number;
  /** Healthy positions, summed over the cycles. */
  readonly healthy: number;
  /** Those among them that have a snapshot. */
  readonly observed: number;
  /** Those without a snapshot because they had changed and a request about that met a fault, in this cycle but not in the one before. */
  readonly excused: number;
}

/**
 * Checks that healthy positions are observed. A position is healthy if its symbol is not sick, and it is open and unchanged from the beginning
 * of a cycle to its end.
 *
 * CHX-11  A healthy position has a snapshot in every cycle. A new or changed one may lack it in the one cycle in which a request about it met a
 *         fault; in the next it has one, whatever happens to its requests.
 * CHX-12  That snapshot has the exchange's side and quantity.
 */
export class HealthyWatch {
  readonly #server: BinanceServer;
  readonly #sick: SickSymbols;
  readonly violations: string[] = [];
  readonly #figures = { cycles: 0, failedLists: 0, falseLists: 0, healthy: 0, observed: 0, excused: 0 };
  /** The state that was observed last, by symbol. */
  readonly #observed = new Map<string, string>();
  /** The state that lacked its snapshot in the cycle before, by symbol. */
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

  /** To be called after a restart of the source, to which every position is new. */
  restarted(): void {
    this.#observed.clear();
    this.#lacking.clear();
  }

  /** Runs a cycle and checks the symbols that were healthy during it. */
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
    const met = this.#faultsSince(startedAt);
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
      const hasMetFault = met.some((one) => one.symbol === symbol || SILENCING.has(one.fault));
      if (hasMetFault && this.#observed.get(symbol) !== state && this.#lacking.get(symbol) !== state) {
        this.#figures.excused += 1;
        lacking.set(symbol, state);
        continue;
      }
      const cause = !hasMetFault
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

  /** The faults of a cycle, and those just before it that still silence the client. */
  #faultsSince(startedAt: number): readonly Injected[] {
    const { injected } = this.#server;
    while ((injected[this.#since]?.at ?? Infinity) < startedAt - OBEYED_FOR_MS) this.#since += 1;
    return injected.slice(this.#since).filter(({ at, fault }) => at >= startedAt || SILENCING.has(fault));
  }

  /** Identifies the state of a position; null where it is flat. */
  #state(symbol: string): string | null {
    const { amount, updateTime } = this.#server.exchange.orders.account.position(symbol, 'BOTH');
    return amount.isZero() ? null : `${amount.toFixed()} ${updateTime}`;
  }
}
