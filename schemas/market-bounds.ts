/**
 * The numbers that a market, an account and a calendar can have, by the unit that a field's `doc` names. They stand in the schemas
 * (lint rule `market-bound`), so that whatever is computed from records that passed their check is finite, and can be recorded:
 *
 * SCH-10  pnl_quote is at most price x quantity, 1e27; pnl_percent at most the ratio of two prices, 1e24, in per cent. Sums over the
 *         slices of a position have their own, larger ends: half a million slices fit into the largest record.
 * SCH-11  R is the one figure that valid inputs can drive beyond its bounds, where a stop is closer to the entry than prices can be told
 *         apart: scoring refuses such a snapshot, and a trade's r_net is null then.
 *
 * They are generous on purpose. A number beyond them is a wrong unit, a mixed-up field or a fault, never a market; so a version
 * of a schema may add them to one that was released without (compare-checks.ts, TOL-3).
 */
import type { Bounds } from './avro-schema.ts';

interface MarketBound {
  /** As the doc of a field ends: `Unit: …`. */
  readonly unit: string;
  readonly minimum: number;
  readonly maximum: number;
  /** Why no truthful record lies beyond it. */
  readonly why: string;
}

/** What a Date can name (ECMA-262): beyond it no reader can show a time. Unit: milliseconds since 1970. */
const LAST_DATE_MS = 8.64e15;

export const MARKET_BOUNDS: readonly MarketBound[] = [
  {
    unit: 'quote currency per contract',
    minimum: 1e-12,
    maximum: 1e12,
    why: 'the cheapest contracts are quoted at 1e-9, a bitcoin in the weakest currency costs about 1e10',
  },
  {
    unit: 'contracts of the symbol',
    minimum: 1e-12,
    maximum: 1e15,
    why: 'lot steps end at 1e-8, and the largest supply of a listed token is below 1e15',
  },
  {
    unit: 'contracts of the symbol',
    minimum: 1e-12,
    maximum: 1e21,
    why: 'the same, summed over at most half a million slices',
  },
  { unit: 'quote currency', minimum: -1e27, maximum: 1e27, why: 'the largest price times the largest quantity' },
  { unit: 'quote currency', minimum: -1e33, maximum: 1e33, why: 'the same, summed over at most half a million slices' },
  {
    unit: 'units of the asset',
    minimum: -1e27,
    maximum: 1e27,
    why: 'a fee is less than the value of its order, and no asset that fees are paid in is worth less than a unit of a quote currency by far',
  },
  {
    unit: 'per cent of entry_price',
    minimum: -1e26,
    maximum: 1e26,
    why: 'the ratio of the largest to the smallest price, in per cent',
  },
  {
    unit: 'multiples of the initial risk (R)',
    minimum: -1e12,
    maximum: 1e12,
    why: 'a stop one tick away, and a profit of all that a price can be',
  },
  {
    unit: 'ratio',
    minimum: -1e12,
    maximum: 1e12,
    why: 'the range of a price over ten candles, from one tick to all of it',
  },
  {
    unit: 'points',
    minimum: -1e6,
    maximum: 1e6,
    why: 'a policy gives a factor at most 100 points, and has some dozen',
  },
  {
    unit: 'milliseconds since 1970-01-01 UTC',
    minimum: 0,
    maximum: LAST_DATE_MS,
    why: 'no market was electronic before 1970, and no date lies beyond the last one that a Date can name',
  },
  { unit: 'milliseconds', minimum: 0, maximum: LAST_DATE_MS, why: 'the span between two dates' },
];

/** A larger R means that the stop is too close to the entry to measure by (SCH-11). Unit: R. */
export const GREATEST_R = 1e12;

/** What the doc of a number names after `Unit: `, without a remark on its sign; null where it names none. */
export function unitOf(doc: unknown): string | null {
  const unit = typeof doc === 'string' ? /\bUnit: (.*?)\.?$/.exec(doc)?.[1] : undefined;
  return unit?.replace(/, signed$/, '') ?? null;
}

/** The bounds that numbers of a unit may have; none for a unit that no market bounds. */
export function marketBoundsOf(unit: string | null): readonly MarketBound[] {
  return MARKET_BOUNDS.filter((bound) => bound.unit === unit);
}

/** Whether the bounds are those of the unit; the minimum may also be 0, for what can be nothing at all. */
export function isMarketBound({ minimum, maximum }: Bounds, unit: string | null): boolean {
  return marketBoundsOf(unit).some(
    (bound) => maximum === bound.maximum && (minimum === bound.minimum || (minimum === 0 && bound.minimum > 0)),
  );
}
