/**
 * The processes that work accounts, folded from desk.process, and whether they live.
 *
 * A process writes a record every BEAT_MS. One whose latest record is older than GONE_MS was killed, or cannot reach the log: it is
 * taken for gone. Times are those of the machines, whose clocks may differ by a few seconds.
 */
import type { DeskProcess, EpochMillis } from '../../schemas/generated/records.ts';

/** Often enough that a process that was killed is known to be gone within a quarter of a minute. Unit: milliseconds. */
export const BEAT_MS = 3000;

/** Four beats may be lost to a rebalance or a slow broker. Unit: milliseconds. */
export const GONE_MS = 15_000;

/**
 * `dev` as a process: one at a time works a data folder, and a lock there tells whether it does. Its records bear the market's time, so
 * they say nothing about when it lived.
 */
export const DEV_PROCESS = 'dev';

export class Processes {
  readonly #latest = new Map<string, DeskProcess>();

  apply(record: DeskProcess): void {
    this.#latest.set(record.process, record);
  }

  of(process: string): DeskProcess | undefined {
    return this.#latest.get(process);
  }

  /** Those that have not said that they ended, whenever they were seen last, in the order of their names. */
  unended(): readonly DeskProcess[] {
    return [...this.#latest.values()]
      .filter(({ state }) => state === 'WORKING')
      .toSorted((one, other) => (one.process < other.process ? -1 : 1));
  }

  /** Those that work at `now`, in the order of their names. */
  working(now: EpochMillis): readonly DeskProcess[] {
    return this.unended().filter(({ seen_at }) => now - seen_at <= GONE_MS);
  }
}
