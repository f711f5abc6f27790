/**
 * Watches the chain for a step after which nothing comes: a winner of which nothing is closed, a position or an account that is no longer
 * observed, an intent that nobody executes, a fill without its trade, a trade without its outcome, a model that says the same of
 * everything. Pure: records in, alerts out, in the event time of each account (account-watermarks.ts); a feed that died is held against
 * a clock that is passed in (silence.ts).
 *
 * S1  The order of topics, and repeats, change no alert; records of one key come in their order. One exception: whoever has trades and
 *     ends from before `from` tells the snapshots first, since those of positions that are not known are dropped at once (S2).
 * S2  Memory holds open positions, questions without an answer, and ids of what came of late (`keptFor`): `forget` gives up the rest.
 * S3  One record with a time that is far off neither raises an alert nor hides one of another position; but a winner whose latest
 *     observation is up to `keptFor` ahead, as that of its account is, counts as held until then, for its source may have paused: the
 *     next observation decides.
 * S4  A snapshot that was observed after its own time stamp is a dead letter (schemas/time-bound.ts) and changes nothing. Where the log
 *     is written live, a snapshot or signal that is more than `leap` ahead of the clock changes nothing, however many there are.
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
import { rOf } from '../scoring/risk.ts';
import { type AccountWatermarks, SignalSeries } from './account-watermarks.ts';
import type { Alert } from '../alerts/alerts.ts';
import { ConfidenceWindow } from './constant-confidence.ts';
import { IntentTally, PendingJoin } from './topic-joins.ts';
import { SettlingPositions, type Unobserved, WatchedPositions, type Winner } from './watched-positions.ts';
import { isObserved, silentAccounts, silentFeeds } from './silence.ts';
import {
  FILLS_ASK,
  INTENTS_ASK,
  type Question,
  TRADES_ASK,
  constantAlert,
  feedSilentAlert,
  lateAlert,
  noIntentsAlert,
  snapshotsCeasedAlert,
  winnerHeldAlert,
} from './stall-evidence.ts';
import { DEFAULT_STALL_LIMITS, type StallLimits } from './stall-limits.ts';

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
  /** By account: what was asked before is answered, or known not to be. */
  readonly #forgotten = new Map<string, EpochMillis>();
  /** By account: when the latest snapshot came, by the clock. */
  readonly #cameAt = new Map<string, EpochMillis>();
  #now: EpochMillis | null = null;
  #follows = false;
  #ahead = 0;

  /** R is as `policy` computes it. It takes snapshots, intents and reports from `from` on, and all trades and outcomes. */
  constructor(policy: Policy, from: EpochMillis, limits: StallLimits = DEFAULT_STALL_LIMITS) {
    this.#policy = policy;
    this.#from = from;
    this.#limits = limits;
    this.#positions = new WatchedPositions(limits);
    this.#confidences = new ConfidenceWindow(limits);
    this.#signals = new SignalSeries(limits.leap);
  }

  /**
   * The reader's clock, where the log is written live. `follows`: what is read from now on came since it was said before; else it was
   * there already, and only its own time tells when it came.
   */
  clock(now: EpochMillis, { follows }: { readonly follows: boolean }): void {
    this.#now = now;
    this.#follows = follows;
  }

  signal(signal: Pick<ModelSignal, 'account' | 'symbol'>, at: EpochMillis): void {
    if (!this.#isAhead(at)) this.#signals.add(signal, at);
  }

  snapshot(snapshot: PositionSnapshot, at: EpochMillis): void {
    // The clock has its own bound here: one that is minutes slow must not blind the watch.
    if (this.#isAhead(at) || timesAhead(TOPICS.positionSnapshot.name, snapshot, at, null).length > 0) {
      this.#ahead += 1;
      return;
    }
    const { position_id, account, source, opened_at, confidence } = snapshot;
    if (this.#now !== null && this.#follows) this.#cameAt.set(account, this.#now);
    // What no order can close is no winner that is held.
    const r = snapshot.dust === true ? 0 : rOf(snapshot, this.#policy);
    this.#positions.observed(position_id, { account, source, opened_at, at, r });
    this.#settling.observed(snapshot, at);
    if (confidence !== null) this.#confidences.add(snapshot, confidence, at);
  }

  intent(intent: HarvestIntent, at: EpochMillis): void {
    const { intent_id, position_id, account } = intent;
    if (at < this.#knownFrom(account)) return;
    this.#tally.intent(position_id, account, intent_id, at);
    this.#intents.asked(intent_id, intent, at);
  }

  report(report: ExecutionReport, at: EpochMillis): void {
    const { intent_id, client_order_id, position_id, account, status, remaining_quantity } = report;
    if (at >= answersFrom(this.#knownFrom(account)) || this.#intents.waits(intent_id)) {
      this.#tally.report(report, at);
      this.#intents.answered(intent_id, report, at);
    }
    if (status !== 'FILLED') return;
    if (remaining_quantity === 0 && this.#mayMatter(position_id, at)) this.#positions.closed(position_id, account, at);
    if (at >= this.#forgottenTo(account)) this.#fills.asked(client_order_id, report, at);
  }

  /** An import says nothing of what waits: it is worked off as fast as CLM can, whatever times its trades have. */
  trade(trade: TradeClosed, at: EpochMillis): void {
    const { trade_id, position_id, account, intent_id, client_order_id, remaining_quantity, origin } = trade;
    if (origin === 'BACKFILL') return;
    if (this.#mayMatter(position_id, at)) {
      this.#positions.traded(position_id, account, at);
      if (remaining_quantity === 0) this.#positions.closed(position_id, account, at);
    }
    const order = client_order_id ?? (intent_id === null ? null : clientOrderIdOf(intent_id));
    if (order !== null) this.#fills.answered(order, trade, at);
    if (at >= this.#forgottenTo(account)) this.#trades.asked(trade_id, trade, at);
  }

  outcome(outcome: ClmOutcome, at: EpochMillis): void {
    const { position_id, account, slices, status } = outcome;
    if (status === 'FINAL' && this.#mayMatter(position_id, at)) this.#positions.closed(position_id, account, at);
    for (const trade of slices) this.#trades.answered(trade, outcome, at);
  }

  /** The time that accounts have come to. */
  watermarks(): AccountWatermarks {
    return this.#positions.watermarks(this.#signals, this.#now);
  }

  /** Positions that nothing on record closed, and that were observed as lately as their account. */
  openPositions(): number {
    const watermarks = this.watermarks();
    const { unobservedFor, leap } = this.#limits;
    return this.#positions.open().filter(({ account, seenAt }) => {
      const age = watermarks.of(account) - seenAt;
      return age <= unobservedFor && age >= -leap;
    }).length;
  }

  /** Snapshots with a time that is too far ahead to be believed (S4), or that none came after to show it was right. */
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
      noIntentsAlert(
        silentAccounts({ winners, tally: this.#tally, watermarks, limits: this.#limits, sightFrom: this.#from }),
        this.#limits,
      ),
      this.#snapshotsCeased(watermarks),
      this.#feedSilent(watermarks),
      this.#late({ ...INTENTS_ASK, within: reportWithin }, this.#intents, watermarks, this.#from),
      this.#late({ ...FILLS_ASK, within: tradeWithin }, this.#fills, watermarks, -Infinity),
      this.#late({ ...TRADES_ASK, within: outcomeWithin }, this.#trades, watermarks, -Infinity),
      constantAlert(this.#confidences.constant(watermarks)),
      this.#settling.alert((id) => this.#positions.isOpen(id)),
    ];
    return alerts.filter((alert) => alert !== null);
  }

  /** Of model.signal only what is as new counts: the rest shows nothing that snapshots do not. */
  signalsFrom(): EpochMillis {
    const watermarks = this.watermarks();
    return this.#positions
      .open()
      .reduce((earliest, { account }) => Math.min(earliest, watermarks.of(account)), Infinity);
  }

  /** S2. Once all topics were read as far as they go: what is dropped too early could not be answered any more. */
  forget(): void {
    const watermarks = this.watermarks();
    for (const account of watermarks.accounts) {
      const before = watermarks.of(account) - this.#limits.keptFor;
      this.#forgotten.set(account, Math.max(this.#forgottenTo(account), before));
    }
    const before = (account: string): EpochMillis => this.#knownFrom(account);
    for (const part of [this.#intents, this.#fills, this.#trades, this.#positions, this.#tally]) part.forget(before);
    this.#confidences.forget(watermarks);
    this.#settling.keep((id) => this.#positions.isOpen(id));
  }

  /** Positions and ids in memory. */
  get size(): number {
    return [this.#positions, this.#intents, this.#fills, this.#trades].reduce((sum, { size }) => sum + size, 0);
  }

  #winnerHeld(winners: readonly Winner[], watermarks: AccountWatermarks): Alert | null {
    const tooLong = winners.filter(({ seenAt, since }) => seenAt - since > this.#limits.heldFor);
    const held = tooLong.map((winner) => {
      const { position_id, account, since, seenAt } = winner;
      const tally = this.#tally.of(position_id, since, seenAt + this.#limits.leap);
      return {
        ...winner,
        tally,
        talliedFrom: this.#knownFrom(account),
        unobserved: !isObserved(winner, watermarks, this.#limits),
      };
    });
    return winnerHeldAlert(held, this.#limits);
  }

  #snapshotsCeased(watermarks: AccountWatermarks): Alert | null {
    const lastIntentOf = ({ position_id, seenAt }: Unobserved) =>
      this.#tally.of(position_id, -Infinity, seenAt + this.#limits.leap).last;
    const unobserved = this.#positions.unobserved(watermarks);
    const ceased = unobserved.map((position) => ({ ...position, lastIntent: lastIntentOf(position) }));
    return snapshotsCeasedAlert(ceased, this.#limits);
  }

  #feedSilent(watermarks: AccountWatermarks): Alert | null {
    const parts = {
      open: this.#positions.open(),
      usualIntervals: this.#positions.usualIntervals(),
      watermarks,
      now: this.#now,
      cameAt: this.#cameAt,
      limits: this.#limits,
    };
    return feedSilentAlert(silentFeeds(parts), this.#limits);
  }

  /** S4. */
  #isAhead(at: EpochMillis): boolean {
    return this.#now !== null && at - this.#now > this.#limits.leap;
  }

  #late(question: Question, join: PendingJoin, watermarks: AccountWatermarks, sightFrom: EpochMillis): Alert | null {
    return lateAlert(question, join.late(watermarks, question.within, this.#limits.namedIds), sightFrom);
  }

  /** S2. Of a position that nobody has observed in sight, what ended it before that is history: `forget` would drop it. */
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

/** From when what answers is read, so that nothing after `from` seems unanswered. */
export function answersFrom(from: EpochMillis): EpochMillis {
  return from - DEFAULT_STALL_LIMITS.crossing;
}
