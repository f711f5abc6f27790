import type { Random } from '../../ports/random.ts';
import { RESAMPLES, drawBlocks } from './bootstrap.ts';
import { type Dependence, widthFor } from './dependence.ts';
import type { Method } from './method.ts';
import { percentileOf } from './percentile.ts';
import type { Range } from './report.ts';
import { squaredError } from './scores.ts';

/** By how much the method of a map did better out of fold than the next one. */
export interface Winner {
  readonly next: Method;
  /** Brier score of the next one minus that of the map's method: below 0 where a method was asked for and another did better. */
  readonly margin: number;
  /** 95 %: reaching 0, the two are not told apart. */
  readonly interval: Range;
}

/** The margin of `chosen` over `next`, with an interval from drawing the blocks of `dependence`. */
export function marginOf(
  chosen: Float64Array,
  next: Float64Array,
  y: Float64Array,
  { ends }: Pick<Dependence, 'ends'>,
  random: Random,
): Omit<Winner, 'next'> {
  const sums = new Float64Array(ends.length);
  const sizes = new Float64Array(ends.length);
  let start = 0;
  let total = 0;
  ends.forEach((end, block) => {
    let sum = 0;
    for (let row = start; row < end; row++)
      sum +=
        squaredError(next[row] as number, y[row] as number) - squaredError(chosen[row] as number, y[row] as number);
    sums[block] = sum;
    sizes[block] = end - start;
    total += sum;
    start = end;
  });
  const margin = total / y.length;
  const stream = random.stream('winner');
  const drawn = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    let n = 0;
    drawBlocks(stream, ends.length).forEach((times, block) => {
      sum += times * (sums[block] as number);
      n += times * (sizes[block] as number);
    });
    return sum / n;
  }).toSorted();
  const mean = drawn.reduce((sum, one) => sum + one, 0) / drawn.length;
  const width = widthFor(ends.length);
  return {
    margin,
    interval: {
      low: margin + width * Math.min(0, percentileOf(drawn, 0.025) - mean),
      high: margin + width * Math.max(0, percentileOf(drawn, 0.975) - mean),
    },
  };
}
