import type { Random } from '../../ports/random.ts';
import { argsort } from './argsort.ts';
import { RESAMPLES, drawBlocks } from './bootstrap.ts';
import { cellsOf } from './cells.ts';
import { type Dependence, widthFor } from './dependence.ts';
import { percentileOf } from './percentile.ts';
import type { Auc } from './report.ts';

/** For the interval alone, more confidences than this are grouped: the interval is far wider than such a group. Unit: cells. */
const CELLS = 500;

/**
 * The probability that a win was said with more confidence than a loss; ties count half (Mann and Whitney). 0.5: confidence does not
 * tell them apart; below it, the surer the model the less often it is right. A rising map leaves it as it is. With a 95 % interval
 * from drawing the blocks of `dependence`. NaN where one label is missing.
 */
export function aucOf(x: Float64Array, y: Float64Array, { ends }: Pick<Dependence, 'ends'>, random: Random): Auc {
  const value = exactAuc(x, y);
  if (Number.isNaN(value)) return { value, low: 0, high: 1 };
  const cells = cellsOf(x, CELLS);
  const byBlock = Array.from(ends, (end, block) =>
    countsOf(cells.of, y, block === 0 ? 0 : (ends[block - 1] as number), end),
  );
  const drawn: number[] = [];
  const stream = random.stream('auc');
  const wins = new Float64Array(cells.length);
  const losses = new Float64Array(cells.length);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    wins.fill(0);
    losses.fill(0);
    drawBlocks(stream, ends.length).forEach((times, block) => {
      if (times === 0) return;
      for (const [cell, won, lost] of byBlock[block] ?? []) {
        wins[cell] = (wins[cell] as number) + times * won;
        losses[cell] = (losses[cell] as number) + times * lost;
      }
    });
    const one = aucOfCells(wins, losses);
    if (!Number.isNaN(one)) drawn.push(one);
  }
  if (drawn.length === 0) return { value, low: 0, high: 1 };
  const ascending = Float64Array.from(drawn).toSorted();
  const mean = drawn.reduce((sum, one) => sum + one, 0) / drawn.length;
  const width = widthFor(ends.length);
  return {
    value,
    low: Math.max(0, value + width * Math.min(0, percentileOf(ascending, 0.025) - mean)),
    high: Math.min(1, value + width * Math.max(0, percentileOf(ascending, 0.975) - mean)),
  };
}

type CellCount = readonly [cell: number, wins: number, losses: number];

function countsOf(cellOf: Uint32Array, y: Float64Array, start: number, end: number): readonly CellCount[] {
  const counts = new Map<number, [number, number, number]>();
  for (let row = start; row < end; row++) {
    const cell = cellOf[row] as number;
    let count = counts.get(cell);
    if (count === undefined) counts.set(cell, (count = [cell, 0, 0]));
    if ((y[row] as number) > 0.5) count[1] += 1;
    else count[2] += 1;
  }
  return [...counts.values()];
}

function aucOfCells(wins: Float64Array, losses: Float64Array): number {
  let below = 0;
  let won = 0;
  let pairs = 0;
  for (let cell = 0; cell < wins.length; cell++) {
    const more = wins[cell] as number;
    const less = losses[cell] as number;
    pairs += more * (below + less / 2);
    below += less;
    won += more;
  }
  return pairs / (won * below);
}

function exactAuc(x: Float64Array, y: Float64Array): number {
  const order = argsort(x);
  let pairs = 0;
  let below = 0;
  let won = 0;
  for (let at = 0; at < order.length;) {
    const said = x[order[at] as number];
    let wins = 0;
    let losses = 0;
    while (at < order.length && x[order[at] as number] === said) {
      if ((y[order[at] as number] as number) > 0.5) wins += 1;
      else losses += 1;
      at += 1;
    }
    pairs += wins * (below + losses / 2);
    below += losses;
    won += wins;
  }
  return pairs / (won * below);
}
