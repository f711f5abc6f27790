import { Decimal } from 'decimal.js';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { BookedPosition, PositionBook } from '../../../ports/position-book.ts';
import type { Random } from '../../../ports/random.ts';
import type { ModelSignal, PositionId, PositionSnapshot } from '../../../schemas/generated/records.ts';
import { positionIdOf } from '../../../schemas/ids.ts';
import { Ensemble, ENSEMBLE_ID, forSide, type Opinion } from './ensemble.ts';
import { type Slot, growthDue, planGrowth, planOpening, slotKey, slotsOf, wantsToOpen } from './entries.ts';
import { Indicators } from '../indicators.ts';
import { type Market, type MarketCycle, type MarketTick, WARM_UP_CYCLES } from '../../../ports/market.ts';
import { type Remembered, rOf, better, extendHistory, worstPrice } from '../snapshot.ts';

/** Positions held at a time: as many as the desk that this program was written for. */
const SLOTS = 15;

/** The accounts that a desk on these markets trades on. */
export function accountsOf(desk: string, symbols: readonly string[]): readonly string[] {
  return [...new Set(slotsOf(desk, symbols, SLOTS).map(({ account }) => account))];
}

interface DeskFeedOptions {
  /** The desk's account, or the beginning of its accounts' names. Other desks may trade on the same book. */
  readonly desk: string;
  readonly market: Market;
  readonly book: PositionBook;
  readonly random: Random;
}

/** What one cycle observed. */
export interface DeskCycle {
  readonly now: EpochMillis;
  readonly signals: ModelSignal[];
  readonly snapshots: PositionSnapshot[];
}

/**
 * A simulated desk: its models, its entries, and the snapshots of its positions.
 *
 * Reads      a market, a position book and, once, the snapshots recorded before
 * Writes     openings and growths to the book, never a close: that is execution's work. Signals and snapshots are returned to be recorded
 * State      indicators, computed again from the candles; each open position's latest snapshot, restored from the log
 *
 * SIM-1  A cycle's result is a function of seed, cycle, book and recorded snapshots. It does not depend on when or how often the cycle ran.
 * SIM-2  A cycle that runs again after a crash gives the same result, whatever part of its bookings and records survived: a position that
 *        it would open now counts as not open yet, and all bookings are idempotent by their ids.
 * SIM-3  Every open position on the desk's accounts has a snapshot in every cycle in which its symbol has a candle, whoever opened it;
 *        what is not known of it is null. Positions of other accounts have none: this market does not price them.
 */
export class DeskFeed {
  readonly #market: Market;
  readonly #book: PositionBook;
  readonly #random: Random;
  readonly #ensemble: Ensemble;
  readonly #slots: readonly Slot[];
  readonly #accounts: ReadonlySet<string>;
  readonly #indicators: ReadonlyMap<string, Indicators>;
  #latest = new Map<PositionId, Remembered>();
  #nextCycle = -WARM_UP_CYCLES;

  constructor(options: DeskFeedOptions) {
    this.#market = options.market;
    this.#book = options.book;
    this.#random = options.random;
    this.#ensemble = new Ensemble(options.random);
    this.#slots = slotsOf(options.desk, options.market.symbols, SLOTS);
    this.#accounts = new Set(this.#slots.map(({ account }) => account));
    this.#indicators = new Map(options.market.symbols.map((symbol) => [symbol, new Indicators()]));
  }

  /** Restores what only snapshots remember. They come oldest first; the latest of each position counts. */
  restore(snapshots: Iterable<PositionSnapshot>): void {
    for (const snapshot of snapshots) this.#latest.set(snapshot.position_id, snapshot);
  }

  /**
   * Runs one cycle: the desk opens and grows positions in the book, and observes them. Undefined once the market has ended. Cycles ascend
   * (RangeError otherwise), from any first one; cycles that are left out only move the indicators.
   */
  run(cycle: number): DeskCycle | undefined {
    const market = this.#advanceTo(cycle);
    if (market === undefined) return undefined;
    const { now } = market;
    const ticks = new Map(market.ticks.map((tick) => [tick.symbol, tick]));
    const booked = this.#ownPositions();
    const bySlot = Map.groupBy(booked, slotKey);
    const opinions = new Map<string, Opinion>();
    const signals: ModelSignal[] = [];
    let acted = false;
    for (const slot of this.#slots) {
      const tick = ticks.get(slot.symbol);
      if (tick === undefined) continue;
      const key = slotKey(slot);
      const seen = this.#indicatorsOf(slot.symbol);
      const { regime, momentum } = seen;
      const opinion = this.#ensemble.opinion(slot, cycle, { regime, momentum, drift: tick.drift });
      const openedNow = opinion === null ? null : positionIdOf(slot.account, slot.symbol, opinion.side, now);
      const held = (bySlot.get(key) ?? []).filter((position) => position.position_id !== openedNow);
      for (const position of held) acted = this.#grow(position, tick) || acted;
      if (opinion === null) continue;
      if (held.length === 0) acted = this.#open(slot, cycle, tick, opinion, seen) || acted;
      opinions.set(key, opinion);
      signals.push(signalOf(slot, now, forSide(opinion, held[0]?.side ?? opinion.side)));
    }
    const open = acted ? this.#ownPositions() : booked;
    return { now, signals, snapshots: this.#observeAll(open, now, ticks, opinions) };
  }

  get accounts(): ReadonlySet<string> {
    return this.#accounts;
  }

  #ownPositions(): readonly BookedPosition[] {
    return this.#book.openPositions().filter(({ account }) => this.#accounts.has(account));
  }

  /** Feeds every candle up to that cycle into the indicators. */
  #advanceTo(cycle: number): MarketCycle | undefined {
    if (cycle < Math.max(0, this.#nextCycle))
      throw new RangeError(`cycle ${cycle} was asked after ${this.#nextCycle - 1}`);
    let market: MarketCycle | undefined;
    while (this.#nextCycle <= cycle) {
      market = this.#market.cycle(this.#nextCycle);
      if (market === undefined) return undefined;
      this.#nextCycle++;
      for (const { symbol, candle } of market.ticks) this.#indicatorsOf(symbol).update(candle);
    }
    return market;
  }

  #indicatorsOf(symbol: string): Indicators {
    const indicators = this.#indicators.get(symbol);
    if (indicators === undefined)
      throw new RangeError(`the market gave a candle of ${symbol}, which is none of its symbols`);
    return indicators;
  }

  /** Opens a position in a flat slot, if the desk wants to. True where it did. */
  #open(slot: Slot, cycle: number, { candle }: MarketTick, opinion: Opinion, seen: Indicators): boolean {
    const { side, confidence } = opinion;
    const stream = this.#random.stream('open', slot.account, slot.symbol, cycle);
    if (seen.averageTrueRange === null || !wantsToOpen(confidence, stream)) return false;
    const rules = this.#book.marketRules(slot.symbol, candle.close);
    const opening = planOpening(side, candle.close, seen.averageTrueRange, rules, stream);
    if (opening === null) return false;
    const now = candle.closedAt;
    const id = positionIdOf(slot.account, slot.symbol, side, now);
    this.#book.open({
      position_id: id,
      account: slot.account,
      symbol: slot.symbol,
      side,
      opened_at: now,
      initialQuantity: opening.quantity,
      entryPrice: new Decimal(candle.close).toFixed(),
    });
    this.#latest.set(id, {
      peak_price: candle.close,
      worst_price: candle.close,
      initial_stop_price: opening.initialStopPrice,
      confidence_at_entry: confidence,
      regime_at_entry: opinion.regime,
      r_history: [],
      observed_at: now,
    });
    return true;
  }

  /** Adds to a winning position that the desk opened, if a growth is due. True where it did. */
  #grow(position: BookedPosition, { candle }: MarketTick): boolean {
    const stop = this.#latest.get(position.position_id)?.initial_stop_price ?? null;
    if (stop === null) return false;
    const price = candle.close;
    const age = (candle.closedAt - position.opened_at) / this.#market.intervalMs;
    const r = rOf(position.side, Number(position.entryPrice), price, stop);
    const ordinal = growthDue(position.position_id, age, r, this.#random);
    if (ordinal === null) return false;
    const growth = planGrowth(position, ordinal, price, this.#book.marketRules(position.symbol, price));
    if (growth === null) return false;
    this.#book.grow(position.position_id, growth.growthId, growth.quantity, new Decimal(price).toFixed());
    return true;
  }

  /** The snapshots of all open positions whose symbol has a candle. Positions that are no longer open are forgotten. */
  #observeAll(
    positions: readonly BookedPosition[],
    now: EpochMillis,
    ticks: ReadonlyMap<string, MarketTick>,
    opinions: ReadonlyMap<string, Opinion>,
  ): PositionSnapshot[] {
    const latest = new Map<PositionId, Remembered>();
    const snapshots: PositionSnapshot[] = [];
    for (const position of positions) {
      const id = position.position_id;
      const before = this.#latest.get(id) ?? null;
      const tick = ticks.get(position.symbol);
      // A position that others opened may be later than the virtual time, and has no snapshot before its opening.
      if (tick === undefined || position.opened_at > now) {
        if (before !== null) latest.set(id, before);
        continue;
      }
      const seen = this.#indicatorsOf(position.symbol);
      const opinion = opinions.get(slotKey(position));
      const snapshot = observe(position, before, {
        now,
        markPrice: tick.candle.close,
        confidence: opinion === undefined ? null : forSide(opinion, position.side).confidence,
        regime: seen.regime,
        volatilityGradient: seen.volatilityGradient,
        source: this.#market.source,
      });
      latest.set(id, snapshot);
      snapshots.push(snapshot);
    }
    this.#latest = latest;
    return snapshots;
  }
}

function signalOf(slot: Slot, now: EpochMillis, opinion: Opinion): ModelSignal {
  return {
    account: slot.account,
    symbol: slot.symbol,
    model_id: ENSEMBLE_ID,
    emitted_at: now,
    side: opinion.side,
    confidence: opinion.confidence,
    regime: opinion.regime,
    members: opinion.members,
  };
}

/** The venue that a simulated desk trades at. */
const VENUE = 'paper';

/** What is observed of a position at `now`. Null: not known. */
interface Observed {
  readonly now: EpochMillis;
  /** Unit: quote currency per contract. */
  readonly markPrice: number;
  /** Of the position's side. */
  readonly confidence: number | null;
  readonly regime: string | null;
  readonly volatilityGradient: number | null;
  readonly source: string;
}

/**
 * The snapshot of a simulated position. `before` is what is remembered of it; null: its stop, confidence and regime at entry stay unknown.
 * Observing the same moment again gives the same snapshot, even where `before` is already that snapshot.
 */
function observe(position: BookedPosition, before: Remembered | null, observed: Observed): PositionSnapshot {
  const { side } = position;
  const { markPrice, confidence, now } = observed;
  const entryPrice = Number(position.entryPrice);
  const initialStop = before?.initial_stop_price ?? null;
  const confidenceAtEntry = before?.confidence_at_entry ?? null;
  return {
    position_id: position.position_id,
    account: position.account,
    venue: VENUE,
    symbol: position.symbol,
    side,
    observed_at: now,
    opened_at: position.opened_at,
    quantity: Number(position.quantity),
    initial_quantity: Number(position.initialQuantity),
    entry_price: entryPrice,
    mark_price: markPrice,
    peak_price: better(side, before?.peak_price ?? entryPrice, markPrice),
    worst_price: worstPrice(side, before === null ? entryPrice : before.worst_price, markPrice),
    initial_stop_price: initialStop,
    stop_price: null,
    take_profit_price: null,
    // The paper venue has no resting orders.
    resting: [],
    settles_at: null,
    // The paper venue closes any remainder, however small.
    dust: null,
    confidence_at_entry: confidenceAtEntry,
    confidence,
    model_id: confidence === null && confidenceAtEntry === null ? null : ENSEMBLE_ID,
    regime_at_entry: before?.regime_at_entry ?? null,
    regime: observed.regime,
    volatility_gradient: observed.volatilityGradient,
    // Without an initial stop there is no R, and none is invented.
    r_history:
      initialStop === null
        ? []
        : extendHistory(earlierThan(now, before), rOf(side, entryPrice, markPrice, initialStop)),
    source: observed.source,
  };
}

/** The R history without an observation at `now`: it has one where the cycle runs again after its records were partly written. */
function earlierThan(now: EpochMillis, before: Remembered | null): readonly number[] {
  if (before === null) return [];
  return before.observed_at === now ? before.r_history.slice(0, -1) : before.r_history;
}
