/** The scoreboard of candidate policies, counted from shadow.decision. */
import { type ActionMatrix, emptyMatrix } from '../../render/action-matrix.ts';
import type { EpochMillis, ShadowDecision } from '../../schemas/generated/records.ts';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** How many of the latest flips are kept. */
const LATEST_FLIPS = 5;

/** The comparison of one candidate with one policy in force. */
export interface ShadowScore {
  readonly policy: string;
  readonly against: string;
  readonly decisions: number;
  /** Both took the same action and fraction, or the same action with another fraction, or another action. */
  readonly agreed: number;
  readonly resized: number;
  readonly flips: number;
  /** HOLD against HOLD is never recorded, so it is not counted. */
  readonly matrix: ActionMatrix;
  /** Flips within an hour and a day before `as_of`. */
  readonly flips_last_hour: number;
  readonly flips_last_day: number;
  /** The newest first. */
  readonly latest_flips: readonly ShadowDecision[];
}

/**
 * Counts the records of shadow.decision. Memory grows with the flips of one day, not with the topic.
 *
 * SCO-23  decisions = agreed + resized + flips = the sum of the matrix; a flip is another action.
 * SCO-24  A repeated record counts once: a batch may be appended twice (at least once), and then in the same order.
 * SCO-25  The last hour ends at the newest observed_at of all candidates: it is event time, whatever the machine's clock says.
 * SCO-26  A candidate has one score against each policy in force.
 * SCO-27  The order in which partitions are read changes nothing: following the topic gives the same board as reading it at once.
 */
export class ShadowBoard {
  readonly #tallies = new Map<string, Tally>();
  #asOf: EpochMillis | null = null;

  /** Counts a record; those of a partition come in its order. False for a repeated one. */
  add(record: ShadowDecision, partition: number): boolean {
    const key = JSON.stringify([record.policy, record.against]);
    let tally = this.#tallies.get(key);
    if (tally === undefined) {
      tally = new Tally(record);
      this.#tallies.set(key, tally);
    }
    if (!tally.add(record, partition)) return false;
    this.#asOf = Math.max(this.#asOf ?? -Infinity, record.observed_at);
    return true;
  }

  /** The newest observed_at; null before the first record. */
  get asOf(): EpochMillis | null {
    return this.#asOf;
  }

  /** By candidate, then by policy in force. */
  scores(): readonly ShadowScore[] {
    const asOf = this.#asOf ?? 0;
    return [...this.#tallies.values()]
      .map((tally) => tally.score(asOf))
      .toSorted((a, b) => compare(a.policy, b.policy) || compare(a.against, b.against));
  }
}

class Tally {
  readonly #policy: string;
  readonly #against: string;
  readonly #matrix = emptyMatrix();
  /** The record's partition with its snapshot's topic and partition -> the highest snapshot offset counted (SCO-24). */
  readonly #counted = new Map<string, number>();
  readonly #flipTimes = new RecentTimes(DAY_MS);
  #decisions = 0;
  #resized = 0;
  #flips = 0;
  #latest: readonly ShadowDecision[] = [];

  constructor({ policy, against }: ShadowDecision) {
    this.#policy = policy;
    this.#against = against;
  }

  /** False for a repeated record. */
  add(record: ShadowDecision, partition: number): boolean {
    const { input, action, current_action: current } = record;
    const source = `${partition} ${input.topic} ${input.partition}`;
    if (input.offset <= (this.#counted.get(source) ?? -1)) return false;
    this.#counted.set(source, input.offset);
    this.#decisions += 1;
    this.#matrix[current][action] += 1;
    if (action !== current) this.#flip(record);
    else if (record.fraction !== record.current_fraction) this.#resized += 1;
    return true;
  }

  score(asOf: EpochMillis): ShadowScore {
    return {
      policy: this.#policy,
      against: this.#against,
      decisions: this.#decisions,
      agreed: this.#decisions - this.#resized - this.#flips,
      resized: this.#resized,
      flips: this.#flips,
      matrix: structuredClone(this.#matrix),
      flips_last_hour: this.#flipTimes.countAfter(asOf - HOUR_MS),
      flips_last_day: this.#flipTimes.countAfter(asOf - DAY_MS),
      latest_flips: this.#latest,
    };
  }

  #flip(record: ShadowDecision): void {
    this.#flips += 1;
    this.#flipTimes.add(record.observed_at);
    const oldest = this.#latest.at(-1);
    if (this.#latest.length === LATEST_FLIPS && oldest !== undefined && newestFirst(oldest, record) <= 0) return;
    this.#latest = [...this.#latest, record].toSorted(newestFirst).slice(0, LATEST_FLIPS);
  }
}

/** Newest first; those of the same time in the order of their snapshots (SCO-27). */
function newestFirst(a: ShadowDecision, b: ShadowDecision): number {
  return b.observed_at - a.observed_at || a.input.partition - b.input.partition || a.input.offset - b.input.offset;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** How many times are kept before old ones are first removed. */
const FIRST_SWEEP = 1024;

/** The times of events, added in any order. Only those within `spanMs` of the newest are kept: older ones are never asked for. */
export class RecentTimes {
  readonly #spanMs: number;
  #times: EpochMillis[] = [];
  #newest = -Infinity;
  #sweepAt = FIRST_SWEEP;

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  /** How many times are held in memory. */
  get held(): number {
    return this.#times.length;
  }

  add(time: EpochMillis): void {
    this.#newest = Math.max(this.#newest, time);
    if (time <= this.#newest - this.#spanMs) return;
    this.#times.push(time);
    if (this.#times.length < this.#sweepAt) return;
    this.#times = this.#times.filter((each) => each > this.#newest - this.#spanMs);
    // At twice what is left, so that the cost of each time stays bounded.
    this.#sweepAt = Math.max(FIRST_SWEEP, this.#times.length * 2);
  }

  /** How many are later than `from`, which must be within the span. */
  countAfter(from: EpochMillis): number {
    return this.#times.reduce((count, time) => (time > from ? count + 1 : count), 0);
  }
}
