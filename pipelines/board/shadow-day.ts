import type { BoardShadow } from '../../ports/board.ts';
import type { EpochMillis, ShadowDecision } from '../../schemas/generated/records.ts';

const HOUR_MS = 60 * 60 * 1000;
const HOURS = 24;

interface Counts {
  decisions: number;
  resized: number;
  flips: number;
}

/** Counts of shadow.decision over the latest day, hour by hour, so that a day costs a few counters and not its records. Pure. */
export class ShadowDay {
  /** By candidate and the policy that it is held against, then by number of the hour since the epoch. */
  readonly #hours = new Map<string, Map<number, Counts>>();
  #newest = -Infinity;

  add({ policy, against, observed_at, action, current_action, fraction, current_fraction }: ShadowDecision): void {
    const hour = Math.floor(observed_at / HOUR_MS);
    this.#newest = Math.max(this.#newest, hour);
    if (hour <= this.#newest - HOURS) return;
    const key = JSON.stringify([policy, against]);
    let hours = this.#hours.get(key);
    if (hours === undefined) this.#hours.set(key, (hours = new Map()));
    const counts = hours.get(hour) ?? { decisions: 0, resized: 0, flips: 0 };
    hours.set(hour, counts);
    counts.decisions += 1;
    if (action !== current_action) counts.flips += 1;
    else if (fraction !== current_fraction) counts.resized += 1;
    for (const old of hours.keys()) if (old <= this.#newest - HOURS) hours.delete(old);
  }

  /** By candidate, then by the policy in force. The day ends at `now`; the hour that it begins in counts whole. */
  figures(now: EpochMillis): readonly BoardShadow[] {
    const first = Math.floor(now / HOUR_MS) - HOURS;
    return [...this.#hours]
      .map(([key, hours]) => shadowOf(key, hours, first))
      .filter(({ decisions }) => decisions > 0)
      .toSorted((one, other) => compare(one.policy, other.policy) || compare(one.against, other.against));
  }
}

function shadowOf(key: string, hours: ReadonlyMap<number, Counts>, first: number): BoardShadow {
  const [policy = '', against = ''] = JSON.parse(key) as readonly string[];
  const sums = { decisions: 0, resized: 0, flips: 0 };
  for (const [hour, { decisions, resized, flips }] of hours) {
    if (hour <= first) continue;
    sums.decisions += decisions;
    sums.resized += resized;
    sums.flips += flips;
  }
  return { policy, against, ...sums, agreed: sums.decisions - sums.resized - sums.flips };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
