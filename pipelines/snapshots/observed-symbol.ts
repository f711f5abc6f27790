/**
 * One symbol of the account: its positions under observation, their fills and its market. The invariants that it keeps are stated in
 * position-observer.ts.
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { Lifecycle } from '../../ports/lifecycles.ts';
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
  type Attempt,
  type Followed,
  type Missing,
  type PositionObserverOptions,
  attempt,
  transient,
} from './cycle.ts';
import {
  DifferenceList,
  incompleteDifference,
  isAwaited,
  unexplainedDifferences,
  unknownOpeningDifference,
  unopenedDifference,
} from './differences.ts';
import { FillHistory } from './fill-history.ts';
import { SymbolMarket } from './indicators.ts';
import type { FillMatch, KnownPosition } from './match-fills.ts';
import {
  type ObservedPosition,
  ObservedPositions,
  newPosition,
  noteMark,
  updatedByFills,
} from './observed-positions.ts';
import type { RecordedFills } from './recorded-fills.ts';
import { OrderOrigins, entryPricesOf, reductionOf } from './reductions.ts';
import { snapshotOf } from './snapshot.ts';

/** What one observation of a symbol found. */
interface SymbolObservation {
  /** Null: there is nothing new to record. */
  readonly reconciled: PositionReconciled | null;
  readonly snapshots: readonly PositionSnapshot[];
  readonly missing: readonly Missing[];
}

/** A position that its fills have brought up to now. */
interface Updated {
  readonly position: ObservedPosition;
  readonly lifecycle: Lifecycle;
  /** After each of its fills. Unit: quote currency per contract. */
  readonly entryPrices: ReadonlyMap<FillId, number>;
}

/** Differences that mean that the fills cannot be relied on. */
const DOUBTS: ReadonlySet<VenueDifference['kind']> = new Set(['NO_ANSWER', 'FILLS_DISAGREE', 'NOT_SHOWN']);

export class ObservedSymbol {
  readonly symbol: string;
  readonly #options: PositionObserverOptions;
  readonly #market: SymbolMarket;
  readonly #positions = new ObservedPositions();
  readonly #fills: FillHistory;
  readonly #recordedFills: RecordedFills;
  readonly #origins: OrderOrigins;
  readonly #differences = new DifferenceList();
  /** What has been waited for since the latest observation, as it was shown then. */
  #awaited: readonly VenueHolding[] = [];

  constructor(symbol: string, options: PositionObserverOptions, recordedFills: RecordedFills) {
    this.symbol = symbol;
    this.#options = options;
    this.#recordedFills = recordedFills;
    this.#market = new SymbolMarket(symbol, options.venue);
    this.#fills = new FillHistory(symbol, options.venue);
    this.#origins = new OrderOrigins(symbol, options.venue);
  }

  /** True where no position is under observation and no difference stands. */
  get isQuiet(): boolean {
    return this.#positions.size === 0 && this.#differences.isEmpty;
  }

  restoreSnapshot(snapshot: PositionSnapshot): void {
    this.#positions.restoreSnapshot(snapshot);
  }

  restoreReconciled(record: PositionReconciled): void {
    this.#recordedFills.note(record.reductions, record.reconciled_at);
    this.#positions.restoreReconciled(record);
    this.#differences.restore(record.differences);
  }

  /** Observes the symbol once, given its open positions now. Throws no transient error. */
  async observe({ holdings, incomplete }: Shown, now: EpochMillis): Promise<SymbolObservation> {
    const missing: Missing[] = incomplete.map(({ lacks }) => ({ symbol: this.symbol, what: 'positions', why: lacks }));
    const unchanged = holdings.filter((holding) => this.#positions.unchanged(holding) !== null);
    const isUnchanged = unchanged.length === holdings.length && this.#positions.size === holdings.length;
    for (const holding of unchanged) {
      const position = this.#positions.unchanged(holding);
      if (position !== null) position.agreed = { ...position.agreed, at: now };
    }
    // An unanswered request delays the observation until it times out, so all are made at the same time.
    const market = attempt(holdings.length === 0 ? Promise.resolve() : this.#market.update(now));
    const stops = new Map(
      holdings.map(({ side }) => [side, attempt(this.#options.venue.stops(this.symbol, side))] as const),
    );
    let reductions: readonly Reduction[] = [];
    // SNA-7, SNA-8: orders behind fills may not be answered; what is open is known from the fills all the same.
    let unattributed: readonly VenueDifference[] = [];
    // Fills are compared with what is open, so they prove nothing where that is known in part only.
    let blocking: readonly VenueDifference[] = incomplete.map((one) => incompleteDifference(one, now));
    let late: readonly VenueHolding[] = [];
    if ((!isUnchanged || this.#fills.isHeld) && incomplete.length === 0) {
      try {
        const match = await this.#readFills(holdings, now, !isUnchanged, missing);
        late = match.late;
        blocking = this.#blocking(match, holdings, now);
        if (blocking.length === 0) {
          const followed = await this.#followFills(match, holdings, now);
          reductions = followed.reductions;
          if (followed.failure !== null) {
            const why = messageOf(transient(followed.failure));
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
    if (blocking.length > 0 && this.#isDoubted()) await this.#addWithoutOpening(holdings, now);
    const observed =
      blocking.length === 0 ? holdings : holdings.filter((one) => unchanged.includes(one) || this.#goesOn(one));
    const snapshots = await this.#snapshots(observed, { market, stops }, now, missing);
    if (blocking.length > 0) this.#positions.distrust(observed.filter((one) => !unchanged.includes(one)));
    this.#positions.distrust(unattributed.length > 0 ? holdings : late);
    this.#awaited = blocking.some(isAwaited) ? late : [];
    const known = this.#known();
    if (blocking.length + unattributed.length === 0 && !known.some(({ openingSought }) => openingSought))
      this.#fills.forget();
    const undated = known.filter(({ openingKnown }) => !openingKnown);
    const isNew = this.#differences.replace([...blocking, ...unattributed, ...undated.map(unknownOpeningDifference)]);
    const reconciled = isNew || reductions.length > 0 ? this.#reconciled(reductions, now) : null;
    return { reconciled, snapshots, missing };
  }

  /** SNA-11: follows positions through their fills, where any is under observation. Throws no transient error. */
  async follow({ holdings, incomplete }: Shown, now: EpochMillis): Promise<Followed> {
    if (this.#positions.size === 0) return { state: 'followed', reconciled: null };
    if (incomplete.length > 0) return { state: 'unsure', reconciled: null };
    const isUnchanged = holdings.every((holding) => this.#positions.unchanged(holding) !== null);
    if (isUnchanged && this.#positions.size === holdings.length) return { state: 'unchanged', reconciled: null };
    this.#origins.beginObservation();
    try {
      const match = await this.#fills.readNewest(this.#known(), holdings, now);
      if (match.unexplained.length > 0) return { state: 'unsure', reconciled: null };
      const { reductions, failure } = await this.#followFills({ ...match, unopened: [] }, holdings, now);
      const state = failure === null ? 'followed' : 'unsure';
      return { state, reconciled: reductions.length > 0 ? this.#reconciled(reductions, now) : null };
    } catch (thrown) {
      transient(thrown);
      return { state: 'unsure', reconciled: null };
    }
  }

  /** SNA-11: takes a mark price that the venue published between two observations into peak and worst price. */
  noteMark(price: number): void {
    for (const position of this.#positions.values()) noteMark(position, price);
  }

  /** Reads the fills as far as the positions need them. */
  async #readFills(
    holdings: readonly VenueHolding[],
    now: EpochMillis,
    isChanged: boolean,
    missing: Missing[],
  ): Promise<FillMatch> {
    this.#origins.beginObservation();
    const { match, isComplete, failure } = await this.#fills.read(this.#known(), holdings, now, isChanged);
    if (failure !== null) missing.push({ symbol: this.symbol, what: 'fills', why: messageOf(transient(failure)) });
    const isLate = (side: Side): boolean => match.late.some((holding) => holding.side === side);
    if (isComplete) for (const position of this.#positions.values()) position.openingSought &&= isLate(position.side);
    return match;
  }

  /** SNA-9: the fills failed, disagreed or were late in the observation before as well. */
  #isDoubted(): boolean {
    return this.#differences.standing.some((one) => DOUBTS.has(one.kind) || isAwaited(one));
  }

  /** SNA-9: the holding must still be the one position under observation, though its fills do not say so. */
  #goesOn({ side }: VenueHolding): boolean {
    return this.#positions.openOn(side).length === 1 && this.#isDoubted();
  }

  async #addWithoutOpening(holdings: readonly VenueHolding[], now: EpochMillis): Promise<void> {
    for (const holding of holdings) {
      if (this.#positions.openOn(holding.side).length > 0) continue;
      // It may have grown since.
      const first = this.#awaited.find(({ side }) => side === holding.side) ?? holding;
      await this.#add(first, first.updatedAt ?? now, Number(first.quantity), false);
    }
  }

  #known(): readonly KnownPosition[] {
    return this.#positions.known(this.#recordedFills, this.#differences.standing);
  }

  /** Why the fills cannot be believed. A holding whose fills are late is waited for once. */
  #blocking(match: FillMatch, holdings: readonly VenueHolding[], now: EpochMillis): readonly VenueDifference[] {
    const late = this.#isDoubted() ? [] : match.unopened.filter((holding) => match.late.includes(holding));
    const unopened = late.map((holding) => unopenedDifference(holding, now));
    const unexplained = unexplainedDifferences(match, holdings, now);
    return [...unexplained, ...unopened];
  }

  /**
   * Brings the positions up to their fills: which are open now, which ended, and what reduced them. Where the order of a fill is not answered
   * the reductions of its position are recorded later, and `failure` says why.
   */
  async #followFills(
    { followed, fresh, unopened }: FillMatch,
    holdings: readonly VenueHolding[],
    now: EpochMillis,
  ): Promise<{ readonly reductions: readonly Reduction[]; readonly failure: unknown }> {
    const updated: Updated[] = [];
    const update = (position: ObservedPosition, lifecycle: Lifecycle): void => {
      const { after, latest } = entryPricesOf(position, lifecycle);
      updated.push({ position: updatedByFills(position, lifecycle, latest, now), lifecycle, entryPrices: after });
    };
    for (const [id, lifecycle] of followed) {
      const position = this.#positions.get(id);
      if (position !== undefined) update(position, lifecycle);
    }
    for (const lifecycle of fresh.filter((one) => one.quantity.gt(0) || this.#positions.wasOpenedSince(one))) {
      const { opening, side, quantity, initialQuantity } = lifecycle;
      if (opening === null) continue;
      const holding = quantity.gt(0) ? holdings.find((one) => one.side === side) : undefined;
      const entryPrice = holding?.entryPrice ?? opening.entryPrice.toFixed();
      update(await this.#add({ side, entryPrice }, opening.at, initialQuantity.toNumber(), true), lifecycle);
    }
    const reductions: Reduction[] = [];
    let failure: unknown = null;
    for (const one of updated) {
      const { position } = one;
      const { position_id: id } = position.identity;
      try {
        reductions.push(...(await this.#reductionsOf(one)));
        if (position.isOver) this.#positions.delete(id);
        else this.#positions.set(id, position);
      } catch (thrown) {
        failure = transient(thrown);
        // The agreement counts from when its reductions are recorded.
        this.#positions.set(id, { ...position, agreed: this.#positions.get(id)?.agreed ?? position.agreed });
      }
    }
    // After those that ended: an open position of its side would be taken for it.
    await this.#addWithoutOpening(unopened, now);
    this.#recordedFills.note(reductions, now);
    return { reductions: reductions.toSorted((one, other) => one.closed_at - other.closed_at), failure };
  }

  async #add(
    opened: Pick<VenueHolding, 'side' | 'entryPrice'>,
    at: EpochMillis,
    initialQuantity: number,
    openingKnown: boolean,
  ): Promise<ObservedPosition> {
    const { account, signals } = this.#options;
    const { side } = opened;
    const id = positionIdOf(account, this.symbol, side, at);
    // The models' signal at an unknown moment is unknown, too.
    const signal = openingKnown ? await signals.at(account, this.symbol, at) : null;
    const position = newPosition({ id, account, at, initialQuantity, openingKnown }, opened, signal);
    this.#positions.set(id, position);
    return position;
  }

  async #reductionsOf({ position, lifecycle, entryPrices }: Updated): Promise<readonly Reduction[]> {
    const reductions: Reduction[] = [];
    for (const reducing of lifecycle.reductions) {
      const { fillId, orderId } = reducing.fill;
      if (this.#recordedFills.has(fillId)) continue;
      const origin = await this.#origins.of(orderId);
      const entryPrice = entryPrices.get(fillId) ?? position.agreed.entryPrice;
      reductions.push(reductionOf({ ...position, reducing, entryPrice, origin }));
    }
    return reductions;
  }

  async #snapshots(
    holdings: readonly VenueHolding[],
    asked: { readonly market: Promise<Attempt<void>>; readonly stops: ReadonlyMap<Side, Promise<Attempt<VenueStops>>> },
    now: EpochMillis,
    missing: Missing[],
  ): Promise<readonly PositionSnapshot[]> {
    const { venue, account, signals } = this.#options;
    const answerOf = <T>({ value, thrown }: Attempt<T>, what: Missing['what']): T | null => {
      if (thrown === null) return value;
      missing.push({ symbol: this.symbol, what, why: messageOf(transient(thrown)) });
      return null;
    };
    const market = await asked.market;
    if (holdings.length === 0) return [];
    answerOf(market, 'candles');
    const signal: ModelSignal | null = signals.latest(account, this.symbol, now);
    const snapshots: PositionSnapshot[] = [];
    for (const holding of holdings) {
      const [position] = this.#positions.openOn(holding.side);
      const stops = await asked.stops.get(holding.side);
      if (position === undefined || stops === undefined) continue;
      const snapshot = snapshotOf(holding, position.identity, position.memory, {
        // The venue's clock is measured, and off by some milliseconds: no position is observed before its opening.
        now: Math.max(now, position.identity.opened_at),
        venue: venue.venue,
        signal,
        stops: answerOf(stops, 'stops'),
        regime: this.#market.regime(now),
        volatilityGradient: this.#market.volatilityGradient(now),
      });
      position.memory = snapshot;
      position.last = snapshot;
      position.holding = holding;
      position.openAt = holding.updatedAt;
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
