/**
 * The open positions of one account at a venue, observed in cycles.
 *
 * reads      a venue (ports/venue.ts): positions with marks on every cycle; fills when a position changed; candles when one
 *            has closed; stops on every cycle. The models' signals. Once, the snapshots and reductions recorded before.
 * gives      position.snapshot records, and position.reconciled where fills or differences are new
 * state      each open position's latest snapshot, the fills already told of, indicators: all recovered after a restart
 * guarantee
 *
 * SNA-5  A position's identity is proven: it is the one observed before, unchanged, or its fills say when it was opened. One whose
 *     opening is out of reach is observed all the same, from when the venue last changed it, and said to be OPENING_UNKNOWN.
 * SNA-6  What is not shown is not taken for closed: a position ends where its fills end it.
 * SNA-7  Every fill that reduced a position under observation is told of, once.
 * SNA-8  A symbol that fails, or that the venue shows in part, costs only itself; what is missing is said, and nothing is made up for it. An order
 *     that is not told costs its fills their record until it is, and no position its snapshot.
 * SNA-9  Fills are no precondition: where they fail or disagree for more than a cycle the venue's own figures are observed all the same, under the
 *     identity of before or, for a position that nobody observed yet, as OPENING_UNKNOWN; and the difference stands beside them. Fills that
 *     disagree are read anew, as what was told may have been false.
 * SNA-10  Old fills hold up no snapshot: they are read piece by piece, and a position that is dated by them keeps its id.
 * SNA-11  Between cycles (`follow`, `noteMark`) only what is under observation already is followed: reductions are told as in a cycle, once, and
 *     marks move the peak. Openings, differences and snapshots are a cycle's.
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import type { PositionReconciled, PositionSnapshot } from '../../schemas/generated/records.ts';
import {
  type Followed,
  type FollowedChanges,
  type Missing,
  type ObservedCycle,
  type PositionSourceOptions,
  transient,
} from './cycle.ts';
import { SymbolWatch } from './symbol-watch.ts';

export class PositionSource {
  readonly #options: PositionSourceOptions;
  readonly #watches = new Map<string, SymbolWatch>();

  constructor(options: PositionSourceOptions) {
    this.#options = options;
  }

  /** Recovers from what was recorded, each topic oldest first. Records of other accounts and venues are passed over. */
  restore(snapshots: Iterable<PositionSnapshot>, reconciled: Iterable<PositionReconciled>): void {
    for (const snapshot of snapshots) if (this.#isOwn(snapshot)) this.#watch(snapshot.symbol).restoreSnapshot(snapshot);
    for (const record of reconciled) if (this.#isOwn(record)) this.#watch(record.symbol).restoreReconciled(record);
    this.#forgetQuiet();
  }

  /** Observes everything once. Throws EXCHANGE_AWAY when the venue does not tell what is open: then nothing is known. */
  async observe(): Promise<ObservedCycle> {
    const { venue, clock, signals, symbols } = this.#options;
    // Before the question: what changes after this moment is looked at again before anybody trades on it.
    const now = clock.now();
    const { holdings, incomplete } = await venue.holdings();
    const missing: Missing[] = [];
    await signals.refresh().catch((thrown: unknown) => {
      missing.push({ symbol: '*', what: 'signals', why: messageOf(transient(thrown)) });
    });
    const whole = Map.groupBy(holdings, ({ symbol }) => symbol);
    const sick = Map.groupBy(incomplete, ({ symbol }) => symbol);
    for (const symbol of [...whole.keys(), ...sick.keys()]) {
      if (symbols === null || symbols.has(symbol)) this.#watch(symbol);
    }
    const looks = [...this.#watches.values()].map((watch) =>
      watch.look({ holdings: whole.get(watch.symbol) ?? NONE, incomplete: sick.get(watch.symbol) ?? NONE }, now),
    );
    const seen = await Promise.all(looks);
    this.#forgetQuiet();
    return {
      now,
      reconciled: seen.flatMap(({ reconciled }) => (reconciled === null ? [] : [reconciled])),
      snapshots: seen.flatMap(({ snapshots }) => snapshots),
      missing: [...missing, ...seen.flatMap((one) => one.missing)],
    };
  }

  /** Those with a position under observation. */
  get symbols(): ReadonlySet<string> {
    return new Set(this.#watches.keys());
  }

  /** SNA-11: what became of positions of these symbols, or of all. Throws EXCHANGE_AWAY when the venue does not tell what is open. */
  async follow(asked: ReadonlySet<string> | null): Promise<FollowedChanges> {
    const { venue, clock } = this.#options;
    const now = clock.now();
    const { holdings, incomplete } = await venue.holdings();
    const watches = [...this.#watches.values()].filter(({ symbol }) => asked === null || asked.has(symbol));
    const followed = await Promise.all(
      watches.map(async (watch) => {
        const isOf = ({ symbol }: { readonly symbol: string }): boolean => symbol === watch.symbol;
        const shown = { holdings: holdings.filter(isOf), incomplete: incomplete.filter(isOf) };
        return { symbol: watch.symbol, ...(await watch.follow(shown, now)) };
      }),
    );
    this.#forgetQuiet();
    const those = (state: Followed['state']) =>
      followed.filter((one) => one.state === state).map(({ symbol }) => symbol);
    return {
      now,
      reconciled: followed.flatMap(({ reconciled }) => (reconciled === null ? [] : [reconciled])),
      unchanged: those('unchanged'),
      unsure: those('unsure'),
    };
  }

  /** SNA-11. */
  noteMark(symbol: string, price: number): void {
    this.#watches.get(symbol)?.noteMark(price);
  }

  #isOwn({ account, venue, symbol }: { account: string; venue: string; symbol: string }): boolean {
    const { symbols } = this.#options;
    return (
      account === this.#options.account &&
      venue === this.#options.venue.venue &&
      (symbols === null || symbols.has(symbol))
    );
  }

  #watch(symbol: string): SymbolWatch {
    let watch = this.#watches.get(symbol);
    if (watch === undefined) this.#watches.set(symbol, (watch = new SymbolWatch(symbol, this.#options)));
    return watch;
  }

  #forgetQuiet(): void {
    for (const [symbol, watch] of this.#watches) if (watch.isQuiet) this.#watches.delete(symbol);
  }
}

const NONE: readonly never[] = [];
