/**
 * The open positions of one account at a venue, observed in cycles.
 *
 * Reads      a venue: positions with marks, and stops, in every cycle; fills where a position has changed; candles where one has closed. The
 *            models' signals. Once, the snapshots and reductions recorded before
 * Returns    position.snapshot records, and position.reconciled records where reductions or differences are new
 * State      each open position's latest snapshot, the fills recorded already, indicators: all of it is restored after a restart
 *
 * SNA-5  A position's identity is proven: it is the one observed before, unchanged, or its fills say when it was opened, and they do so only
 *        where they are of the same moment as the position. A position whose opening is out of reach is observed all the same, counts from
 *        when the venue last changed it, and is reported as OPENING_UNKNOWN.
 * SNA-6  A position that the venue does not show is not taken for closed: only its fills end it.
 * SNA-7  Every fill that reduced a position under observation is recorded, once, with the entry price that the position had before it.
 * SNA-8  A symbol that fails, or that the venue shows in part, costs only itself. What is missing is reported, and no value is invented for
 *        it. An order that is not answered delays the record of its fills, and no snapshot.
 * SNA-9  Fills are no precondition. Where they fail, disagree or are late for more than a cycle, the venue's own figures are observed without
 *        them: under the identity of before, or as OPENING_UNKNOWN where the position is new; and the difference stands beside them. It may
 *        have been another position by then, so the one of before ends only once the fills of that one are listed, too. Fills that disagree
 *        are read again, since an answer may have been false.
 * SNA-10  Old fills delay no snapshot: they are read piece by piece, and a position keeps its id when they show its opening.
 * SNA-11  Between cycles (`follow`, `noteMark`) only symbols with a position under observation are followed: reductions are recorded as in a
 *         cycle, once, also of a position that has taken the place of one; and marks move the peak. Differences and snapshots belong to cycles.
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import type { PositionReconciled, PositionSnapshot } from '../../schemas/generated/records.ts';
import {
  type Followed,
  type FollowedChanges,
  type Missing,
  type ObservedCycle,
  type PositionObserverOptions,
  transient,
} from './cycle.ts';
import { ObservedSymbol } from './observed-symbol.ts';
import { RecordedFills } from './recorded-fills.ts';

export class PositionObserver {
  readonly #options: PositionObserverOptions;
  readonly #observed = new Map<string, ObservedSymbol>();
  /** By symbol. They outlast the positions: a fill is read again long after its position has ended. */
  readonly #recordedFills = new Map<string, RecordedFills>();

  constructor(options: PositionObserverOptions) {
    this.#options = options;
  }

  /** Restores the state from what was recorded, each topic oldest first. Records of other accounts and venues are ignored. */
  restore(snapshots: Iterable<PositionSnapshot>, reconciled: Iterable<PositionReconciled>): void {
    for (const snapshot of snapshots)
      if (this.#isOwn(snapshot)) this.#symbol(snapshot.symbol).restoreSnapshot(snapshot);
    for (const record of reconciled) if (this.#isOwn(record)) this.#symbol(record.symbol).restoreReconciled(record);
    this.#forgetQuiet();
  }

  /** Observes everything once. Throws EXCHANGE_AWAY where the venue does not answer with its positions: nothing is known then. */
  async observe(): Promise<ObservedCycle> {
    const { venue, clock, signals, symbols } = this.#options;
    // Taken before the venue is asked, so a snapshot never claims to be newer than its answer.
    const now = clock.now();
    const { holdings, incomplete } = await venue.holdings();
    const missing: Missing[] = [];
    await signals.refresh().catch((thrown: unknown) => {
      missing.push({ symbol: '*', what: 'signals', why: messageOf(transient(thrown)) });
    });
    const whole = Map.groupBy(holdings, ({ symbol }) => symbol);
    const sick = Map.groupBy(incomplete, ({ symbol }) => symbol);
    for (const symbol of [...whole.keys(), ...sick.keys()]) {
      if (symbols === null || symbols.has(symbol)) this.#symbol(symbol);
    }
    const observing = [...this.#observed.values()].map((one) =>
      one.observe({ holdings: whole.get(one.symbol) ?? NONE, incomplete: sick.get(one.symbol) ?? NONE }, now),
    );
    const seen = await Promise.all(observing);
    this.#forgetQuiet();
    return {
      now,
      reconciled: seen.flatMap(({ reconciled }) => (reconciled === null ? [] : [reconciled])),
      snapshots: seen.flatMap(({ snapshots }) => snapshots),
      missing: [...missing, ...seen.flatMap((one) => one.missing)],
    };
  }

  /** The symbols with a position under observation, or a difference that stands. */
  get symbols(): ReadonlySet<string> {
    return new Set(this.#observed.keys());
  }

  /** SNA-11: follows the positions of these symbols; null: of all. Throws EXCHANGE_AWAY where the venue does not answer with its positions. */
  async follow(symbols: ReadonlySet<string> | null): Promise<FollowedChanges> {
    const { venue, clock } = this.#options;
    const now = clock.now();
    const { holdings, incomplete } = await venue.holdings();
    const asked = [...this.#observed.values()].filter(({ symbol }) => symbols === null || symbols.has(symbol));
    const followed = await Promise.all(
      asked.map(async (one) => {
        const isOf = ({ symbol }: { readonly symbol: string }): boolean => symbol === one.symbol;
        const shown = { holdings: holdings.filter(isOf), incomplete: incomplete.filter(isOf) };
        return { symbol: one.symbol, ...(await one.follow(shown, now)) };
      }),
    );
    this.#forgetQuiet();
    const symbolsThatAre = (state: Followed['state']) =>
      followed.filter((one) => one.state === state).map(({ symbol }) => symbol);
    return {
      now,
      reconciled: followed.flatMap(({ reconciled }) => (reconciled === null ? [] : [reconciled])),
      unchanged: symbolsThatAre('unchanged'),
      unsure: symbolsThatAre('unsure'),
    };
  }

  /** SNA-11: takes a mark price that the venue published between two cycles into peak and worst price. */
  noteMark(symbol: string, price: number): void {
    this.#observed.get(symbol)?.noteMark(price);
  }

  #isOwn({ account, venue, symbol }: { account: string; venue: string; symbol: string }): boolean {
    const { symbols } = this.#options;
    return (
      account === this.#options.account &&
      venue === this.#options.venue.venue &&
      (symbols === null || symbols.has(symbol))
    );
  }

  #symbol(symbol: string): ObservedSymbol {
    let observed = this.#observed.get(symbol);
    if (observed === undefined) {
      const recorded = this.#recordedFills.get(symbol) ?? new RecordedFills();
      this.#recordedFills.set(symbol, recorded);
      observed = new ObservedSymbol(symbol, this.#options, recorded);
      this.#observed.set(symbol, observed);
    }
    return observed;
  }

  #forgetQuiet(): void {
    for (const [symbol, observed] of this.#observed) if (observed.isQuiet) this.#observed.delete(symbol);
  }
}

const NONE: readonly never[] = [];
