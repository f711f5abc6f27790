import { argsort } from './argsort.ts';

/** Rows put into cells by their forecast, ascending. Equal forecasts share a cell. */
export interface Cells {
  /** The cell of each row. */
  readonly of: Uint32Array;
  /** Mean forecast of each cell. */
  readonly forecast: Float64Array;
  readonly rows: Float64Array;
  readonly length: number;
}

/** At most about `most` cells of about equally many rows: each distinct forecast has its own where there are no more than that. */
export function cellsOf(p: Float64Array, most: number): Cells {
  const n = p.length;
  const order = argsort(p);
  const of = new Uint32Array(n);
  const share = n / most;
  const distinct = countDistinct(p, order);
  let cell = -1;
  let previous = Number.NaN;
  let filledTo = 0;
  for (let at = 0; at < n; at++) {
    const row = order[at] as number;
    const value = p[row] as number;
    if (value !== previous && (distinct <= most || at >= filledTo)) {
      cell += 1;
      filledTo = (cell + 1) * share;
    }
    previous = value;
    of[row] = cell;
  }
  const length = cell + 1;
  const forecast = new Float64Array(length);
  const rows = new Float64Array(length);
  for (let row = 0; row < n; row++) {
    const own = of[row] as number;
    forecast[own] = (forecast[own] as number) + (p[row] as number);
    rows[own] = (rows[own] as number) + 1;
  }
  for (let own = 0; own < length; own++) forecast[own] = (forecast[own] as number) / (rows[own] as number);
  return { of, forecast, rows, length };
}

function countDistinct(p: Float64Array, order: Uint32Array): number {
  let count = 0;
  let previous = Number.NaN;
  for (const row of order) {
    const value = p[row] as number;
    if (value !== previous) count += 1;
    previous = value;
  }
  return count;
}
