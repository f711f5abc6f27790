import type { EpochMillis } from '../../schemas/generated/records.ts';
import type { OutcomeRow } from './dataset.ts';
import { type Interval, Z_95 } from './statistics.ts';
import type { Selection } from './usable-rows.ts';

/** What `--by` can split outcomes by. */
export const SLICED_BY = ['symbol', 'side', 'regime', 'age', 'policy'] as const;
export type SlicedBy = (typeof SLICED_BY)[number];

/** Counts are in outcomes, shares and gaps in probability. */
export interface SliceFigures {
  readonly by: SlicedBy | 'all' | 'week';
  readonly name: string;
  readonly n: number;
  readonly wins: number;
  readonly hit_rate: number;
  readonly mean_confidence: number;
  /** mean_confidence - hit_rate: above 0 the model is over-confident. */
  readonly gap: number;
  /** 95 % interval; null below 10 days. */
  readonly gap_low: number | null;
  readonly gap_high: number | null;
  readonly brier: number;
}

/** The figures of one model: of all its outcomes, of each part, and of each week. Parts inform; the map stays one a model. */
export interface SlicedOutcomes {
  readonly all: SliceFigures;
  readonly slices: readonly SliceFigures[];
  /** Oldest first; a week is named by its Monday, UTC. */
  readonly weeks: readonly SliceFigures[];
  readonly cusum: Cusum | null;
}

const UNKNOWN = 'unknown';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The first Monday of 1970, 0:00 UTC. Unit: milliseconds since 1970. */
const MONDAY_MS = 4 * DAY_MS;

/** As policies judge age: fresh below an hour, old from six hours on. Ascending. */
const AGES: readonly (readonly [below: number, name: string])[] = [
  [HOUR_MS, 'below 1 h'],
  [6 * HOUR_MS, '1 to 6 h'],
  [DAY_MS, '6 to 24 h'],
  [Infinity, '24 h and more'],
];

const NAME_OF: Readonly<Record<SlicedBy, (row: OutcomeRow) => string>> = {
  symbol: ({ symbol }) => symbol,
  side: ({ side }) => side,
  regime: ({ results }) => results?.regime_at_entry ?? UNKNOWN,
  age: ageOf,
  policy: ({ results }) => results?.policy_at_close ?? UNKNOWN,
};

/** Figures of the usable outcomes of a model, which come in time order. */
export function sliceFigures(
  model: string,
  { usable, labels }: Pick<Selection, 'usable' | 'labels'>,
  by: readonly SlicedBy[],
): SlicedOutcomes {
  const all = new Part('all', model);
  const weeks = new Parts('week', ({ closed_at: at }) => weekOf(at));
  const dimensions = by.map((dimension) => new Parts(dimension, NAME_OF[dimension]));
  usable.forEach((row, index) => {
    const won = labels[index] === 'WIN';
    all.add(row, won);
    weeks.add(row, won);
    for (const parts of dimensions) parts.add(row, won);
  });
  return {
    all: all.figures(),
    slices: dimensions.flatMap((parts) => parts.figures().toSorted((one, other) => other.n - one.n)),
    weeks: weeks.figures(),
    cusum: all.cusum(),
  };
}

class Part {
  readonly #by: SliceFigures['by'];
  readonly #name: string;
  readonly #gaps = new DayGaps();
  #n = 0;
  #wins = 0;
  #confidence = 0;

  constructor(by: SliceFigures['by'], name: string) {
    this.#by = by;
    this.#name = name;
  }

  add({ closed_at, confidence }: OutcomeRow, won: boolean): void {
    // Usable rows have a confidence.
    const known = confidence ?? Number.NaN;
    this.#n += 1;
    this.#wins += won ? 1 : 0;
    this.#confidence += known;
    this.#gaps.add({ closed_at, confidence: known, won });
  }

  cusum(): Cusum | null {
    return this.#gaps.cusum();
  }

  figures(): SliceFigures {
    const interval = this.#gaps.interval();
    return {
      by: this.#by,
      name: this.#name,
      n: this.#n,
      wins: this.#wins,
      hit_rate: this.#wins / this.#n,
      mean_confidence: this.#confidence / this.#n,
      gap: this.#gaps.gap,
      gap_low: interval?.low ?? null,
      gap_high: interval?.high ?? null,
      brier: this.#gaps.brier,
    };
  }
}

/** The parts along one dimension. */
class Parts {
  readonly #by: SliceFigures['by'];
  readonly #nameOf: (row: OutcomeRow) => string;
  readonly #parts = new Map<string, Part>();

  constructor(by: SliceFigures['by'], nameOf: (row: OutcomeRow) => string) {
    this.#by = by;
    this.#nameOf = nameOf;
  }

  add(row: OutcomeRow, won: boolean): void {
    const name = this.#nameOf(row);
    let part = this.#parts.get(name);
    if (part === undefined) this.#parts.set(name, (part = new Part(this.#by, name)));
    part.add(row, won);
  }

  /** By name. */
  figures(): readonly SliceFigures[] {
    return [...this.#parts].toSorted(byName).map(([, part]) => part.figures());
  }
}

/** Unknown where a position closed when it opened: recorders write unknown durations so. */
function ageOf({ opened_at, closed_at }: OutcomeRow): string {
  const age = closed_at - opened_at;
  return age <= 0 ? UNKNOWN : (AGES.find(([below]) => age < below)?.[1] ?? UNKNOWN);
}

function weekOf(at: number): string {
  const monday = at - ((((at - MONDAY_MS) % (7 * DAY_MS)) + 7 * DAY_MS) % (7 * DAY_MS));
  return new Date(monday).toISOString().slice(0, 10);
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}

/** What DayGaps needs of an outcome. */
export interface ConfidentOutcome {
  readonly closed_at: EpochMillis;
  readonly confidence: number;
  readonly won: boolean;
}

export interface Cusum {
  /** The largest distance of the running sum of deviations from 0. Unit: its standard deviations. */
  readonly statistic: number;
  /** A gap that never changed exceeds it in 1 of 20 cases (Kolmogorov's distribution). */
  readonly threshold: number;
  /** The gap before this day differs most from the gap after it. Unit: milliseconds since 1970, 0:00 UTC. */
  readonly day: EpochMillis;
}

/** With fewer days their spread is hardly known. Unit: days. */
const LEAST_DAYS = 10;

/** 95 % quantile of the largest absolute value of a Brownian bridge. */
const KOLMOGOROV_95 = 1.3581;

/**
 * The gap between mean confidence and the share of wins, counted by day: positions of one day share the market and are not independent.
 * Memory grows with the days only. Invariants:
 * CAL-4  The interval comes from the spread of the sums of days, and is never narrower than that of independent outcomes.
 * CAL-5  What too few days cannot tell is null.
 */
export class DayGaps {
  readonly #days = new Map<number, { sum: number; n: number }>();
  #n = 0;
  #sum = 0;
  #squares = 0;

  add({ closed_at: closedAt, confidence, won }: ConfidentOutcome): void {
    const deviation = confidence - (won ? 1 : 0);
    const day = Math.floor(closedAt / DAY_MS);
    let sums = this.#days.get(day);
    if (sums === undefined) this.#days.set(day, (sums = { sum: 0, n: 0 }));
    sums.sum += deviation;
    sums.n += 1;
    this.#n += 1;
    this.#sum += deviation;
    this.#squares += deviation * deviation;
  }

  /** Mean confidence minus the share that won. */
  get gap(): number {
    return this.#sum / this.#n;
  }

  /** Mean squared error of the confidences. */
  get brier(): number {
    return this.#squares / this.#n;
  }

  /** 95 % interval of the gap (CAL-4); null below LEAST_DAYS (CAL-5). */
  interval(): Interval | null {
    const days = this.#days.size;
    if (days < LEAST_DAYS) return null;
    const squares = this.#daySums().reduce((sum, [, one]) => sum + one * one, 0);
    const clustered = (squares * days) / (days - 1);
    const independent = this.#squares - this.#n * this.gap * this.gap;
    const half = (Z_95 * Math.sqrt(Math.max(clustered, independent))) / this.#n;
    return { low: this.gap - half, high: this.gap + half };
  }

  /** Whether the gap changed over time; null below twice LEAST_DAYS (CAL-5). */
  cusum(): Cusum | null {
    const sums = this.#daySums().toSorted(([one], [other]) => one - other);
    const spread = Math.sqrt(sums.reduce((sum, [, one]) => sum + one * one, 0));
    if (sums.length < 2 * LEAST_DAYS || spread === 0) return null;
    let running = 0;
    let farthest = { distance: 0, day: 0 };
    for (const [day, sum] of sums) {
      running += sum;
      if (Math.abs(running) > farthest.distance) farthest = { distance: Math.abs(running), day: (day + 1) * DAY_MS };
    }
    return { statistic: farthest.distance / spread, threshold: KOLMOGOROV_95, day: farthest.day };
  }

  /** By day, the sum of the deviations of its outcomes from the gap. */
  #daySums(): readonly (readonly [day: number, sum: number])[] {
    const { gap } = this;
    return Array.from(this.#days, ([day, { sum, n }]) => [day, sum - n * gap] as const);
  }
}
