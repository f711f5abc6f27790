import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { OrderOrigin, Shown, VenueHolding, VenueStops } from '../../ports/venue.ts';
import type {
  FillId,
  ModelSignal,
  OrderId,
  PositionId,
  PositionReconciled,
  PositionSnapshot,
  Reduction,
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
import { type History, type Known, readHistory } from './history.ts';
import type { Lifecycle } from './lifecycles.ts';
import { type Missing, type PositionSourceOptions, transient } from './observed-cycle.ts';
import { better, worstPrice } from './observation.ts';
import { reductionOf } from './reduction.ts';
import { firstMemory, type Identity, type Memory, snapshotOf } from './snapshot.ts';
import { SymbolMarket } from './symbol-market.ts';

/** A position under observation. */
interface Watched {
  readonly identity: Identity;
  /** False: nobody knows when it was opened, and it counts from when the venue last changed it. */
  readonly proven: boolean;
  readonly side: VenueHolding['side'];
  memory: Memory;
  /** Its latest snapshot; null before the first. */
  last: PositionSnapshot | null;
  /** The holding as it was then; null after a restart. */
  holding: VenueHolding | null;
}

/**
 * What a look between cycles came to: `followed`: the fills explain what is open; `unchanged`: it is as it was observed; `unsure`: the fills
 * are behind, or there was no answer.
 */
export interface Followed {
  readonly state: 'followed' | 'unchanged' | 'unsure';
  readonly reconciled: PositionReconciled | null;
}

export interface Look {
  readonly reconciled: PositionReconciled | null;
  readonly snapshots: readonly PositionSnapshot[];
  readonly missing: readonly Missing[];
}

/** A peak stays for good, so a mark that was told is taken only this near to one that was answered. Unit: factor. */
const PLAUSIBLE = 2;

/** A venue's list of fills may be behind its list of positions by less than this. Unit: milliseconds. */
const FILLS_LATE_MS = 60_000;

/** So often in a row a venue denies an order only if it has forgotten it. Unit: looks. */
const DENIALS_BELIEVED = 3;

/** One symbol of the account: its positions under observation, their fills and its market. */
export class SymbolWatch {
  readonly symbol: string;
  readonly #options: PositionSourceOptions;
  readonly #market: SymbolMarket;
  readonly #watched = new Map<PositionId, Watched>();
  readonly #toldOf = new Set<FillId>();
  readonly #origins = new Map<OrderId, OrderOrigin>();
  readonly #denials = new Map<OrderId, number>();
  readonly #differences = new DifferenceList();

  constructor(symbol: string, options: PositionSourceOptions) {
    this.symbol = symbol;
    this.#options = options;
    this.#market = new SymbolMarket(symbol, options.venue);
  }

  /** Nothing is under observation, and nothing stands to be said. */
  get isQuiet(): boolean {
    return this.#watched.size === 0 && this.#differences.isEmpty;
  }

  restoreSnapshot(snapshot: PositionSnapshot): void {
    const { position_id, account, opened_at, initial_quantity, side } = snapshot;
    const identity = { position_id, account, opened_at, initial_quantity };
    this.#watched.set(position_id, { identity, proven: true, side, memory: snapshot, last: snapshot, holding: null });
  }

  restoreReconciled({ reductions, differences }: PositionReconciled): void {
    for (const { fill_id, position_id, remaining_quantity } of reductions) {
      this.#toldOf.add(fill_id);
      if (remaining_quantity === 0) this.#watched.delete(position_id);
    }
    for (const { kind, position_id } of differences) {
      const watched = position_id === null ? undefined : this.#watched.get(position_id);
      if (watched !== undefined && kind === 'OPENING_UNKNOWN') {
        this.#watched.set(watched.identity.position_id, { ...watched, proven: false });
      }
    }
    this.#differences.restore(differences);
    if (this.#watched.size === 0) this.#toldOf.clear();
  }

  /** Looks at the symbol once, with its open positions now. Fails only where waiting cannot help. */
  async look({ holdings, incomplete }: Shown, now: EpochMillis): Promise<Look> {
    const missing: Missing[] = incomplete.map(({ lacks }) => ({ symbol: this.symbol, what: 'positions', why: lacks }));
    const settled = holdings.filter((holding) => this.#unchanged(holding) !== null);
    const quiet = settled.length === holdings.length && this.#watched.size === holdings.length;
    let reductions: readonly Reduction[] = [];
    // Fills are held against what is open, which is known in part only.
    let blocking: readonly VenueDifference[] = incomplete.map((one) => incompleteDifference(one, now));
    if (!quiet && incomplete.length === 0) {
      try {
        const history = await readHistory(this.#options.venue, this.symbol, this.#known(), holdings, now);
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
    const snapshots = await this.#observe(observed, now, missing);
    if (blocking.length > 0) this.#distrust(observed.filter((one) => !settled.includes(one)));
    const unproven = this.#known().filter(({ proven }) => !proven);
    const news = this.#differences.replace([...blocking, ...unproven.map(unprovenDifference)]);
    return { reconciled: news || reductions.length > 0 ? this.#reconciled(reductions, now) : null, snapshots, missing };
  }

  /** O6: follows positions under observation through their fills, and does nothing else. Fails only where waiting cannot help. */
  async follow({ holdings, incomplete }: Shown, now: EpochMillis): Promise<Followed> {
    if (this.#watched.size === 0) return { state: 'followed', reconciled: null };
    if (incomplete.length > 0) return { state: 'unsure', reconciled: null };
    const isUnchanged = holdings.every((holding) => this.#unchanged(holding) !== null);
    if (isUnchanged && this.#watched.size === holdings.length) return { state: 'unchanged', reconciled: null };
    try {
      const history = await readHistory(this.#options.venue, this.symbol, this.#known(), holdings, now);
      if (this.#blocking(history, holdings, now).length > 0) return { state: 'unsure', reconciled: null };
      const reductions = await this.#follow({ ...history, fresh: [], unopened: [] }, holdings, now);
      return { state: 'followed', reconciled: reductions.length > 0 ? this.#reconciled(reductions, now) : null };
    } catch (thrown) {
      transient(thrown);
      return { state: 'unsure', reconciled: null };
    }
  }

  /** O6: a mark price that the venue told between two observations. */
  noteMark(price: number): void {
    for (const watched of this.#watched.values()) {
      const { last, memory, side } = watched;
      if (last === null || !isPlausible(price, last.mark_price)) continue;
      watched.memory = {
        ...memory,
        peak_price: better(side, memory.peak_price, price),
        worst_price: worstPrice(side, memory.worst_price, price),
      };
    }
  }

  /** O1: the position under observation that a holding still is, without asking for fills. */
  #unchanged(holding: VenueHolding): Watched | null {
    const own = [...this.#watched.values()].filter(({ side }) => side === holding.side);
    const [watched] = own;
    if (watched === undefined || own.length > 1) return null;
    const before = watched.holding;
    if (before === null || before.updatedAt === null) return null;
    const same =
      before.updatedAt === holding.updatedAt &&
      before.quantity === holding.quantity &&
      before.entryPrice === holding.entryPrice;
    return same ? watched : null;
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
    return [...this.#watched.values()].map(({ identity, side, proven }) => ({ ...identity, side, proven }));
  }

  /** What stands in the way of believing the fills. Late ones may still open what is shown, so that is said first. */
  #blocking(history: History, holdings: readonly VenueHolding[], now: EpochMillis): readonly VenueDifference[] {
    const last = (id: PositionId): PositionSnapshot | null => this.#watched.get(id)?.last ?? null;
    const late = history.unopened.filter(({ updatedAt }) => updatedAt === null || now - updatedAt < FILLS_LATE_MS);
    const first = late.map((holding) => unopenedDifference(holding, now));
    const unexplained = unexplainedDifferences(history, last, holdings, now).map((difference) => {
      // O5: what was recorded is what the fills said last, not what was observed without them since.
      const before = this.#differences.standing.find(
        ({ kind, position_id }) => kind === difference.kind && position_id === difference.position_id,
      );
      return before === undefined ? difference : { ...difference, recorded_quantity: before.recorded_quantity };
    });
    return [...unexplained, ...first.filter((difference) => !this.#differences.includes(difference))];
  }

  /** Follows the positions through their fills: who is open now, who ended, and what reduced them. */
  async #follow(
    { followed, fresh, unopened }: History,
    holdings: readonly VenueHolding[],
    now: EpochMillis,
  ): Promise<readonly Reduction[]> {
    const since = Math.min(...[...this.#watched.values()].map(({ last }) => last?.observed_at ?? Infinity));
    const told: { watched: Watched; lifecycle: Lifecycle }[] = [];
    for (const [id, lifecycle] of followed) {
      const watched = this.#watched.get(id);
      if (watched === undefined) continue;
      const proven = watched.proven || lifecycle.opening?.at === watched.identity.opened_at;
      const known = { ...watched, proven };
      if (proven !== watched.proven) this.#watched.set(id, known);
      told.push({ watched: known, lifecycle });
    }
    for (const lifecycle of fresh) {
      const { opening, side, quantity, initialQuantity } = lifecycle;
      // What was over before anybody looked is nobody's concern.
      if (opening === null || (quantity.isZero() && opening.at <= since)) continue;
      const holding = holdings.find((one) => one.side === side);
      const entryPrice = holding?.entryPrice ?? opening.entryPrice.toFixed();
      const watched = await this.#begin({ side, entryPrice }, opening.at, initialQuantity.toNumber(), true);
      told.push({ watched, lifecycle });
    }
    await this.#beginUnproven(unopened, now);
    const reductions: Reduction[] = [];
    for (const { watched, lifecycle } of told) {
      reductions.push(...(await this.#reductionsOf(watched, lifecycle)));
    }
    for (const { fill_id } of reductions) this.#toldOf.add(fill_id);
    for (const { watched, lifecycle } of told) {
      if (lifecycle.quantity.isZero()) this.#watched.delete(watched.identity.position_id);
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
    const watched: Watched = {
      identity: { position_id: id, account, opened_at: at, initial_quantity: initialQuantity },
      proven,
      side,
      memory: firstMemory(opened, signal),
      last: null,
      holding: null,
    };
    this.#watched.set(id, watched);
    return watched;
  }

  async #reductionsOf(watched: Watched, lifecycle: Lifecycle): Promise<readonly Reduction[]> {
    const reductions: Reduction[] = [];
    for (const reducing of lifecycle.reductions) {
      const { fillId, orderId } = reducing.fill;
      if (this.#toldOf.has(fillId)) continue;
      const origin = await this.#originOf(orderId);
      reductions.push(reductionOf({ ...watched, reducing, opening: lifecycle.opening, origin }));
    }
    return reductions;
  }

  /** A venue that shows a fill and denies its order is not believed at once. */
  async #originOf(orderId: OrderId): Promise<OrderOrigin | null> {
    const known = this.#origins.get(orderId);
    if (known !== undefined) return known;
    const origin = await this.#options.venue.orderOrigin(this.symbol, orderId);
    if (origin !== null) {
      this.#origins.set(orderId, origin);
      return origin;
    }
    const denials = (this.#denials.get(orderId) ?? 0) + 1;
    this.#denials.set(orderId, denials);
    if (denials >= DENIALS_BELIEVED) return null;
    throw new HarvestlineError(
      'EXCHANGE_AWAY',
      `${this.symbol}: the venue denies order ${orderId}, of which it shows a fill`,
    );
  }

  async #observe(
    holdings: readonly VenueHolding[],
    now: EpochMillis,
    missing: Missing[],
  ): Promise<readonly PositionSnapshot[]> {
    if (holdings.length === 0) return [];
    const { venue, account, signals } = this.#options;
    const say = (what: Missing['what']) => (thrown: unknown) => {
      missing.push({ symbol: this.symbol, what, why: messageOf(transient(thrown)) });
      return null;
    };
    await this.#market.update(now).catch(say('candles'));
    const signal: ModelSignal | null = signals.latest(account, this.symbol, now);
    const snapshots: PositionSnapshot[] = [];
    for (const holding of holdings) {
      const watched = [...this.#watched.values()].find(({ side }) => side === holding.side);
      if (watched === undefined) continue;
      const stops: VenueStops | null = await venue.stops(this.symbol, holding.side).catch(say('stops'));
      const snapshot = snapshotOf(holding, watched.identity, watched.memory, {
        now,
        venue: venue.venue,
        signal,
        stops,
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
    return {
      account,
      venue: venue.venue,
      symbol: this.symbol,
      reconciled_at: now,
      reductions,
      differences: this.#differences.standing,
    };
  }
}

function isPlausible(price: number, answered: number): boolean {
  return price > answered / PLAUSIBLE && price < answered * PLAUSIBLE;
}
