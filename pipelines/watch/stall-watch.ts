/**
 * Watches the chain for a step after which nothing comes: a winner of which nothing is closed, a position or an account that is no longer
 * observed, an intent that nobody executes, a fill without its trade, a trade without its outcome, a model that gives one confidence for
 * everything. Pure: records in, alerts out, in the event time of each account (account-watermarks.ts). Only the silence of a feed is
 * measured by a clock, which is passed in (silence.ts).
 *
 * WAT-8   Neither the order of the topics nor redelivery changes an alert, as long as the records of one key come in their order. Trades
 *         and outcomes from before `from` must come after the snapshots: those of unknown positions are dropped at once (WAT-9).
 * WAT-9   Memory holds open positions, questions without an answer, and the ids of recent answers (`keptFor`); `forget` drops the rest.
 * WAT-10  One record with a wrong time neither raises an alert nor hides one of another position. A winner whose latest observation is up
 *         to `keptFor` ahead, as its whole account is, counts as held until then, since its source may have paused: the next observation
 *         decides.
 * WAT-11  A snapshot observed after its own time stamp is a dead letter (schemas/time-bound.ts) and changes nothing. Where the log is
 *         written live, a snapshot or signal more than `leap` ahead of the clock changes nothing, however many there are.
 */
import type {
  ClmOutcome,
  EpochMillis,
  ExecutionReport,
  HarvestIntent,
  ModelSignal,
  PositionId,
  PositionSnapshot,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../schemas/ids.ts';
import { timesAhead } from '../../schemas/time-bound.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Policy } from '../scoring/policy.ts';
import { rOf } from '../scoring/measures.ts';
import { type AccountWatermarks, SignalSeries } from './account-watermarks.ts';
import type { Alert } from '../alerts/alerts.ts';
import { ConfidenceWindow } from './constant-confidence.ts';
import { IntentTally, PendingJoin } from './topic-joins.ts';
import {
  type OpenPosition,
  SettlingPositions,
  type UnobservedPosition,
  WatchedPositions,
  type Winner,
} from './watched-positions.ts';
import { isObserved, silentAccounts, silentFeeds } from './silence.ts';
import {
  FILL_TRADED,
  INTENT_REPORTED,
  type Question,
  TRADE_LISTED,
  type WinnerDetails,
  constantAlert,
  feedSilentAlert,
  lateAlert,
  noIntentsAlert,
  settlesSoonAlert,
  snapshotsCeasedAlert,
  winnerHeldAlert,
} from './stall-evidence.ts';
import { DEFAULT_STALL_LIMITS, type StallLimits } from './stall-limits.ts';

/** Of the time for which things are kept: so much more is kept at the most. */
const SWEEP_SHARE = 1 / 48;

/** The observed open positions, and what they were found from. */
interface ObservedOpen {
  readonly open: readonly OpenPosition[];
  readonly watermarks: AccountWatermarks;
  readonly observed: readonly OpenPosition[];
}

export class StallWatch {
  readonly #policy: Policy;
  readonly #from: EpochMillis;
  readonly #limits: StallLimits;
  readonly #positions: WatchedPositions;
  readonly #confidences: ConfidenceWindow;
  readonly #signals: SignalSeries;
  readonly #settling = new SettlingPositions();
  readonly #tally = new IntentTally();
  readonly #intents = new PendingJoin();
  readonly #fills = new PendingJoin();
  readonly #trades = new PendingJoin();
  /** By account: questions from before this time are answered, or known to have no answer. */
  readonly #forgotten = new Map<string, EpochMillis>();
  /** By account: when its latest snapshot was read, by the clock. */
  readonly #cameAt = new Map<string, EpochMillis>();
  /** Null after a record that may have moved them, until they are asked for. */
  #watermarks: AccountWatermarks | null = null;
  #observed: ObservedOpen | null = null;
  #now: EpochMillis | null = null;
  #readsLive = false;
  #ahead = 0;

  /** R is as `policy` computes it. Expects the snapshots, intents and reports from `from` on, and all trades and outcomes. */
  constructor(policy: Policy, from: EpochMillis, limits: StallLimits = DEFAULT_STALL_LIMITS) {
    this.#policy = policy;
    this.#from = from;
    this.#limits = limits;
    this.#positions = new WatchedPositions(limits);
    this.#confidences = new ConfidenceWindow(limits);
    this.#signals = new SignalSeries(limits.leap);
  }

  /**
   * The reader's clock, where the log is written live. With `readsLive` the records to come were written since the call before; without it
   * they may be old, and only their own time tells when they were written.
   */
  clock(now: EpochMillis, { readsLive }: { readonly readsLive: boolean }): void {
    this.#now = now;
    this.#readsLive = readsLive;
    this.#watermarks = null;
  }

  signal(signal: Pick<ModelSignal, 'account' | 'symbol'>, at: EpochMillis): void {
    if (this.#isAhead(at)) return;
    this.#signals.add(signal, at);
    this.#watermarks = null;
  }

  /** False for a snapshot that changes nothing (WAT-11). */
  snapshot(snapshot: PositionSnapshot, at: EpochMillis): boolean {
    // Null for the clock: its bound here is `leap`, since a clock that is minutes slow must not void every snapshot.
    if (this.#isAhead(at) || timesAhead(TOPICS.positionSnapshot.name, snapshot, at, null).length > 0) {
      this.#ahead += 1;
      return false;
    }
    const { position_id, account, symbol, side, source, opened_at, confidence } = snapshot;
    const cameAt = this.#cameNow();
    if (cameAt !== null) this.#cameAt.set(account, cameAt);
    // Dust is no winner: no order can close it.
    const r = snapshot.dust === true ? 0 : rOf(snapshot, this.#policy);
    this.#positions.observed(position_id, { account, symbol, side, source, opened_at, at, r });
    this.#watermarks = null;
    this.#settling.observed(snapshot, at);
    if (confidence !== null) this.#confidences.add(snapshot, confidence, at);
    return true;
  }

  intent(intent: HarvestIntent, at: EpochMillis): void {
    const { intent_id, position_id, account } = intent;
    if (at < this.#knownFrom(account)) return;
    this.#tally.intent(position_id, account, intent_id, at);
    this.#intents.asked(intent_id, intent, at, this.#cameNow());
  }

  report(report: ExecutionReport, at: EpochMillis): void {
    const { intent_id, client_order_id, position_id, account, status, remaining_quantity } = report;
    if (at >= answersFrom(this.#knownFrom(account)) || this.#intents.waits(intent_id)) {
      this.#tally.report(report, at);
      this.#intents.answered(intent_id, report, at);
    }
    if (status !== 'FILLED') return;
    if (remaining_quantity === 0 && this.#mayMatter(position_id, at)) this.#positions.closed(position_id, account, at);
    if (at >= this.#forgottenTo(account)) this.#fills.asked(client_order_id, report, at, this.#cameNow());
  }

  /** Imported trades are ignored: CLM works them off as fast as it can, whatever their times. */
  trade(trade: TradeClosed, at: EpochMillis): void {
    const { trade_id, position_id, account, intent_id, client_order_id, remaining_quantity, origin } = trade;
    if (origin === 'BACKFILL') return;
    if (this.#mayMatter(position_id, at)) {
      this.#positions.traded(position_id, account, at);
      if (remaining_quantity === 0) this.#positions.closed(position_id, account, at);
    }
    const order = client_order_id ?? (intent_id === null ? null : clientOrderIdOf(intent_id));
    if (order !== null) this.#fills.answered(order, trade, at);
    if (at >= this.#forgottenTo(account)) this.#trades.asked(trade_id, trade, at, this.#cameNow());
  }

  outcome(outcome: ClmOutcome, at: EpochMillis): void {
    const { position_id, account, slices, status } = outcome;
    if (status === 'FINAL' && this.#mayMatter(position_id, at)) this.#positions.closed(position_id, account, at);
    for (const trade of slices) this.#trades.answered(trade, outcome, at);
  }

  watermarks(): AccountWatermarks {
    return (this.#watermarks ??= this.#positions.watermarks(this.#signals, this.#now));
  }

  /** The positions that nothing on record closed, and that were observed as lately as their account. The same array until that changes. */
  observedOpen(watermarks = this.watermarks()): readonly OpenPosition[] {
    const { unobservedFor, leap } = this.#limits;
    const open = this.#positions.open();
    if (this.#observed?.open !== open || this.#observed.watermarks !== watermarks) {
      const observed = open.filter(({ account, seenAt }) => {
        const age = watermarks.of(account) - seenAt;
        return age <= unobservedFor && age >= -leap;
      });
      this.#observed = { open, watermarks, observed };
    }
    return this.#observed.observed;
  }

  openPositions(watermarks?: AccountWatermarks): ReadonlySet<PositionId> {
    return new Set(this.observedOpen(watermarks).map(({ position_id: id }) => id));
  }

  /** Counts the snapshots with a time too far ahead to be believed (WAT-11), or not yet confirmed by a later one. */
  snapshotsAhead(): number {
    const watermarks = this.watermarks();
    const { leap } = this.#limits;
    const waiting = this.#positions
      .open()
      .filter(({ account, seenAt, aheadAt }) => Math.max(seenAt, aheadAt ?? seenAt) - watermarks.of(account) > leap);
    return this.#ahead + waiting.length;
  }

  alerts(): readonly Alert[] {
    const watermarks = this.watermarks();
    const winners = this.#positions.winners();
    const { reportWithin, tradeWithin, outcomeWithin } = this.#limits;
    const alerts = [
      this.#winnerHeld(winners, watermarks),
      noIntentsAlert(silentAccounts({ winners, tally: this.#tally, watermarks, limits: this.#limits }), this.#limits),
      this.#snapshotsCeased(watermarks),
      this.#feedSilent(watermarks),
      this.#late({ ...INTENT_REPORTED, within: reportWithin }, this.#intents, watermarks, this.#from),
      this.#late({ ...FILL_TRADED, within: tradeWithin }, this.#fills, watermarks, -Infinity),
      this.#late({ ...TRADE_LISTED, within: outcomeWithin }, this.#trades, watermarks, -Infinity),
      constantAlert(this.#confidences.constant(watermarks)),
      settlesSoonAlert(this.#settling.soonestFirst((id) => this.#positions.isOpen(id))),
    ];
    return alerts.filter((alert) => alert !== null);
  }

  /** From when on model.signal has to be read: older signals show nothing that the snapshots do not. */
  signalsFrom(): EpochMillis {
    const watermarks = this.watermarks();
    return this.#positions
      .open()
      .reduce((earliest, { account }) => Math.min(earliest, watermarks.of(account)), Infinity);
  }

  /**
   * WAT-9. To be called when all topics are read to their ends: a question dropped too early could not be answered any more. All that is kept is
   * looked at, so that is done only once some of it is SWEEP_SHARE too old.
   */
  forget(): void {
    const watermarks = this.watermarks();
    const { keptFor } = this.#limits;
    const bounds = watermarks.accounts.map((account) => [account, watermarks.of(account) - keptFor] as const);
    this.#confidences.forget(watermarks);
    if (!bounds.some(([account, bound]) => bound - this.#forgottenTo(account) >= keptFor * SWEEP_SHARE)) return;
    for (const [account, bound] of bounds) this.#forgotten.set(account, Math.max(this.#forgottenTo(account), bound));
    const before = (account: string): EpochMillis => this.#knownFrom(account);
    for (const part of [this.#intents, this.#fills, this.#trades, this.#positions, this.#tally]) part.forget(before);
    this.#settling.keep((id) => this.#positions.isOpen(id));
    this.#watermarks = null;
  }

  /** Counts the positions and ids in memory. */
  get size(): number {
    return [this.#positions, this.#intents, this.#fills, this.#trades].reduce((sum, { size }) => sum + size, 0);
  }

  #winnerHeld(winners: readonly Winner[], watermarks: AccountWatermarks): Alert | null {
    const tooLong = winners.filter(({ seenAt, since }) => seenAt - since > this.#limits.heldFor);
    const detailsOf = (winner: Winner): WinnerDetails => ({
      tally: this.#tally.of(winner.position_id, winner.since, winner.seenAt + this.#limits.leap),
      talliedFrom: this.#knownFrom(winner.account),
      unobserved: !isObserved(winner, watermarks, this.#limits),
    });
    return winnerHeldAlert(tooLong, detailsOf, this.#limits);
  }

  #snapshotsCeased(watermarks: AccountWatermarks): Alert | null {
    const lastIntentOf = ({ position_id, seenAt }: UnobservedPosition) =>
      this.#tally.of(position_id, -Infinity, seenAt + this.#limits.leap).last;
    return snapshotsCeasedAlert(this.#positions.unobserved(watermarks), lastIntentOf, this.#limits);
  }

  #feedSilent(watermarks: AccountWatermarks): Alert | null {
    const parts = {
      open: this.#positions.open(),
      usualInterval: (account: string) => this.#positions.usualInterval(account),
      watermarks,
      now: this.#now,
      cameAt: this.#cameAt,
      limits: this.#limits,
    };
    return feedSilentAlert(silentFeeds(parts), this.#limits);
  }

  /** When a record that is read now came, by the clock; null where it may have been there for long. */
  #cameNow(): EpochMillis | null {
    return this.#readsLive ? this.#now : null;
  }

  /** WAT-11. */
  #isAhead(at: EpochMillis): boolean {
    return this.#now !== null && at - this.#now > this.#limits.leap;
  }

  #late(question: Question, join: PendingJoin, watermarks: AccountWatermarks, sightFrom: EpochMillis): Alert | null {
    return lateAlert(question, join.late(watermarks, question.within, this.#limits.namedIds, this.#now), sightFrom);
  }

  /** WAT-9. Trades and closes from before sight matter only for observed positions: `forget` would drop the others. */
  #mayMatter(id: PositionId, at: EpochMillis): boolean {
    return at >= answersFrom(this.#from) || this.#positions.has(id);
  }

  #forgottenTo(account: string): EpochMillis {
    return this.#forgotten.get(account) ?? -Infinity;
  }

  #knownFrom(account: string): EpochMillis {
    return Math.max(this.#from, this.#forgottenTo(account));
  }
}

/** From when answers have to be read, so that no question after `from` seems unanswered. */
export function answersFrom(from: EpochMillis): EpochMillis {
  return from - DEFAULT_STALL_LIMITS.crossing;
}
