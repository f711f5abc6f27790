import { messageOf } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { Shown, VenueHolding, VenueStops } from '../../ports/venue.ts';
import type {
  FillId,
  ModelSignal,
  PositionReconciled,
  PositionSnapshot,
  Reduction,
  Side,
  VenueDifference,
} from '../../schemas/generated/records.ts';
import { positionIdOf } from '../../schemas/ids.ts';
import {
  DifferenceList,
  incompleteDifference,
  unexplainedDifferences,
  unopenedDifference,
  unprovenDifference,
} from './differences.ts';
import { FillLog, LookPause } from './fill-log.ts';
import { type History, type Known, LISTED_LATE_MS, readHistory } from './history.ts';
import type { Lifecycle } from '../../ports/lifecycles.ts';
import { type Attempt, type Followed, type Missing, type PositionSourceOptions, attempt, transient } from './cycle.ts';
import { OrderOrigins, reductionOf } from './reductions.ts';
import { snapshotOf } from './snapshot.ts';
import { SymbolMarket } from './indicators.ts';
import { type Watched, beginWatching, followed, noteMark, WatchedPositions } from './observed-positions.ts';

export interface Look {
  readonly reconciled: PositionReconciled | null;
  readonly snapshots: readonly PositionSnapshot[];
  readonly missing: readonly Missing[];
}

/** What says that the fills cannot be relied on. */
const DOUBTS: ReadonlySet<VenueDifference['kind']> = new Set(['NO_ANSWER', 'FILLS_DISAGREE', 'NOT_SHOWN']);

/** One symbol of the account: its positions under observation, their fills and its market. */
export class SymbolWatch {
  readonly symbol: string;
  readonly #options: PositionSourceOptions;
  readonly #market: SymbolMarket;
  readonly #watched = new WatchedPositions();
  readonly #toldOf = new Set<FillId>();
  readonly #origins: OrderOrigins;
  readonly #differences = new DifferenceList();
  /** Its fills, as long as they are needed beyond one look. */
  #log: FillLog | null = null;
  /** Of asking for old fills that are not told, and of reading all anew that do not agree. */
  readonly #searchPause = new LookPause();
  readonly #rereadPause = new LookPause();

  constructor(symbol: string, options: PositionSourceOptions) {
    this.symbol = symbol;
    this.#options = options;
    this.#market = new SymbolMarket(symbol, options.venue);
    this.#origins = new OrderOrigins(symbol, options.venue);
  }

  /** Nothing is under observation, and nothing stands to be said. */
  get isQuiet(): boolean {
    return this.#watched.size === 0 && this.#differences.isEmpty;
  }

  restoreSnapshot(snapshot: PositionSnapshot): void {
    this.#watched.restoreSnapshot(snapshot);
  }

  restoreReconciled(record: PositionReconciled): void {
    for (const { fill_id } of record.reductions) this.#toldOf.add(fill_id);
    this.#watched.restoreReconciled(record);
    this.#differences.restore(record.differences);
    if (this.#watched.size === 0) this.#toldOf.clear();
  }

  /** Looks at the symbol once, with its open positions now. Fails only where waiting cannot help. */
  async look({ holdings, incomplete }: Shown, now: EpochMillis): Promise<Look> {
    const missing: Missing[] = incomplete.map(({ lacks }) => ({ symbol: this.symbol, what: 'positions', why: lacks }));
    const settled = holdings.filter((holding) => this.#watched.unchanged(holding) !== null);
    const quiet = settled.length === holdings.length && this.#watched.size === holdings.length;
    for (const holding of settled) {
      const watched = this.#watched.unchanged(holding);
      if (watched !== null) watched.agreed = { ...watched.agreed, at: now };
    }
    // A question that is not answered holds up the look, so all are asked at the same time.
    const market = attempt(holdings.length === 0 ? Promise.resolve() : this.#market.update(now));
    const stops = new Map(
      holdings.map(({ side }) => [side, attempt(this.#options.venue.stops(this.symbol, side))] as const),
    );
    let reductions: readonly Reduction[] = [];
    // SNA-7, SNA-8: where fills came from may not be told; what is open is known from them all the same.
    let unattributed: readonly VenueDifference[] = [];
    // Fills are held against what is open, which is known in part only.
    let blocking: readonly VenueDifference[] = incomplete.map((one) => incompleteDifference(one, now));
    if ((!quiet || this.#log !== null) && incomplete.length === 0) {
      try {
        const history = await this.#read(holdings, now, !quiet, missing);
        blocking = this.#blocking(history, holdings, now);
        if (blocking.length === 0) {
          const told = await this.#follow(history, holdings, now);
          reductions = told.reductions;
          if (told.failure !== null) {
            const why = messageOf(transient(told.failure));
            missing.push({ symbol: this.symbol, what: 'fills', why });
            unattributed = [DifferenceList.noAnswer(why, now)];
          }
        }
      } catch (thrown) {
        const why = messageOf(transient(thrown));
        missing.push({ symbol: this.symbol, what: 'fills', why });
        blocking = [DifferenceList.noAnswer(why, now)];
      }
    }
    // SNA-9: once the fills have had a cycle to catch up, what the venue shows is observed without them.
    if (blocking.length > 0 && this.#isDoubted()) await this.#beginUnproven(holdings, now);
    const observed =
      blocking.length === 0 ? holdings : holdings.filter((one) => settled.includes(one) || this.#goesOn(one));
    const snapshots = await this.#observe(observed, { market, stops }, now, missing);
    if (blocking.length > 0) this.#watched.distrust(observed.filter((one) => !settled.includes(one)));
    if (unattributed.length > 0) this.#watched.distrust(holdings);
    const unproven = this.#known().filter(({ proven }) => !proven);
    if (blocking.length + unattributed.length === 0 && !this.#known().some(({ isSought }) => isSought))
      this.#log = null;
    const news = this.#differences.replace([...blocking, ...unattributed, ...unproven.map(unprovenDifference)]);
    return { reconciled: news || reductions.length > 0 ? this.#reconciled(reductions, now) : null, snapshots, missing };
  }

  /** SNA-11: follows positions under observation through their fills, and does nothing else. Fails only where waiting cannot help. */
  async follow({ holdings, incomplete }: Shown, now: EpochMillis): Promise<Followed> {
    if (this.#watched.size === 0) return { state: 'followed', reconciled: null };
    if (incomplete.length > 0) return { state: 'unsure', reconciled: null };
    const isUnchanged = holdings.every((holding) => this.#watched.unchanged(holding) !== null);
    if (isUnchanged && this.#watched.size === holdings.length) return { state: 'unchanged', reconciled: null };
    const log = this.#log ?? new FillLog(this.symbol, this.#options.venue);
    this.#origins.beginLook();
    try {
      const newest = { isChanged: true, maySearch: false };
      const { history } = await readHistory(log, this.#known(), holdings, now, newest);
      if (history.unexplained.length > 0) return { state: 'unsure', reconciled: null };
      const { reductions, failure } = await this.#follow({ ...history, fresh: [], unopened: [] }, holdings, now);
      const state = failure === null ? 'followed' : 'unsure';
      return { state, reconciled: reductions.length > 0 ? this.#reconciled(reductions, now) : null };
    } catch (thrown) {
      transient(thrown);
      return { state: 'unsure', reconciled: null };
    }
  }

  /** SNA-11: a mark price that the venue told between two observations. */
  noteMark(price: number): void {
    for (const watched of this.#watched.values()) noteMark(watched, price);
  }

  /** The fills as far as they are needed and told, older ones piece by piece. */
  async #read(
    holdings: readonly VenueHolding[],
    now: EpochMillis,
    isChanged: boolean,
    missing: Missing[],
  ): Promise<History> {
    const log = (this.#log ??= new FillLog(this.symbol, this.#options.venue));
    this.#origins.beginLook();
    const maySearch = this.#searchPause.isOver();
    const { history, goesOn, failure } = await readHistory(log, this.#known(), holdings, now, {
      isChanged,
      maySearch,
    });
    if (failure !== null) {
      missing.push({ symbol: this.symbol, what: 'fills', why: messageOf(transient(failure)) });
      this.#searchPause.failed();
    } else if (maySearch) this.#searchPause.succeeded();
    // What was told may have been false, or there only in part.
    if (history.unexplained.length === 0) this.#rereadPause.succeeded();
    else if (!goesOn && this.#rereadPause.isOver()) {
      this.#log = null;
      this.#rereadPause.failed();
    }
    if (!goesOn) for (const watched of this.#watched.values()) watched.isSought = false;
    return history;
  }

  /** SNA-9: the fills failed or disagreed in the look before as well. */
  #isDoubted(): boolean {
    return this.#differences.standing.some(({ kind }) => DOUBTS.has(kind));
  }

  /** SNA-9: the position under observation that a holding must still be, though its fills do not say so. */
  #goesOn({ side }: VenueHolding): boolean {
    return this.#watched.openOn(side).length === 1 && this.#isDoubted();
  }

  async #beginUnproven(holdings: readonly VenueHolding[], now: EpochMillis): Promise<void> {
    for (const holding of holdings) {
      if (this.#watched.openOn(holding.side).length > 0) continue;
      await this.#begin(holding, holding.updatedAt ?? now, Number(holding.quantity), false);
    }
  }

  #known(): readonly Known[] {
    return this.#watched.known(this.#toldOf, this.#differences.standing);
  }

  /** What stands in the way of believing the fills. Late ones may still open what is shown, so that is said first. */
  #blocking(history: History, holdings: readonly VenueHolding[], now: EpochMillis): readonly VenueDifference[] {
    const late = history.untold.filter(({ updatedAt }) => updatedAt === null || now - updatedAt < LISTED_LATE_MS);
    const first = late.map((holding) => unopenedDifference(holding, now));
    const unexplained = unexplainedDifferences(history, holdings, now);
    return [...unexplained, ...first.filter((difference) => !this.#differences.includes(difference))];
  }

  /**
   * Follows the positions through their fills: who is open now, who ended, and what reduced them. Reductions of a position of which one
   * cannot be attributed yet are recorded later, and `failure` says why.
   */
  async #follow(
    { followed: explained, fresh, unopened }: History,
    holdings: readonly VenueHolding[],
    now: EpochMillis,
  ): Promise<{ readonly reductions: readonly Reduction[]; readonly failure: unknown }> {
    const since = Math.min(...[...this.#watched.values()].map(({ last }) => last?.observed_at ?? Infinity));
    const told: { watched: Watched; lifecycle: Lifecycle }[] = [];
    for (const [id, lifecycle] of explained) {
      const watched = this.#watched.get(id);
      if (watched === undefined) continue;
      told.push({ watched: followed(watched, lifecycle, now), lifecycle });
    }
    for (const lifecycle of fresh) {
      const { opening, side, quantity, initialQuantity } = lifecycle;
      // What was over before anybody looked is nobody's concern.
      if (opening === null || (quantity.isZero() && opening.at <= since)) continue;
      const holding = holdings.find((one) => one.side === side);
      const entryPrice = holding?.entryPrice ?? opening.entryPrice.toFixed();
      const watched = await this.#begin({ side, entryPrice }, opening.at, initialQuantity.toNumber(), true);
      told.push({ watched: followed(watched, lifecycle, now), lifecycle });
    }
    await this.#beginUnproven(unopened, now);
    const reductions: Reduction[] = [];
    let failure: unknown = null;
    for (const { watched, lifecycle } of told) {
      const { position_id: id } = watched.identity;
      try {
        reductions.push(...(await this.#reductionsOf(watched, lifecycle)));
        if (watched.isOver) this.#watched.delete(id);
        else this.#watched.set(id, watched);
      } catch (thrown) {
        failure = transient(thrown);
        // What they agree on holds from the moment on in which it is told.
        this.#watched.set(id, { ...watched, agreed: this.#watched.get(id)?.agreed ?? watched.agreed });
      }
    }
    for (const { fill_id } of reductions) this.#toldOf.add(fill_id);
    if (this.#watched.size === 0) this.#toldOf.clear();
    return { reductions: reductions.toSorted((one, other) => one.closed_at - other.closed_at), failure };
  }

  async #begin(
    opened: Pick<VenueHolding, 'side' | 'entryPrice'>,
    at: EpochMillis,
    initialQuantity: number,
    proven: boolean,
  ): Promise<Watched> {
    const { account, signals } = this.#options;
    const { side } = opened;
    const id = positionIdOf(account, this.symbol, side, at);
    // What the models said at an unknown moment is unknown too.
    const signal = proven ? await signals.at(account, this.symbol, at) : null;
    const watched = beginWatching({ id, account, at, initialQuantity, proven }, opened, signal);
    this.#watched.set(id, watched);
    return watched;
  }

  async #reductionsOf(watched: Watched, lifecycle: Lifecycle): Promise<readonly Reduction[]> {
    const reductions: Reduction[] = [];
    for (const reducing of lifecycle.reductions) {
      const { fillId, orderId } = reducing.fill;
      if (this.#toldOf.has(fillId)) continue;
      const origin = await this.#origins.of(orderId);
      reductions.push(reductionOf({ ...watched, reducing, opening: lifecycle.opening, origin }));
    }
    return reductions;
  }

  async #observe(
    holdings: readonly VenueHolding[],
    asked: { readonly market: Promise<Attempt<void>>; readonly stops: ReadonlyMap<Side, Promise<Attempt<VenueStops>>> },
    now: EpochMillis,
    missing: Missing[],
  ): Promise<readonly PositionSnapshot[]> {
    const { venue, account, signals } = this.#options;
    const answered = <T>({ value, thrown }: Attempt<T>, what: Missing['what']): T | null => {
      if (thrown === null) return value;
      missing.push({ symbol: this.symbol, what, why: messageOf(transient(thrown)) });
      return null;
    };
    const market = await asked.market;
    if (holdings.length === 0) return [];
    answered(market, 'candles');
    const signal: ModelSignal | null = signals.latest(account, this.symbol, now);
    const snapshots: PositionSnapshot[] = [];
    for (const holding of holdings) {
      const [watched] = this.#watched.openOn(holding.side);
      const stops = await asked.stops.get(holding.side);
      if (watched === undefined || stops === undefined) continue;
      const snapshot = snapshotOf(holding, watched.identity, watched.memory, {
        // The venue's clock is measured, to some milliseconds: what it says it opened is not observed before that.
        now: Math.max(now, watched.identity.opened_at),
        venue: venue.venue,
        signal,
        stops: answered(stops, 'stops'),
        regime: this.#market.regime(now),
        volatilityGradient: this.#market.volatilityGradient(now),
      });
      watched.memory = snapshot;
      watched.last = snapshot;
      watched.holding = holding;
      snapshots.push(snapshot);
    }
    return snapshots;
  }

  #reconciled(reductions: readonly Reduction[], now: EpochMillis): PositionReconciled {
    const { account, venue } = this.#options;
    const differences = this.#differences.standing;
    return { account, venue: venue.venue, symbol: this.symbol, reconciled_at: now, reductions, differences };
  }
}
