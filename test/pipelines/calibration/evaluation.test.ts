import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { dependenceOf } from '../../../pipelines/calibration/block-bootstrap.ts';
import { evaluateMap, reliability, resampleScores } from '../../../pipelines/calibration/evaluation.ts';
import { brier, decompose, ece, logLoss } from '../../../pipelines/calibration/scores.ts';
import type { Random } from '../../../ports/random.ts';

/** Half a 95 % interval, standard normal. Unit: standard deviations. */
const Z = 1.959964;

/** Forecasts on at most 40 levels, so that every level has a cell of its own and nothing is approximated. */
function rowsOf(n: number) {
  const stream = new SeededRandom(21).stream('rows');
  const before = Float64Array.from({ length: n }, () => (stream.integer(0, 39) + 0.5) / 40);
  const after = before.map((p) => 0.2 + 0.5 * p);
  return { before, after, y: after.map((p) => (stream.uniform() < p ? 1 : 0)) };
}

/** Random numbers that draw these blocks over and over. */
function drawing(blocks: readonly number[]): Random {
  let at = 0;
  const uniform = (): number => ((blocks[at++ % blocks.length] ?? Number.NaN) + 0.5) / blocks.length;
  return { stream: () => ({ uniform, integer: () => Number.NaN, normal: () => Number.NaN }) };
}

const spreadOf = (values: Float64Array): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
};

describe('a resample', () => {
  test.each([
    [60, 60],
    [1000, 1000],
    [2500, 1000],
  ])('of %d rows scores what its rows score, drawn as %d blocks', (n, blocks) => {
    const { before, after, y } = rowsOf(n);
    const stream = new SeededRandom(8).stream('draws');
    const drawn = Array.from({ length: blocks }, () => stream.integer(0, blocks - 1));
    const rows = drawn.flatMap((block) => {
      const from = Math.floor((block * n) / blocks);
      return Array.from({ length: Math.floor(((block + 1) * n) / blocks) - from }, (_, at) => from + at);
    });
    const pick = (values: Float64Array) => Float64Array.from(rows, (row) => values[row] ?? Number.NaN);
    const resamples = resampleScores(before, after, y, dependenceOf({ x: before, y }).ends, drawing(drawn));
    for (const [found, p] of [
      [resamples.before, before],
      [resamples.after, after],
    ] as const) {
      const [said, outcomes] = [pick(p), pick(y)];
      const expected = {
        brier: brier(said, outcomes),
        log_loss: logLoss(said, outcomes),
        ece: ece(said, outcomes),
        ...decompose(said, outcomes),
      };
      for (const resample of [found[0], found.at(-1)])
        for (const [name, value] of Object.entries(expected))
          expect(resample?.[name as keyof typeof expected], name).toBeCloseTo(value, 10);
    }
  });

  test('draws every block equally often', () => {
    const n = 50;
    const y = new Float64Array(n);
    // Only the last row has an error: its share of the draws is the mean score.
    const p = new Float64Array(n);
    p[n - 1] = 1;
    const { before } = resampleScores(p, p, y, dependenceOf({ x: p, y }).ends, new SeededRandom(4));
    expect(before.reduce((sum, scores) => sum + scores.brier, 0) / before.length).toBeCloseTo(1 / n, 2.5);
  });
});

describe('an interval', () => {
  const { before, after, y } = rowsOf(900);
  const { scores } = evaluateMap(before, after, y, dependenceOf({ x: before, y }), new SeededRandom(1));
  const errorsOf = (p: Float64Array, error: (p: number, y: number) => number) =>
    p.map((said, row) => error(said, y[row] ?? Number.NaN));
  const squared = (p: Float64Array) => errorsOf(p, (said, outcome) => (said - outcome) ** 2);
  const logs = (p: Float64Array) => errorsOf(p, (said, outcome) => -Math.log(outcome === 1 ? said : 1 - said));

  test.each([
    ['brier', squared],
    ['log_loss', logs],
  ] as const)('of %s is as wide, on both sides, as the normal approximation says', (name, errors) => {
    const score = scores.find((one) => one.name === name);
    if (score === undefined) throw new Error(name);
    const paired = errors(after).map((value, row) => value - (errors(before)[row] ?? Number.NaN));
    for (const [value, interval, spread] of [
      [score.before, score.before_interval, spreadOf(errors(before))],
      [score.after, score.after_interval, spreadOf(errors(after))],
      // It would be far wider if before and after were drawn apart.
      [score.change, score.change_interval, spreadOf(paired)],
    ] as const) {
      const half = (Z * spread) / Math.sqrt(y.length);
      for (const side of [value - interval.low, interval.high - value]) {
        expect(side / half).toBeGreaterThan(0.8);
        expect(side / half).toBeLessThan(1.2);
      }
    }
  });
});

describe('the consistency band', () => {
  // Fewer rows than 64 are drawn one by one, more by a normal approximation.
  test.each([50, 400, 10_000])('of one forecast for %d rows is the binomial interval around it', (n) => {
    const p = new Float64Array(n).fill(0.3);
    const { band } = reliability(
      p,
      p.map(() => 0),
      new SeededRandom(6),
    );
    const half = Z * Math.sqrt((0.3 * 0.7) / n);
    expect(band.x).toEqual([expect.closeTo(0.3, 12)]);
    for (const side of [0.3 - (band.low[0] ?? Number.NaN), (band.high[0] ?? Number.NaN) - 0.3]) {
      expect(side / half).toBeGreaterThan(0.75);
      expect(side / half).toBeLessThan(1.25);
    }
  });

  test('has at most 101 points, however many forecasts there are, and the histogram counts every row', () => {
    const stream = new SeededRandom(2).stream('forecasts');
    const p = Float64Array.from({ length: 5000 }, () => stream.uniform());
    p[0] = 1;
    const found = reliability(
      p,
      p.map((said) => (stream.uniform() < said ? 1 : 0)),
      new SeededRandom(6),
    );
    expect(found.band.x).toHaveLength(101);
    expect([found.band.x[0], found.band.x.at(-1)]).toEqual([expect.closeTo(0, 2), expect.closeTo(1, 2)]);
    found.band.low.forEach((low, at) => expect(low).toBeLessThanOrEqual(found.band.high[at] ?? Number.NaN));
    expect(found.histogram.reduce((sum, rows) => sum + rows, 0)).toBe(5000);
  });
});

/** Calibrated forecasts, and the same ones 0.2 too high. */
function overstated(n: number) {
  const stream = new SeededRandom(11).stream('rows');
  const after = Float64Array.from({ length: n }, () => 0.2 + 0.5 * stream.uniform());
  const y = after.map((p) => (stream.uniform() < p ? 1 : 0));
  return { before: after.map((p) => p + 0.2), after, y };
}

describe('an evaluation', () => {
  test.each([60, 1500])('of %d rows: intervals hold the estimate, and the same seed draws them again', (n) => {
    const { before, after, y } = overstated(n);
    const one = evaluateMap(before, after, y, dependenceOf({ x: before, y }), new SeededRandom(1));
    for (const { name, before_interval, after_interval, change_interval, ...score } of one.scores) {
      for (const [value, interval] of [
        [score.before, before_interval],
        [score.after, after_interval],
        [score.change, change_interval],
      ] as const) {
        expect(interval.low, name).toBeLessThanOrEqual(value);
        expect(interval.high, name).toBeGreaterThanOrEqual(value);
      }
    }
    expect(evaluateMap(before, after, y, dependenceOf({ x: before, y }), new SeededRandom(1))).toEqual(one);
    expect(evaluateMap(before, after, y, dependenceOf({ x: before, y }), new SeededRandom(2))).not.toEqual(one);
  });

  test('of 1,500 rows sees that a gap of 0.2 was closed, and that the calibrated forecast stays in its band', () => {
    const { before, after, y } = overstated(1500);
    const { scores, reliability: diagrams } = evaluateMap(
      before,
      after,
      y,
      dependenceOf({ x: before, y }),
      new SeededRandom(1),
    );
    const brierScore = scores.find(({ name }) => name === 'brier');
    expect(brierScore?.change_interval.high).toBeLessThan(0);
    expect(scores.find(({ name }) => name === 'ece')?.before).toBeCloseTo(0.2, 1);
    const outside = ({ x, y: fitted, band }: typeof diagrams.before): number =>
      x.filter((at, index) => {
        const point = band.x.findIndex((edge) => edge >= at);
        const level = fitted[index] ?? Number.NaN;
        return level < (band.low[point] ?? -Infinity) - 0.05 || level > (band.high[point] ?? Infinity) + 0.05;
      }).length / x.length;
    expect(outside(diagrams.after)).toBeLessThan(0.2);
    expect(outside(diagrams.before)).toBeGreaterThan(0.5);
  });

  test('an interval narrows with more rows, about as the root of their number', () => {
    const widths = [500, 8000].map((n) => {
      const { before, after, y } = overstated(n);
      const interval = evaluateMap(before, after, y, dependenceOf({ x: before, y }), new SeededRandom(1)).scores[0]
        ?.after_interval;
      return (interval?.high ?? Number.NaN) - (interval?.low ?? Number.NaN);
    });
    const ratio = (widths[0] ?? Number.NaN) / (widths[1] ?? Number.NaN);
    expect(ratio).toBeGreaterThan(2.5);
    expect(ratio).toBeLessThan(6.5);
  });
});
