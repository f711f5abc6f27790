import { Decimal } from 'decimal.js';

/**
 * The unit of a recorder's pnl_percent. Bots write results in per cent of margin, leverage included, or as a ratio; read as the
 * move of the price in per cent, these would give other labels. Invariants:
 *
 * CLM-21  The factor between result and price move is found over a whole file, never over a row: one odd row is an odd row.
 * CLM-22  Costs are no factor: a result that lies below the move by about the same amount in every row is in per cent.
 * CLM-23  The sign is not compared: a result whose sign contradicts the prices is warned of, row by row.
 */
export interface PnlSample {
  readonly pnl: number;
  /** Of the price, in the position's favour, in per cent of the entry price. */
  readonly move: number;
  /** As the row says. */
  readonly leverage: number | null;
}

/** The unit that a person names for pnl_percent. */
export type PnlUnit =
  | { readonly kind: 'percent' }
  | { readonly kind: 'ratio' }
  /** `by` null: as each row says itself. */
  | { readonly kind: 'leveraged'; readonly by: number | null };

export type PnlFinding =
  /** Results are so many times the move. */
  | { readonly kind: 'factor'; readonly factor: number; readonly rows: number; readonly measured: number }
  /** Results are each row's leverage times the move. */
  | { readonly kind: 'leverage'; readonly rows: number; readonly measured: number }
  /** Results have nothing to do with the moves: the middle four fifths lie between these factors. */
  | {
      readonly kind: 'scattered';
      readonly low: number;
      readonly high: number;
      readonly rows: number;
      readonly measured: number;
    };

/** Below it rounding decides the factor. Unit: per cent. */
const LEAST_MOVE = 0.05;

/** A result may be off by so much of what is expected: slippage, prices that were rounded. */
const TOLERANCE = 0.1;

/** Fewer rows that are off are odd rows, and no sign of a unit. Unit: rows; share of the rows that were measured. */
const LEAST_ROWS = 3;
const LEAST_SHARE = 0.2;

/** So many of the rows that are off must say the same. */
const AGREEING = 0.8;

/** A line through fewer rows fits anything. */
const LEAST_FOR_COSTS = 10;

/** Nearer to 1 a factor is costs or rounding. */
const ONE_FROM = 0.8;
const ONE_TO = 1.25;

/** Results that are further off than this, either way, are not the move with some costs. */
const SCATTERED_BEYOND = 2;

/** Decimals that a result is rounded to, at most: a double has no more that mean something here. */
const MOST_DECIMALS = 8;

/** The unit found, or null: results are the move of the price in per cent, as far as the samples show. */
export function findPnlUnit(samples: readonly PnlSample[]): PnlFinding | null {
  const rounding = roundingOf(samples);
  const measured = samples.filter(({ move }) => Math.abs(move) >= LEAST_MOVE);
  const near = (found: number, expected: number): boolean =>
    Math.abs(found - expected) <= rounding + TOLERANCE * Math.abs(expected);
  const sizes = (by: (sample: PnlSample) => number) => (sample: PnlSample) =>
    near(Math.abs(sample.pnl), by(sample) * Math.abs(sample.move));
  const isPercent = sizes(() => 1);
  const off = measured.filter((sample) => !isPercent(sample));
  if (off.length < LEAST_ROWS || off.length < LEAST_SHARE * measured.length) return null;
  const counts = { rows: off.length, measured: measured.length };
  const most = (agrees: (sample: PnlSample) => boolean): boolean => off.filter(agrees).length >= AGREEING * off.length;

  const ratios = off.map(({ pnl, move }) => Math.abs(pnl / move)).toSorted((a, b) => a - b);
  const factor = quantile(ratios, 0.5);
  if (factor > 0 && most(sizes(() => factor))) return factorFound(factor, counts);
  if (most((sample) => sample.leverage !== null && sizes(() => sample.leverage ?? 1)(sample)))
    return { kind: 'leverage', ...counts };
  const line = lineOf(off);
  if (line !== null && most(({ pnl, move }) => near(pnl, line.slope * move + line.costs)))
    return factorFound(Math.abs(line.slope), counts);
  const scattered = off.length >= Math.max(LEAST_FOR_COSTS, AGREEING * measured.length);
  if (!scattered || (factor >= 1 / SCATTERED_BEYOND && factor <= SCATTERED_BEYOND)) return null;
  return { kind: 'scattered', low: quantile(ratios, 0.1), high: quantile(ratios, 0.9), ...counts };
}

/** What was found of results that `unit` has turned into per cent, said of the results as they were recorded. */
export function asRecorded(found: PnlFinding, unit: PnlUnit): PnlFinding {
  const times = unit.kind === 'ratio' ? 0.01 : unit.kind === 'leveraged' ? (unit.by ?? 1) : 1;
  if (found.kind === 'factor') return { ...found, factor: roundFactor(found.factor * times) };
  return found.kind === 'scattered' ? { ...found, low: found.low * times, high: found.high * times } : found;
}

/** The result in per cent of the price. Null where the row does not say by what to divide. */
export function percentOf(pnl: number, unit: PnlUnit, leverage: number | null): number | null {
  if (unit.kind === 'percent') return pnl;
  // In decimals: 0.007 as a ratio is 0.7 %, not 0.7000000000000001.
  if (unit.kind === 'ratio') return new Decimal(pnl).times(100).toNumber();
  const by = unit.by ?? leverage;
  return by === null ? null : new Decimal(pnl).div(by).toNumber();
}

function factorFound(factor: number, counts: { readonly rows: number; readonly measured: number }): PnlFinding | null {
  if (factor >= ONE_FROM && factor <= ONE_TO) return null;
  return { kind: 'factor', factor: roundFactor(factor), ...counts };
}

/** Half of the last decimal that the recorder writes: 0.005 where results have two. */
function roundingOf(samples: readonly PnlSample[]): number {
  let most = 0;
  for (const { pnl } of samples) most = Math.max(most, decimalsOf(pnl));
  // Slightly more: halves are not exact in binary.
  return 0.501 * 10 ** -most;
}

function decimalsOf(value: number): number {
  const text = String(value);
  if (text.includes('e-')) return MOST_DECIMALS;
  const point = text.indexOf('.');
  return point === -1 ? 0 : Math.min(MOST_DECIMALS, text.length - point - 1);
}

/** Results as slope times move plus costs, little moved by odd rows (Theil 1950, the incomplete method). Null where moves are alike. */
function lineOf(samples: readonly PnlSample[]): { readonly slope: number; readonly costs: number } | null {
  if (samples.length < LEAST_FOR_COSTS) return null;
  const sorted = samples.toSorted((a, b) => a.move - b.move);
  const half = Math.floor(sorted.length / 2);
  const slopes: number[] = [];
  for (const [index, one] of sorted.slice(0, half).entries()) {
    const other = sorted[index + sorted.length - half];
    if (other !== undefined && other.move - one.move >= LEAST_MOVE)
      slopes.push((other.pnl - one.pnl) / (other.move - one.move));
  }
  if (slopes.length < half / 2) return null;
  const slope = quantile(
    slopes.toSorted((a, b) => a - b),
    0.5,
  );
  const costs = samples.map(({ pnl, move }) => pnl - slope * move).toSorted((a, b) => a - b);
  return { slope, costs: quantile(costs, 0.5) };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

/** As a person would say it: a leverage of 4.98 is 5, a ratio of 0.0099 is 0.01, of a leverage 0.0502 is 0.05. */
function roundFactor(factor: number): number {
  const unit = factor < 0.5 ? 0.01 : 1;
  const whole = Math.round(factor / unit);
  const near = whole >= 1 && Math.abs(factor / unit - whole) <= 0.03 * whole;
  return near ? Number((whole * unit).toPrecision(3)) : Number(factor.toPrecision(3));
}

/** Far more than quantiles of a factor need; kept in memory while an input is surveyed. Unit: rows. */
const MOST_SAMPLED = 100_000;

/**
 * Chooses the rows of an input that its unit is found by: all of them, or of a large one a sample that is the same on every
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
