/** The regularisation of betacal, 1 / 99999999999: next to none, but separable data have a finite answer. Unit: none. */
const PENALTY = 1 / 99_999_999_999;

/** Coefficients of logit p = a ln x - b ln(1 - x) + c. */
interface Beta {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export function betaAt({ a, b, c }: Beta, x: number): number {
  const inside = clipped(x);
  const z = a * Math.log(inside) - b * Math.log(1 - inside) + c;
  return 1 / (1 + Math.exp(-z));
}

/**
 * Beta calibration (Kull, Silva Filho and Flach 2017), as betacal's BetaCalibration('abm') fits it: logistic regression on ln x and
 * -ln(1 - x). A coefficient that comes out negative is dropped, and the other one is fitted again.
 */
export function fitBeta(x: Float64Array, y: Float64Array, weights: Float64Array | null = null): Beta {
  const low = new Float64Array(x.length);
  const high = new Float64Array(x.length);
  for (let row = 0; row < x.length; row++) {
    const inside = clipped(x[row] as number);
    low[row] = Math.log(inside);
    high[row] = -Math.log(1 - inside);
  }
  const [a = 0, b = 0, c = 0] = fitLogistic([low, high], y, PENALTY, weights);
  if (a < 0) {
    const [only = 0, intercept = 0] = fitLogistic([high], y, PENALTY, weights);
    return { a: 0, b: only, c: intercept };
  }
  if (b < 0) {
    const [only = 0, intercept = 0] = fitLogistic([low], y, PENALTY, weights);
    return { a: only, b: 0, c: intercept };
  }
  return { a, b, c };
}

/**
 * The same with a >= 0 and b >= 0, so that the map rises: where one coefficient was dropped and the other one came out negative, the dropped
 * one is fitted alone. Null where no rising map fits better than a constant.
 */
export function fitRisingBeta(x: Float64Array, y: Float64Array, weights: Float64Array | null = null): Beta | null {
  const free = fitBeta(x, y, weights);
  if (free.a >= 0 && free.b >= 0) return free.a > 0 || free.b > 0 ? free : null;
  const column = x.map(free.a < 0 ? (value) => -Math.log(1 - clipped(value)) : (value) => Math.log(clipped(value)));
  const [only = 0, c = 0] = fitLogistic([column], y, PENALTY, weights);
  if (!(only > 0)) return null;
  return free.a < 0 ? { a: 0, b: only, c } : { a: only, b: 0, c };
}

/** A confidence an epsilon inside 0 and 1, as betacal keeps it: their log-odds are infinite. */
export function clipped(x: number): number {
  return Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, x));
}

/** Newton's method takes far fewer; more are only reached where rounding stops progress. Unit: steps. */
const MAX_STEPS = 200;

/** A step that was halved this often is given up. Unit: halvings. */
const MAX_HALVINGS = 40;

/** A step that gains no more than this is exact to rounding, as in sigmoid.ts. Unit: nats. */
const LAST_STEP_GAINS = 1e-7;

/**
 * Logistic regression by Newton's method with back-tracking. `features` are columns; `y` is 0 or 1. `penalty` times half the squared
 * coefficients (not the intercept) is added to the loss, so that separable data have a finite answer. `rowWeights` null: all rows weigh 1.
 * Returns the coefficients, the intercept last.
 */
function fitLogistic(
  features: readonly Float64Array[],
  y: Float64Array,
  penalty: number,
  rowWeights: Float64Array | null = null,
): readonly number[] {
  const size = features.length + 1;
  const columns = [...features, new Float64Array(y.length).fill(1)];
  let weights: number[] = Array.from({ length: size }, () => 0);
  const lossAt = (at: readonly number[]): number => {
    let loss = 0;
    for (let row = 0; row < y.length; row++) {
      let z = 0;
      for (let column = 0; column < size; column++)
        z += (at[column] as number) * ((columns[column] as Float64Array)[row] as number);
      const cost = (z > 0 ? z : 0) + Math.log1p(Math.exp(-Math.abs(z))) - (y[row] as number) * z;
      loss += rowWeights === null ? cost : (rowWeights[row] as number) * cost;
    }
    for (let column = 0; column < size - 1; column++) loss += (penalty / 2) * (at[column] as number) ** 2;
    return loss;
  };
  let loss = lossAt(weights);
  for (let step = 0; step < MAX_STEPS; step++) {
    const { gradient, hessian } = derivatives(columns, y, weights, penalty, rowWeights);
    const direction = solve(hessian, gradient);
    const moved = (scale: number): number[] =>
      weights.map((weight, column) => weight - scale * (direction[column] as number));
    const gain = direction.reduce((sum, value, column) => sum + value * (gradient[column] as number), 0) / 2;
    if (gain <= LAST_STEP_GAINS) return moved(1);
    let candidate = moved(1);
    let next = lossAt(candidate);
    for (let halvings = 1; !(next <= loss) && halvings <= MAX_HALVINGS; halvings++) {
      candidate = moved(2 ** -halvings);
      next = lossAt(candidate);
    }
    if (!(next <= loss)) break;
    weights = candidate;
    loss = next;
  }
  return weights;
}

function derivatives(
  columns: readonly Float64Array[],
  y: Float64Array,
  weights: readonly number[],
  penalty: number,
  rowWeights: Float64Array | null,
) {
  const size = columns.length;
  const gradient = new Float64Array(size);
  const hessian = Array.from({ length: size }, () => new Float64Array(size));
  for (let row = 0; row < y.length; row++) {
    let z = 0;
    for (let column = 0; column < size; column++)
      z += (weights[column] as number) * ((columns[column] as Float64Array)[row] as number);
    const p = 1 / (1 + Math.exp(-z));
    const rowWeight = rowWeights === null ? 1 : (rowWeights[row] as number);
    const error = rowWeight * (p - (y[row] as number));
    const spread = rowWeight * p * (1 - p);
    for (let one = 0; one < size; one++) {
      const value = (columns[one] as Float64Array)[row] as number;
      gradient[one] = (gradient[one] as number) + value * error;
      const line = hessian[one] as Float64Array;
      for (let other = 0; other <= one; other++)
        line[other] = (line[other] as number) + value * spread * ((columns[other] as Float64Array)[row] as number);
    }
  }
  for (let one = 0; one < size; one++) {
    const line = hessian[one] as Float64Array;
    for (let other = 0; other < one; other++) (hessian[other] as Float64Array)[one] = line[other] as number;
    if (one < size - 1) {
      gradient[one] = (gradient[one] as number) + penalty * (weights[one] as number);
      line[one] = (line[one] as number) + penalty;
    }
  }
  return { gradient, hessian };
}

/** Added to the diagonal, so that a flat direction can be solved and the answer does not move. Unit: ratio of the diagonal. */
const JITTER = 1e-14;

/** Solves two or three linear equations by Gaussian elimination with pivots. */
function solve(matrix: readonly Float64Array[], right: Float64Array): readonly number[] {
  const size = right.length;
  const rows = matrix.map((line, index) => {
    const copy = [...line, right[index] as number];
    copy[index] = (copy[index] as number) * (1 + JITTER) + Number.MIN_VALUE;
    return copy;
  });
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++)
      if (Math.abs(rows[row]?.[column] ?? 0) > Math.abs(rows[pivot]?.[column] ?? 0)) pivot = row;
    const line = rows[pivot] as number[];
    rows[pivot] = rows[column] as number[];
    rows[column] = line;
    const head = line[column] as number;
    if (head === 0) continue;
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const other = rows[row] as number[];
      const factor = (other[column] as number) / head;
      for (let at = column; at <= size; at++) other[at] = (other[at] as number) - factor * (line[at] as number);
    }
  }
  return rows.map((line, index) => {
    const head = line[index] as number;
    return head === 0 ? 0 : (line[size] as number) / head;
  });
}
