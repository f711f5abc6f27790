import type { Random } from '../../ports/random.ts';
import type { RandomStream } from '../../ports/random.ts';
import { cellsOf } from './cells.ts';
import { pooledScores } from './corp.ts';
import { ECE_BINS, eceBin, eceOfGaps, logError, squaredError } from './scores.ts';

/**
 * The block bootstrap of all scores. Consecutive blocks of rows (dependence.ts) are drawn with replacement: that respects what
 * outcomes of one time share, and makes a resample as cheap for a million rows as for a thousand. Before and after are drawn together,
 * so their change is paired.
 * For MCB and DSC forecasts are grouped into at most 500 cells, within the resamples only.
 */

/** Ends of a 95 % interval move by about a tenth of its width from seed to seed; fewer would show. Unit: resamples. */
export const RESAMPLES = 500;

/** Isotonic fits of a million outcomes have some hundred levels. Unit: cells. */
const SCORE_CELLS = 500;

export const SCORE_NAMES = ['brier', 'log_loss', 'ece', 'mcb', 'dsc', 'unc'] as const;
export type ScoresByName = Readonly<Record<(typeof SCORE_NAMES)[number], number>>;

/** Each resample's scores, before and after. */
export interface Resamples {
  readonly before: readonly ScoresByName[];
  readonly after: readonly ScoresByName[];
}

/** How often each of `blocks` was drawn in as many draws, with replacement. */
export function drawBlocks(stream: RandomStream, blocks: number): Uint32Array {
  const counts = new Uint32Array(blocks);
  for (let draw = 0; draw < blocks; draw++) {
    const block = Math.floor(stream.uniform() * blocks);
    counts[block] = (counts[block] as number) + 1;
  }
  return counts;
}

/** `ends`: where each block of rows ends, exclusive. */
export function resampleScores(
  before: Float64Array,
  after: Float64Array,
  y: Float64Array,
  ends: Uint32Array,
  random: Random,
): Resamples {
  const sums = [new BlockSums(before, y, ends), new BlockSums(after, y, ends)] as const;
  const stream = random.stream('bootstrap');
  const drawn: { before: ScoresByName[]; after: ScoresByName[] } = { before: [], after: [] };
  for (let resample = 0; resample < RESAMPLES; resample++) {
    const counts = drawBlocks(stream, ends.length);
    drawn.before.push(sums[0].scores(counts));
    drawn.after.push(sums[1].scores(counts));
  }
  return drawn;
}

/** What each block adds to the scores of one forecast. */
class BlockSums {
  readonly #rows: Float64Array;
  readonly #squared: Float64Array;
  readonly #logs: Float64Array;
  /** By block and bin. */
  readonly #gaps: Float64Array;
  readonly #cells: number;
  /** The cells that each block touches, one after the other, with rows and wins: sparse, since a block is one row in a small sample. */
  readonly #starts: Uint32Array;
  readonly #touched: Uint32Array;
  readonly #touchedRows: Float64Array;
  readonly #touchedWins: Float64Array;

  constructor(p: Float64Array, y: Float64Array, ends: Uint32Array) {
    const blocks = ends.length;
    const cells = cellsOf(p, SCORE_CELLS);
    this.#cells = cells.length;
    this.#rows = new Float64Array(blocks);
    this.#squared = new Float64Array(blocks);
    this.#logs = new Float64Array(blocks);
    this.#gaps = new Float64Array(blocks * ECE_BINS);
    this.#starts = new Uint32Array(blocks + 1);
    const touched: number[] = [];
    const touchedRows: number[] = [];
    const touchedWins: number[] = [];
    const slotOf = new Int32Array(cells.length).fill(-1);
    for (let block = 0; block < blocks; block++) {
      const start = touched.length;
      this.#starts[block] = start;
      const end = ends[block] as number;
      for (let row = block === 0 ? 0 : (ends[block - 1] as number); row < end; row++) {
        const said = p[row] as number;
        const outcome = y[row] as number;
        add(this.#rows, block, 1);
        add(this.#squared, block, squaredError(said, outcome));
        add(this.#logs, block, logError(said, outcome));
        add(this.#gaps, block * ECE_BINS + eceBin(said), said - outcome);
        const cell = cells.of[row] as number;
        let slot = slotOf[cell] as number;
        if (slot < start) {
          slot = touched.length;
          slotOf[cell] = slot;
          touched.push(cell);
          touchedRows.push(0);
          touchedWins.push(0);
        }
        touchedRows[slot] = (touchedRows[slot] as number) + 1;
        touchedWins[slot] = (touchedWins[slot] as number) + outcome;
      }
    }
    this.#starts[blocks] = touched.length;
    this.#touched = Uint32Array.from(touched);
    this.#touchedRows = Float64Array.from(touchedRows);
    this.#touchedWins = Float64Array.from(touchedWins);
  }

  /** The scores of a resample that draws each block `counts` times. */
  scores(counts: Uint32Array): ScoresByName {
    let n = 0;
    let squared = 0;
    let logs = 0;
    const gaps = new Float64Array(ECE_BINS);
    const rows = new Float64Array(this.#cells);
    const wins = new Float64Array(this.#cells);
    for (let block = 0; block < counts.length; block++) {
      const times = counts[block] as number;
      if (times === 0) continue;
      n += times * (this.#rows[block] as number);
      squared += times * (this.#squared[block] as number);
      logs += times * (this.#logs[block] as number);
      for (let bin = 0; bin < ECE_BINS; bin++) add(gaps, bin, times * (this.#gaps[block * ECE_BINS + bin] as number));
      const end = this.#starts[block + 1] as number;
      for (let slot = this.#starts[block] as number; slot < end; slot++) {
        const cell = this.#touched[slot] as number;
        add(rows, cell, times * (this.#touchedRows[slot] as number));
        add(wins, cell, times * (this.#touchedWins[slot] as number));
      }
    }
    for (let cell = 0; cell < this.#cells; cell++)
      if ((rows[cell] as number) > 0) wins[cell] = (wins[cell] as number) / (rows[cell] as number);
    const { recalibrated, unc } = pooledScores(wins, rows, this.#cells);
    const brierScore = squared / n;
    return {
      brier: brierScore,
      log_loss: logs / n,
      ece: eceOfGaps(gaps, n),
      mcb: brierScore - recalibrated,
      dsc: unc - recalibrated,
      unc,
    };
  }
}

function add(values: Float64Array, at: number, more: number): void {
  values[at] = (values[at] as number) + more;
}
