import type { PnlSample } from './pnl-unit.ts';

/** Far more than quantiles of a factor need; kept in memory while an input is surveyed. Unit: rows. */
const MOST_SAMPLED = 100_000;

/**
 * Chooses the rows of an input that tell the unit of its results: all of them, or a sample of a large one that is the same on every
 * run. Chosen by a hash of the row's number, for recorders write in patterns: every second row may be of the other bot.
 */
export class PnlSurvey {
  #samples: (readonly [hash: number, sample: PnlSample])[] = [];
  /** Rows with a hash below it are sampled. */
  #below = 2 ** 32;

  wants(row: number): boolean {
    return hashOf(row) < this.#below;
  }

  add(row: number, sample: PnlSample): void {
    this.#samples.push([hashOf(row), sample]);
    if (this.#samples.length <= MOST_SAMPLED) return;
    this.#below /= 2;
    this.#samples = this.#samples.filter(([hash]) => hash < this.#below);
  }

  samples(): readonly PnlSample[] {
    return this.#samples.map(([, sample]) => sample);
  }
}

/** The finaliser of MurmurHash3: neighbours come out far apart. */
function hashOf(row: number): number {
  let hash = row >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
