import type { Random, RandomStream } from '../../ports/random.ts';
import {
  decompose,
  brier,
  ece,
  logLoss,
  pooledScores,
  ECE_BINS,
  eceBin,
  eceOfGaps,
  logError,
  squaredError,
} from './scores.ts';
import { type Dependence, widthFor, RESAMPLES, drawBlocks } from './block-bootstrap.ts';
import { percentileOf, cellsOf } from './statistics.ts';
import type { Evaluation, Range, ScoreName, Reliability } from './report.ts';
import { calibrate } from '../scoring/confidence-map.ts';
import { fitIsotonic, mapOfBlocks, poolAdjacentViolators } from './isotonic.ts';

/** These cannot be negative, nor can the ends of their intervals. */
const NOT_NEGATIVE: ReadonlySet<ScoreName> = new Set(['ece', 'mcb', 'dsc']);

/**
 * Scores of two forecasts of the same outcomes, in time order, with 95 % intervals. An interval is the estimate plus the spread of
 * the resamples around their own mean: ECE, MCB and DSC come out too large in every resample, and plain percentiles would sit
 * beside the estimate. `dependence` says which rows are drawn together.
 */
export function evaluateMap(
  before: Float64Array,
  after: Float64Array,
  y: Float64Array,
  { ends }: Pick<Dependence, 'ends'>,
  random: Random,
): Evaluation {
  return {
    n: y.length,
    scores: scoreChanges(before, after, y, { ends }, random),
    reliability: { before: reliability(before, y, random), after: reliability(after, y, random) },
  };
}

/** The scores alone. */
export function scoreChanges(
  before: Float64Array,
  after: Float64Array,
  y: Float64Array,
  { ends }: Pick<Dependence, 'ends'>,
  random: Random,
): Evaluation['scores'] {
  const said = scoresOf(before, y);
  const mapped = scoresOf(after, y);
  const resamples = resampleScores(before, after, y, ends, random);
  const width = widthFor(ends.length);
  return SCORE_NAMES.map((name) => {
    const befores = Float64Array.from(resamples.before, (scores) => scores[name]);
    const afters = Float64Array.from(resamples.after, (scores) => scores[name]);
    const changes = afters.map((value, at) => value - (befores[at] as number));
    const floor = NOT_NEGATIVE.has(name) ? 0 : -Infinity;
    return {
      name,
      before: said[name],
      after: mapped[name],
      change: mapped[name] - said[name],
      before_interval: around(said[name], befores, width, floor),
      after_interval: around(mapped[name], afters, width, floor),
      change_interval: around(mapped[name] - said[name], changes, width, -Infinity),
    };
  });
}

function scoresOf(p: Float64Array, y: Float64Array): ScoresByName {
  return { brier: brier(p, y), log_loss: logLoss(p, y), ece: ece(p, y), ...decompose(p, y) };
}

function around(estimate: number, values: Float64Array, width: number, floor: number): Range {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const ascending = values.toSorted();
  return {
    low: Math.max(floor, estimate + width * Math.min(0, percentileOf(ascending, 0.025) - mean)),
    high: estimate + width * Math.max(0, percentileOf(ascending, 0.975) - mean),
  };
}

/** Enough for the ends of a 95 % band to stand still to about a tenth of its width. Unit: resamples. */
const BAND_RESAMPLES = 200;

/** For the band alone, more forecasts than this are grouped: the band is far wider than such a group. Unit: groups. */
const BAND_CELLS = 2000;

/** One for each percent is as fine as anyone sees. Unit: points. */
const BAND_POINTS = 101;

const HISTOGRAM_BINS = 20;

/** Above this a binomial number is drawn as a rounded normal one. Unit: rows. */
const EXACT_DRAWS = 64;

/**
 * CORP reliability diagram with a 95 % consistency band: outcomes are drawn as if the forecasts were right, with the forecasts
 * as they are, and the isotonic fit of each draw is kept.
 */
export function reliability(p: Float64Array, y: Float64Array, random: Random): Reliability {
  const curve = fitIsotonic(p, y);
  const histogram = new Float64Array(HISTOGRAM_BINS);
  for (const forecast of p) {
    const bin = Math.min(HISTOGRAM_BINS - 1, Math.floor(forecast * HISTOGRAM_BINS));
    histogram[bin] = (histogram[bin] as number) + 1;
  }
  return { ...curve, band: bandOf(p, random), histogram: [...histogram] };
}

function bandOf(p: Float64Array, random: Random): Reliability['band'] {
  const { forecast, rows, length } = cellsOf(p, BAND_CELLS);
  const low = forecast[0] as number;
  const high = forecast[length - 1] as number;
  const points = high > low ? BAND_POINTS : 1;
  const grid = Array.from({ length: points }, (_, at) =>
    points === 1 ? low : low + (at / (points - 1)) * (high - low),
  );
  const draws = grid.map(() => new Float64Array(BAND_RESAMPLES));
  const stream = random.stream('consistency-band');
  const mean = new Float64Array(length);
  for (let resample = 0; resample < BAND_RESAMPLES; resample++) {
    for (let cell = 0; cell < length; cell++) {
      const n = rows[cell] as number;
      mean[cell] = binomial(stream, n, forecast[cell] as number) / n;
    }
    const map = mapOfBlocks(forecast, poolAdjacentViolators(mean, rows, length));
    for (let at = 0; at < points; at++) (draws[at] as Float64Array)[resample] = calibrate(map, grid[at] as number);
  }
  const sorted = draws.map((values) => values.toSorted());
  return {
    x: grid,
    low: sorted.map((values) => percentileOf(values, 0.025)),
    high: sorted.map((values) => percentileOf(values, 0.975)),
  };
}

function binomial(stream: RandomStream, n: number, p: number): number {
  if (n > EXACT_DRAWS) {
    const drawn = Math.round(n * p + Math.sqrt(n * p * (1 - p)) * stream.normal());
    return Math.min(n, Math.max(0, drawn));
  }
  let wins = 0;
  for (let draw = 0; draw < n; draw++) if (stream.uniform() < p) wins += 1;
  return wins;
}

/**
 * The block bootstrap of all scores. Consecutive blocks of rows (block-bootstrap.ts) are drawn with replacement: that respects what
 * outcomes of one time share, and makes a resample as cheap for a million rows as for a thousand. Before and after are drawn together,
 * so their change is paired.
 * For MCB and DSC forecasts are grouped into at most 500 cells, within the resamples only.
 */

/** Isotonic fits of a million outcomes have some hundred levels. Unit: cells. */
const SCORE_CELLS = 500;

const SCORE_NAMES = ['brier', 'log_loss', 'ece', 'mcb', 'dsc', 'unc'] as const;
type ScoresByName = Readonly<Record<(typeof SCORE_NAMES)[number], number>>;

/** Each resample's scores, before and after. */
export interface Resamples {
  readonly before: readonly ScoresByName[];
  readonly after: readonly ScoresByName[];
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
