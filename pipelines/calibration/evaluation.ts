import type { Random, RandomStream } from '../../ports/random.ts';
import { calibrate } from '../scoring/confidence-map.ts';
import { type Dependence, RESAMPLES, bootstrapInterval, drawBlocks } from './block-bootstrap.ts';
import { fitIsotonic, mapOfBlocks, poolAdjacentViolators } from './isotonic.ts';
import { type Evaluation, type Reliability, SCORE_NAMES, type ScoreName } from './report.ts';
import {
  ECE_BINS,
  brier,
  decompose,
  ece,
  eceBin,
  eceOfGaps,
  logError,
  logLoss,
  pooledScores,
  squaredError,
} from './scores.ts';
import { cellsOf, quantileOf } from './statistics.ts';

/** What a map changes: every score before and after with its interval, and the reliability diagrams of both. */

type Scores = Readonly<Record<ScoreName, number>>;

/** These cannot be negative, nor can the ends of their intervals. */
const NOT_NEGATIVE: ReadonlySet<ScoreName> = new Set(['ece', 'mcb', 'dsc']);

/** Compares two forecasts of the same outcomes, in time order. `ends` are the blocks that are drawn together. */
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

/** The scores without the diagrams. */
export function scoreChanges(
  before: Float64Array,
  after: Float64Array,
  y: Float64Array,
  { ends }: Pick<Dependence, 'ends'>,
  random: Random,
): Evaluation['scores'] {
  const scored = { before: scoresOf(before, y), after: scoresOf(after, y) };
  const resamples = resampleScores(before, after, y, ends, random);
  return SCORE_NAMES.map((name) => {
    const befores = Float64Array.from(resamples.before, (scores) => scores[name]);
    const afters = Float64Array.from(resamples.after, (scores) => scores[name]);
    const changes = afters.map((value, at) => value - (befores[at] as number));
    const change = scored.after[name] - scored.before[name];
    const intervalOf = (estimate: number, values: Float64Array) => {
      const { low, high } = bootstrapInterval(estimate, values, ends.length);
      return { low: NOT_NEGATIVE.has(name) ? Math.max(0, low) : low, high };
    };
    return {
      name,
      before: scored.before[name],
      after: scored.after[name],
      change,
      before_interval: intervalOf(scored.before[name], befores),
      after_interval: intervalOf(scored.after[name], afters),
      change_interval: bootstrapInterval(change, changes, ends.length),
    };
  });
}

function scoresOf(p: Float64Array, y: Float64Array): Scores {
  return { brier: brier(p, y), log_loss: logLoss(p, y), ece: ece(p, y), ...decompose(p, y) };
}

/** The ends of a 95 % band move by about a tenth of its width from seed to seed. Unit: resamples. */
const BAND_RESAMPLES = 200;

/** For the band, forecasts are grouped into at most so many cells: it is far wider than a cell. Unit: cells. */
const BAND_CELLS = 2000;

/** One for each percent: finer is not seen. Unit: points. */
const BAND_POINTS = 101;

const HISTOGRAM_BINS = 20;

/** Above so many rows a binomial number is drawn as a rounded normal one. Unit: rows. */
const EXACT_DRAWS = 64;

/**
 * The CORP reliability diagram with a 95 % consistency band: outcomes are drawn as if the forecasts were right, and the band holds the
 * isotonic fits of these draws.
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
  const { mean: forecast, rows, length } = cellsOf(p, BAND_CELLS);
  const low = forecast[0] as number;
  const high = forecast[length - 1] as number;
  const points = high > low ? BAND_POINTS : 1;
  const grid = Array.from({ length: points }, (_, at) =>
    points === 1 ? low : low + (at / (points - 1)) * (high - low),
  );
  const draws = grid.map(() => new Float64Array(BAND_RESAMPLES));
  const stream = random.stream('consistency-band');
  const drawn = new Float64Array(length);
  for (let resample = 0; resample < BAND_RESAMPLES; resample++) {
    for (let cell = 0; cell < length; cell++) {
      const n = rows[cell] as number;
      drawn[cell] = binomial(stream, n, forecast[cell] as number) / n;
    }
    const map = mapOfBlocks(forecast, poolAdjacentViolators(drawn, rows, length));
    for (let at = 0; at < points; at++) (draws[at] as Float64Array)[resample] = calibrate(map, grid[at] as number);
  }
  const sorted = draws.map((values) => values.toSorted());
  return {
    x: grid,
    low: sorted.map((values) => quantileOf(values, 0.025)),
    high: sorted.map((values) => quantileOf(values, 0.975)),
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

/** For MCB and DSC of a resample, forecasts are grouped into at most so many cells: isotonic fits have fewer levels. Unit: cells. */
const SCORE_CELLS = 500;

/** The scores of each resample. */
interface Resamples {
  readonly before: readonly Scores[];
  readonly after: readonly Scores[];
}

/**
 * Draws blocks and scores both forecasts, so that the change is paired. A resample costs as much for a million rows as for a thousand: it
 * adds sums of blocks.
 */
export function resampleScores(
  before: Float64Array,
  after: Float64Array,
  y: Float64Array,
  ends: Uint32Array,
  random: Random,
): Resamples {
  const sums = [new BlockSums(before, y, ends), new BlockSums(after, y, ends)] as const;
  const stream = random.stream('bootstrap');
  const drawn: { before: Scores[]; after: Scores[] } = { before: [], after: [] };
  for (let resample = 0; resample < RESAMPLES; resample++) {
    const counts = drawBlocks(stream, ends.length);
    drawn.before.push(sums[0].scores(counts));
    drawn.after.push(sums[1].scores(counts));
  }
  return drawn;
}

/** The sums of each block from which the scores of one forecast follow. */
class BlockSums {
  readonly #rows: Float64Array;
  readonly #squared: Float64Array;
  readonly #logs: Float64Array;
  /** By block and bin. */
  readonly #gaps: Float64Array;
  readonly #cells: number;
  /** The cells with a row of the block, block after block, with their rows and wins. Sparse: in a small sample a block is one row. */
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
        const forecast = p[row] as number;
        const outcome = y[row] as number;
        add(this.#rows, block, 1);
        add(this.#squared, block, squaredError(forecast, outcome));
        add(this.#logs, block, logError(forecast, outcome));
        add(this.#gaps, block * ECE_BINS + eceBin(forecast), forecast - outcome);
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
  scores(counts: Uint32Array): Scores {
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
