import type { LogRecord } from '../../ports/event-log.ts';
import type { Factor, PositionSnapshot } from '../../schemas/generated/records.ts';
import type { Decision } from '../scoring/evaluate.ts';
import { ageHours } from '../scoring/measures.ts';
import { ACTIONS, type ActionMatrix, emptyMatrix } from '../../render/action-matrix.ts';
import { KeepLeast } from './keep-least.ts';

/** Snapshots of one symbol or band, and how many of them flip. */
export interface FlipCount {
  readonly name: string;
  readonly snapshots: number;
  readonly flips: number;
}

/** A snapshot on which the two policies take different actions, with both decisions. */
export interface Flip {
  readonly position_id: string;
  readonly symbol: string;
  readonly observed_at: number;
  readonly r: number;
  /** R at the position's last snapshot: what holding on came to. Null while the position is open. */
  readonly last_r: number | null;
  readonly age_hours: number;
  readonly from: Explanation;
  readonly to: Explanation;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

type ListedFlip = Omit<Flip, 'last_r'> & { last_r: number | null };

type Explanation = Pick<
  Decision,
  'action' | 'fraction' | 'hold_score' | 'exit_score' | 'reason' | 'factors' | 'unknown'
>;

export interface FlipFigures {
  readonly snapshots: number;
  readonly flips: number;
  readonly matrix: ActionMatrix;
  readonly by_symbol: readonly FlipCount[];
  readonly by_r: readonly FlipCount[];
  readonly by_age: readonly FlipCount[];
  /** In how many flips the points of a factor differ; factors that never differ are left out. */
  readonly by_factor: readonly { readonly name: string; readonly flips: number }[];
  /** The latest first. */
  readonly listed_flips: readonly Flip[];
}

/**
 * Counts the actions of two policies on the same snapshots. Memory is bounded by the number of symbols and `listed`.
 *
 * RPL-9  A flip is a different action; a different fraction is no flip.
 * RPL-10  The cells of the matrix, the bands and the symbols each add up to `snapshots`, their flips to `flips`.
 * RPL-11  Tallies of consecutive stretches, absorbed in their order, give the same figures as one tally of everything.
 * RPL-12  A listed flip gets the R of the last snapshot of its position once the position is over.
 */
export class FlipTally {
  #snapshots = 0;
  #flips = 0;
  readonly #matrix = emptyMatrix();
  readonly #byR = bandCounts(R_BANDS);
  readonly #byAge = bandCounts(AGE_BANDS);
  readonly #bySymbol = new Map<string, Count>();
  readonly #byFactor = new Map<string, number>();
  readonly #listed: KeepLeast<ListedFlip>;
  /** Position -> its listed flips without a last R yet (RPL-12). */
  readonly #unmarked = new Map<string, Set<ListedFlip>>();

  constructor(listed: number) {
    this.#listed = new KeepLeast<ListedFlip>(listed, latestFirst, (flip) =>
      this.#unmarked.get(flip.position_id)?.delete(flip),
    );
  }

  /** `r` is the same for both policies. */
  add(snapshot: PositionSnapshot, at: LogRecord, r: number, current: Decision, candidate: Decision): void {
    const age = ageHours(snapshot);
    const flipped = current.action !== candidate.action ? 1 : 0;
    this.#snapshots += 1;
    this.#flips += flipped;
    this.#matrix[current.action][candidate.action] += 1;
    count(this.#byR[bandIndex(R_BANDS, r)], flipped);
    count(this.#byAge[bandIndex(AGE_BANDS, age)], flipped);
    count(this.#ofSymbol(snapshot.symbol), flipped);
    if (flipped === 0) return;
    for (const name of differingFactors(current.factors, candidate.factors))
      this.#byFactor.set(name, (this.#byFactor.get(name) ?? 0) + 1);
    if (!this.#listed.wants(latestFirst(snapshot))) return;
    const flip = flipOf(snapshot, at, r, age, current, candidate);
    const unmarked = this.#unmarked.get(flip.position_id);
    if (unmarked === undefined) this.#unmarked.set(flip.position_id, new Set([flip]));
    else unmarked.add(flip);
    this.#listed.add(flip);
  }

  /** The position is over; its last snapshot was at `lastR` (RPL-12). */
  mark(positionId: string, lastR: number): void {
    for (const flip of this.#unmarked.get(positionId) ?? []) flip.last_r = lastR;
    this.#unmarked.delete(positionId);
  }

  /** Adds the figures of the stretch that follows (RPL-11). */
  absorb(next: FlipFigures): void {
    this.#snapshots += next.snapshots;
    this.#flips += next.flips;
    for (const from of ACTIONS) for (const to of ACTIONS) this.#matrix[from][to] += next.matrix[from][to];
    for (const [index, counted] of next.by_r.entries()) addTo(this.#byR[index], counted);
    for (const [index, counted] of next.by_age.entries()) addTo(this.#byAge[index], counted);
    for (const counted of next.by_symbol) addTo(this.#ofSymbol(counted.name), counted);
    for (const { name, flips } of next.by_factor) this.#byFactor.set(name, (this.#byFactor.get(name) ?? 0) + flips);
    for (const flip of next.listed_flips) this.#listed.add(flip);
  }

  figures(): FlipFigures {
    return {
      snapshots: this.#snapshots,
      flips: this.#flips,
      matrix: structuredClone(this.#matrix),
      by_symbol: [...this.#bySymbol.values()].toSorted(
        (one, other) => other.flips - one.flips || (one.name < other.name ? -1 : 1),
      ),
      by_r: this.#byR,
      by_age: this.#byAge,
      by_factor: [...this.#byFactor]
        .map(([name, flips]) => ({ name, flips }))
        .toSorted((one, other) => other.flips - one.flips || (one.name < other.name ? -1 : 1)),
      listed_flips: this.#listed.items(),
    };
  }

  #ofSymbol(symbol: string): Count {
    let found = this.#bySymbol.get(symbol);
    if (found === undefined) {
      found = { name: symbol, snapshots: 0, flips: 0 };
      this.#bySymbol.set(symbol, found);
    }
    return found;
  }
}

/** Names of the factors whose points differ; a factor that does not score has 0. */
function differingFactors(one: readonly Factor[], other: readonly Factor[]): readonly string[] {
  const names: string[] = [];
  for (const { name, points } of one) if (pointsOf(other, name) !== points) names.push(name);
  for (const { name } of other) if (!one.some((factor) => factor.name === name)) names.push(name);
  return names;
}

interface Count {
  readonly name: string;
  snapshots: number;
  flips: number;
}

function bandCounts(bands: Bands): readonly Count[] {
  return bands.map(({ name }) => ({ name, snapshots: 0, flips: 0 }));
}

function count(counted: Count | undefined, flipped: number): void {
  if (counted === undefined) return;
  counted.snapshots += 1;
  counted.flips += flipped;
}

function addTo(counted: Count | undefined, { snapshots, flips }: FlipCount): void {
  if (counted === undefined) return;
  counted.snapshots += snapshots;
  counted.flips += flips;
}

function pointsOf(factors: readonly Factor[], name: string): number {
  return factors.find((factor) => factor.name === name)?.points ?? 0;
}

function latestFirst({ observed_at }: { readonly observed_at: number }): number {
  return -observed_at;
}

function flipOf(
  { position_id, symbol, observed_at }: PositionSnapshot,
  { topic, partition, offset }: LogRecord,
  r: number,
  age_hours: number,
  from: Decision,
  to: Decision,
): ListedFlip {
  return {
    position_id,
    symbol,
    observed_at,
    r,
    last_r: null,
    age_hours,
    from: explained(from),
    to: explained(to),
    topic,
    partition,
    offset,
  };
}

function explained({ action, fraction, hold_score, exit_score, reason, factors, unknown }: Decision): Explanation {
  return { action, fraction, hold_score, exit_score, reason, factors, unknown };
}

/** A part of a scale: above the band before it, up to and including `upTo`. */
interface Band {
  readonly name: string;
  readonly upTo: number;
}

/**
 * Bands in ascending order.
 *
 * RPL-13  Every value is in exactly one band: the first whose `upTo` is not below it.
 */
type Bands = readonly Band[];

/** R, cut at the profit rungs of the built-in policies. A rung scores above its R, so a band includes its upper end. */
export const R_BANDS: Bands = [
  // Break-even is no loss: this band ends at the largest number below 0.
  { name: '< 0', upTo: -Number.MIN_VALUE },
  { name: '0–1', upTo: 1 },
  { name: '1–2', upTo: 2 },
  { name: '2–3', upTo: 3 },
  { name: '3–5', upTo: 5 },
  { name: '5–8', upTo: 8 },
  { name: '> 8', upTo: Infinity },
];

/** Time since opening, in hours. */
export const AGE_BANDS: Bands = [
  // Fresh is below an hour, so this band ends at the largest number below it.
  { name: '< 1 h', upTo: 1 - Number.EPSILON / 2 },
  { name: '1–6 h', upTo: 6 },
  { name: '6–24 h', upTo: 24 },
  { name: '> 24 h', upTo: Infinity },
];

export function bandIndex(bands: Bands, value: number): number {
  for (let index = 0; index < bands.length; index++) if (value <= (bands[index]?.upTo ?? Infinity)) return index;
  return bands.length - 1;
}
