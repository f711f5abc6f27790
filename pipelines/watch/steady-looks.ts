import type { EpochMillis } from '../../schemas/generated/records.ts';

interface Timed {
  readonly at: EpochMillis;
}

/** What a look changed: those that are believed through it, oldest first. */
export interface Believed<L extends Timed> {
  readonly looks: readonly L[];
  /** All before these was a wrong clock's. */
  readonly anew: boolean;
}

const NOTHING = { looks: [], anew: false } as const;

/** One look behind is a wrong clock's, two may be a batch that comes again. Unit: looks. */
const LOOKS_BEHIND = 3;

/**
 * Looks at one position in the order of the log, of which one may carry a time that is far off: it must not move a clock.
 *
 * T1  A look that is not newer than the one before is a repeat, and changes nothing.
 * T2  A look that leaps ahead waits. The next one decides: where time goes on from it, it was right (the source had paused); where
 *     that one is earlier, the clock was wrong.
 * T3  Nothing speaks for the time of a first look. It is taken, and given up when the second is a leap before
 *     it, or two go on from a leap after it.
 * T4  Looks that go on from each other a leap behind say that the clock was wrong for a while: what came since is given up.
 */
export class SteadyLooks<L extends Timed> {
  readonly #leapMs: number;
  #last: L | null = null;
  #ahead: L | null = null;
  #behind: readonly L[] = [];
  #steady = false;

  constructor(leapMs: number) {
    this.#leapMs = leapMs;
  }

  /** The time come to; -Infinity before any look. */
  get at(): EpochMillis {
    return this.#last?.at ?? -Infinity;
  }

  /** Two looks agree on it. */
  get steady(): boolean {
    return this.#steady;
  }

  /** A look that waits for the next; null without one. */
  get ahead(): L | null {
    return this.#ahead;
  }

  tell(look: L): Believed<L> {
    if (this.#last === null) return this.#goOn([look]);
    if (look.at <= this.#last.at) return this.#back(look, this.#last);
    if (!this.#leaps(this.#last, look)) {
      this.#steady = true;
      return this.#goOn([look]);
    }
    const ahead = this.#ahead;
    if (ahead === null || look.at <= ahead.at) {
      this.#ahead = look;
      return NOTHING;
    }
    // T3 again: two looks speak against a first one.
    const anew = !this.#steady;
    this.#steady = true;
    if (!this.#leaps(ahead, look)) return this.#goOn([ahead, look], anew);
    const believed = this.#goOn([ahead], anew);
    this.#ahead = look;
    return believed;
  }

  #goOn(looks: readonly L[], anew = false): Believed<L> {
    this.#last = looks.at(-1) ?? this.#last;
    this.#ahead = null;
    this.#behind = [];
    return { looks, anew };
  }

  #back(look: L, last: L): Believed<L> {
    if (look.at === last.at) return NOTHING;
    this.#ahead = null;
    if (!this.#leaps(look, last)) return NOTHING;
    const before = this.#behind.at(-1);
    if (before?.at === look.at) return NOTHING;
    this.#behind = before !== undefined && before.at < look.at ? [...this.#behind, look] : [look];
    if (this.#steady && this.#behind.length < LOOKS_BEHIND) return NOTHING;
    return this.#goOn(this.#behind, true);
  }

  #leaps(from: L, to: L): boolean {
    return to.at - from.at > this.#leapMs;
  }
}

/** How far one position's looks have come. */
export interface TimeComeTo {
  readonly at: EpochMillis;
  readonly steady: boolean;
}

/**
 * The time that positions have come to together; -Infinity without any. The newest time that two looks at a position agree on, or
 * a first look that is no leap beyond it. Where there are only first looks: the newest that another one is near to, else the
 * oldest, since a clock that is late raises nothing falsely.
 */
export function timeOf(positions: readonly TimeComeTo[], leapMs: number): EpochMillis {
  const steady = positions.reduce((newest, one) => (one.steady ? Math.max(newest, one.at) : newest), -Infinity);
  if (steady > -Infinity)
    return positions.reduce((newest, { at }) => (at <= steady + leapMs ? Math.max(newest, at) : newest), steady);
  const newestFirst = positions.map(({ at }) => at).toSorted((one, other) => other - one);
  return (
    newestFirst.find((at, index) => at - (newestFirst[index + 1] ?? -Infinity) <= leapMs) ??
    newestFirst.at(-1) ??
    -Infinity
  );
}
