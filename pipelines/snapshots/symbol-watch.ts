import { messageOf } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { Shown, VenueHolding, VenueStops } from '../../ports/venue.ts';
import type {
  FillId,
  ModelSignal,
  PositionId,
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
import { FillLog } from './fill-log.ts';
import { type History, type Known, LISTED_LATE_MS, readHistory } from './history.ts';
import type { Lifecycle } from '../../ports/lifecycles.ts';
import { type Attempt, type Followed, type Missing, type PositionSourceOptions, attempt, transient } from './cycle.ts';
import { OrderOrigins, reductionOf } from './reductions.ts';
import { snapshotOf } from './snapshot.ts';
import { SymbolMarket } from './indicators.ts';
import {
  type Reduced,
  type Watched,
  beginWatching,
  followed,
  isAsBefore,
  knownOf,
  noteMark,
  resumeWatching,
} from './watched-position.ts';

export interface Look {
  readonly reconciled: PositionReconciled | null;
  readonly snapshots: readonly PositionSnapshot[];
  readonly missing: readonly Missing[];
}

/** Old fills that are not told are asked for again after so many looks, twice as many each time. Unit: looks. */
const LONGEST_SEARCH_PAUSE = 32;

/** One symbol of the account: its positions under observation, their fills and its market. */
export class SymbolWatch {
  readonly symbol: string;
  readonly #options: PositionSourceOptions;
  readonly #market: SymbolMarket;
  readonly #watched = new Map<PositionId, Watched>();
  readonly #toldOf = new Set<FillId>();
  /** The last reduction of each, while records are read. */
  readonly #reduced = new Map<PositionId, Reduced>();
  readonly #origins: OrderOrigins;
  readonly #differences = new DifferenceList();
  /** Its fills, as long as they are needed beyond one look. */
  #log: FillLog | null = null;
  #searchPause = { looks: 0, next: 1 };

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
    this.#watched.set(snapshot.position_id, resumeWatching(snapshot, { differences: [], reduced: undefined }));
  }

  restoreReconciled({ reductions, differences, reconciled_at: recordedAt }: PositionReconciled): void {
    for (const { fill_id, position_id, remaining_quantity, closed_at: at } of reductions) {
      this.#toldOf.add(fill_id);
      this.#reduced.set(position_id, { agreed: { at, quantity: remaining_quantity, fills: null }, recordedAt });
      if (remaining_quantity === 0) this.#watched.delete(position_id);
    }
    // The latest record says which differences stand.
    for (const [id, { last }] of this.#watched) {
      if (last === null) continue;
      this.#watched.set(id, resumeWatching(last, { differences, reduced: this.#reduced.get(id) }));
    }
    this.#differences.restore(differences);
    if (this.#watched.size > 0) return;
    this.#toldOf.clear();
    this.#reduced.clear();
  }

  /** Looks at the symbol once, with its open positions now. Fails only where waiting cannot help. */
  async look({ holdings, incomplete }: Shown, now: EpochMillis): Promise<Look> {
    const missing: Missing[] = incomplete.map(({ lacks }) => ({ symbol: this.symbol, what: 'positions', why: lacks }));
    const settled = holdings.filter((holding) => this.#unchanged(holding) !== null);
    const quiet = settled.length === holdings.length && this.#watched.size === holdings.length;
    for (const holding of settled) {
      const watched = this.#unchanged(holding);
      if (watched !== null) watched.agreed = { ...watched.agreed, at: now };
    }
    // A question that is not answered holds up the look, so all are asked at the same time.
    const market = attempt(holdings.length === 0 ? Promise.resolve() : this.#market.update(now));
    const stops = new Map(
      holdings.map(({ side }) => [side, attempt(this.#options.venue.stops(this.symbol, side))] as const),
    );
    let reductions: readonly Reduction[] = [];
    // Fills are held against what is open, which is known in part only.
    let blocking: readonly VenueDifference[] = incomplete.map((one) => incompleteDifference(one, now));
    if ((!quiet || this.#log !== null) && incomplete.length === 0) {
      try {
        const history = await this.#read(holdings, now, !quiet, missing);
        blocking = this.#blocking(history, holdings, now);
        if (blocking.length === 0) reductions = await this.#follow(history, holdings, now);
      } catch (thrown) {
        const why = messageOf(transient(thrown));
        missing.push({ symbol: this.symbol, what: 'fills', why });
        blocking = [DifferenceList.noAnswer(why, now)];
        if (this.#stands('NO_ANSWER')) await this.#beginUnproven(holdings, now);
      }
    }
    // O5: once the fills have had a cycle to catch up, what the venue shows is observed without them.
    const observed =
      blocking.length === 0 ? holdings : holdings.filter((one) => settled.includes(one) || this.#goesOn(one));
    const snapshots = await this.#observe(observed, { market, stops }, now, missing);
    if (blocking.length > 0) this.#distrust(observed.filter((one) => !settled.includes(one)));
    const unproven = this.#known().filter(({ proven }) => !proven);
    if (blocking.length === 0 && !this.#known().some(({ isSought }) => isSought)) this.#log = null;
    const news = this.#differences.replace([...blocking, ...unproven.map(unprovenDifference)]);
    return { reconciled: news || reductions.length > 0 ? this.#reconciled(reductions, now) : null, snapshots, missing };
  }

  /** O7: follows positions under observation through their fills, and does nothing else. Fails only where waiting cannot help. */
  async follow({ holdings, incomplete }: Shown, now: EpochMillis): Promise<Followed> {
    if (this.#watched.size === 0) return { state: 'followed', reconciled: null };
    if (incomplete.length > 0) return { state: 'unsure', reconciled: null };
    const isUnchanged = holdings.every((holding) => this.#unchanged(holding) !== null);
    if (isUnchanged && this.#watched.size === holdings.length) return { state: 'unchanged', reconciled: null };
    const log = this.#log ?? new FillLog(this.symbol, this.#options.venue);
    this.#origins.beginLook();
    try {
      const newest = { isChanged: true, maySearch: false };
      const { history } = await readHistory(log, this.#known(), holdings, now, newest);
      if (history.unexplained.length > 0) return { state: 'unsure', reconciled: null };
      const reductions = await this.#follow({ ...history, fresh: [], unopened: [] }, holdings, now);
      return { state: 'followed', reconciled: reductions.length > 0 ? this.#reconciled(reductions, now) : null };
    } catch (thrown) {
      transient(thrown);
      return { state: 'unsure', reconciled: null };
    }
  }

  /** O7: a mark price that the venue told between two observations. */
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
    const pause = this.#searchPause;
    const maySearch = pause.looks === 0;
    if (!maySearch) pause.looks -= 1;
    const { history, goesOn, failure } = await readHistory(log, this.#known(), holdings, now, { isChanged, maySearch });
    if (failure !== null) {
      missing.push({ symbol: this.symbol, what: 'fills', why: messageOf(transient(failure)) });
      this.#searchPause = { looks: pause.next, next: Math.min(2 * pause.next, LONGEST_SEARCH_PAUSE) };
    } else if (maySearch) this.#searchPause = { looks: 0, next: 1 };
    if (!goesOn) for (const watched of this.#watched.values()) watched.isSought = false;
    return history;
  }

  /** O1: the position under observation that a holding still is, without asking for fills. */
  #unchanged(holding: VenueHolding): Watched | null {
    const own = [...this.#watched.values()].filter(({ side }) => side === holding.side);
    const [watched] = own;
    return watched !== undefined && own.length === 1 && isAsBefore(watched, holding) ? watched : null;
  }

  #stands(kind: VenueDifference['kind']): boolean {
    return this.#differences.standing.some((difference) => difference.kind === kind);
  }

  /** O5: the position under observation that a holding must still be, though its fills do not say so. */
  #goesOn({ side }: VenueHolding): boolean {
    const own = [...this.#watched.values()].filter((watched) => watched.side === side);
    return own.length === 1 && (this.#stands('FILLS_DISAGREE') || this.#stands('NO_ANSWER'));
  }

  /** O5: its fills are asked for again in the next cycle, whatever the venue shows then. */
  #distrust(holdings: readonly VenueHolding[]): void {
    for (const watched of this.#watched.values()) {
      if (holdings.some(({ side }) => side === watched.side)) watched.holding = null;
    }
  }

  async #beginUnproven(holdings: readonly VenueHolding[], now: EpochMillis): Promise<void> {
    for (const holding of holdings) {
      if ([...this.#watched.values()].some(({ side }) => side === holding.side)) continue;
      await this.#begin(holding, holding.updatedAt ?? now, Number(holding.quantity), false);
    }
  }

  #known(): readonly Known[] {
    return [...this.#watched.values()].map((watched) => knownOf(watched, this.#toldOf, this.#differences.standing));
  }

  /** What stands in the way of believing the fills. Late ones may still open what is shown, so that is said first. */
  #blocking(history: History, holdings: readonly VenueHolding[], now: EpochMillis): readonly VenueDifference[] {
    const late = history.untold.filter(({ updatedAt }) => updatedAt === null || now - updatedAt < LISTED_LATE_MS);
    const first = late.map((holding) => unopenedDifference(holding, now));
    const unexplained = unexplainedDifferences(history, holdings, now);
    return [...unexplained, ...first.filter((difference) => !this.#differences.includes(difference))];
  }

  /** Follows the positions through their fills: who is open now, who ended, and what reduced them. */
  async #follow(
    { followed: explained, fresh, unopened }: History,
    holdings: readonly VenueHolding[],
    now: EpochMillis,
  ): Promise<readonly Reduction[]> {
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
    for (const { watched, lifecycle } of told) {
      reductions.push(...(await this.#reductionsOf(watched, lifecycle)));
    }
    // What they agree on holds from the moment on in which it is told.
    for (const { fill_id } of reductions) this.#toldOf.add(fill_id);
    for (const { watched, lifecycle } of told) {
      const { position_id: id } = watched.identity;
      if (lifecycle.quantity.isZero()) this.#watched.delete(id);
      else this.#watched.set(id, watched);
    }
    if (this.#watched.size === 0) this.#toldOf.clear();
    return reductions.toSorted((one, other) => one.closed_at - other.closed_at);
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
      const watched = [...this.#watched.values()].find(({ side }) => side === holding.side);
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
