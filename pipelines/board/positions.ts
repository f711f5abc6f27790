/**
 * Open positions as a board shows them: the latest snapshot of each with the decision of the policy in force, which leaves no record where
 * it is HOLD, and the cooldown that execution would hold a partial close to. Pure.
 *
 * BRD-1  A decision is the one that scoring comes to on that snapshot with the policy and the confidence map in force. It is computed when
 *        somebody looks, and again only for what changed since.
 * BRD-2  A record that comes again changes nothing, nor does the order of the topics. A snapshot that is older than the one before it comes
 *        again, unless it is an hour older: then the one before had a wrong time.
 * BRD-3  Memory holds open positions. What comes of a position before it is known to be open is kept for one more look.
 */
import { isKind } from '../../errors/harvestline-error.ts';
import type { BoardPosition } from '../../ports/board.ts';
import type {
  ConfidenceCalibration,
  EpochMillis,
  ExecutionReport,
  HarvestIntent,
  IntentId,
  PositionId,
  PositionSnapshot,
} from '../../schemas/generated/records.ts';
import { GREATEST_R } from '../../schemas/market-bounds.ts';
import { AHEAD_MS, knownSince } from '../../schemas/time-bound.ts';
import { DEFAULT_LIMITS, type ExecutionLimits, cooldownEnd } from '../execution/limits.ts';
import { CalibrationVersions, asJudgedBy, calibrate } from '../scoring/confidence-map.ts';
import { type Verdict, verdictOf } from '../scoring/evaluate.ts';
import { rOf } from '../scoring/measures.ts';
import type { Policy } from '../scoring/policy.ts';
import { RHistory } from './r-history.ts';

const MINUTE_MS = 60_000;

/** A snapshot whose R is impossible: scoring sets it aside, and nothing is decided. */
export const NOT_SCORABLE = 'r_impossible';

/** BRD-2. Unit: milliseconds. */
const WRONG_TIME_MS = 60 * MINUTE_MS;

/** Far more than come within a cooldown; an intent that is not among them any more is too old to be executed. Unit: intents of a position. */
const INTENTS_KEPT = 100;

/** The last partial close that was filled or may have been (execution/ledger.ts, EXE-22). */
interface LastPartial {
  readonly intentId: IntentId;
  readonly reportedAt: EpochMillis;
}

interface Known {
  snapshot: PositionSnapshot | null;
  /** The snapshot record's own time. */
  recordedAt: EpochMillis;
  readonly history: RHistory;
  /** Observation times of the intents to close a part that have no end yet, and of the last partial close. */
  readonly intents: Map<IntentId, EpochMillis>;
  lastPartial: LastPartial | null;
}

/** What changed of the positions since the look before. */
export interface PositionChanges {
  readonly changed: readonly BoardPosition[];
  readonly closed: readonly PositionId[];
}

export class BoardPositions {
  readonly #limits: Pick<ExecutionLimits, 'cooldownMs'>;
  readonly #versions = new CalibrationVersions();
  #policy: Policy;
  readonly #known = new Map<PositionId, Known>();
  readonly #shown = new Map<PositionId, BoardPosition>();
  #dirty = new Set<PositionId>();
  /** Not open at the look before (BRD-3). */
  #unopened: ReadonlySet<PositionId> = new Set();

  /** `policy` decides until policy.applied names another. */
  constructor(policy: Policy, limits: Pick<ExecutionLimits, 'cooldownMs'> = DEFAULT_LIMITS) {
    this.#policy = policy;
    this.#limits = limits;
  }

  snapshot(snapshot: PositionSnapshot, recordedAt: EpochMillis): void {
    const known = this.#of(snapshot.position_id);
    const before = known.snapshot?.observed_at ?? -Infinity;
    const { observed_at: observedAt } = snapshot;
    if (observedAt <= before && observedAt > before - WRONG_TIME_MS) return;
    known.snapshot = snapshot;
    known.recordedAt = recordedAt;
    known.history.add(boundedR(snapshot, this.#policy));
    this.#dirty.add(snapshot.position_id);
  }

  intent({ position_id: id, intent_id, action, observed_at }: HarvestIntent): void {
    if (action !== 'PARTIAL_CLOSE') return;
    const { intents, lastPartial } = this.#of(id);
    intents.set(intent_id, observed_at);
    if (lastPartial?.intentId === intent_id) this.#dirty.add(id);
    if (intents.size <= INTENTS_KEPT) return;
    for (const old of intents.keys()) {
      if (old === lastPartial?.intentId) continue;
      intents.delete(old);
      return;
    }
  }

  report({ position_id: id, intent_id: intentId, action, status, reported_at: reportedAt }: ExecutionReport): void {
    if (status === 'SUBMITTED' || action !== 'PARTIAL_CLOSE') return;
    const known = this.#of(id);
    const { lastPartial: before } = known;
    if (status !== 'FILLED' && status !== 'UNKNOWN') {
      if (before?.intentId !== intentId) known.intents.delete(intentId);
      return;
    }
    if (before !== null && reportedAt < before.reportedAt) {
      known.intents.delete(intentId);
      return;
    }
    if (before !== null && before.intentId !== intentId) known.intents.delete(before.intentId);
    known.lastPartial = { intentId, reportedAt };
    this.#dirty.add(id);
  }

  /** All positions are decided on anew. */
  policyInForce(policy: Policy): void {
    this.#policy = policy;
    this.#allDirty();
  }

  calibration(record: ConfidenceCalibration): void {
    this.#versions.apply(record);
    this.#allDirty();
  }

  /** The confidence maps in force. */
  calibrations(): readonly { readonly model_id: string; readonly version: string }[] {
    return this.#versions.allInForce().map(({ model_id, version }) => ({ model_id, version }));
  }

  /** What changed since the call before. `open`: the positions that are open now. */
  look(open: ReadonlySet<PositionId>): PositionChanges {
    const closed = [...this.#shown.keys()].filter((id) => !open.has(id));
    for (const id of closed) this.#shown.delete(id);
    const changed: BoardPosition[] = [];
    for (const id of open) {
      if (this.#shown.has(id) && !this.#dirty.has(id)) continue;
      const known = this.#known.get(id);
      const position = known === undefined ? null : this.#shownAs(known);
      if (position === null) continue;
      this.#shown.set(id, position);
      changed.push(position);
    }
    this.#dirty = new Set();
    this.#forget(open);
    return { changed, closed };
  }

  /** BRD-3. To be called where nobody looks. */
  forget(open: ReadonlySet<PositionId>): void {
    this.#forget(open);
    for (const id of this.#dirty) if (!this.#known.has(id)) this.#dirty.delete(id);
  }

  /** The positions as of the last look, best R first. */
  shown(): readonly BoardPosition[] {
    return bestFirst([...this.#shown.values()]);
  }

  #shownAs({ snapshot, recordedAt, history, intents, lastPartial }: Known): BoardPosition | null {
    if (snapshot === null) return null;
    const map = snapshot.model_id === null ? null : (this.#versions.inForce(snapshot.model_id)?.map ?? null);
    const { confidence, observed_at: observedAt } = snapshot;
    const { action, fraction, reason, hold_score, exit_score, r, policy } = this.#decide(
      asJudgedBy(this.#policy, snapshot, map),
    );
    const { position_id, account, venue, symbol, side, quantity, entry_price, mark_price } = snapshot;
    const { stop_price, take_profit_price, regime, resting } = snapshot;
    return {
      position_id,
      account,
      venue,
      symbol,
      side,
      quantity,
      entry_price,
      mark_price,
      stop_price,
      take_profit_price,
      r,
      r_history: history.values(),
      age_minutes: (observedAt - snapshot.opened_at) / MINUTE_MS,
      confidence,
      calibrated_confidence: confidence === null || map === null ? null : calibrate(map, confidence),
      regime,
      resting,
      last_snapshot_at: observedAt,
      cooldown_until: this.#cooldownUntil(lastPartial, intents, knownSince(observedAt, recordedAt)),
      action,
      fraction,
      reason,
      hold_score,
      exit_score,
      policy,
    };
  }

  /** BRD-1. */
  #decide(snapshot: PositionSnapshot): Verdict {
    try {
      return verdictOf(snapshot, this.#policy);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      const r = boundedR(snapshot, this.#policy);
      return {
        action: 'HOLD',
        fraction: 0,
        reason: NOT_SCORABLE,
        hold_score: 0,
        exit_score: 0,
        r,
        policy: this.#policy.id,
      };
    }
  }

  #cooldownUntil(
    last: LastPartial | null,
    intents: ReadonlyMap<IntentId, EpochMillis>,
    observedAt: EpochMillis,
  ): EpochMillis | null {
    const partialAt = last === null ? undefined : intents.get(last.intentId);
    if (last === null || partialAt === undefined || partialAt > last.reportedAt + AHEAD_MS) return null;
    const until = cooldownEnd(partialAt, this.#limits);
    return until > observedAt ? until : null;
  }

  #forget(open: ReadonlySet<PositionId>): void {
    const unopened = new Set<PositionId>();
    for (const id of this.#known.keys()) {
      if (open.has(id)) continue;
      if (this.#unopened.has(id)) this.#known.delete(id);
      else unopened.add(id);
    }
    this.#unopened = unopened;
  }

  #allDirty(): void {
    for (const id of this.#shown.keys()) this.#dirty.add(id);
  }

  #of(id: PositionId): Known {
    let known = this.#known.get(id);
    if (known === undefined) {
      known = { snapshot: null, recordedAt: 0, history: new RHistory(), intents: new Map(), lastPartial: null };
      this.#known.set(id, known);
    }
    return known;
  }
}

/** Best R first; equal ones by id, so that rows keep their places. */
export function bestFirst(positions: readonly BoardPosition[]): readonly BoardPosition[] {
  return positions.toSorted((one, other) => other.r - one.r || (one.position_id < other.position_id ? -1 : 1));
}

/** R, or the greatest that a record may have where it is beyond. */
function boundedR(snapshot: PositionSnapshot, policy: Policy): number {
  return Math.max(-GREATEST_R, Math.min(GREATEST_R, rOf(snapshot, policy)));
}
