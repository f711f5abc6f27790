import type { Random, RandomStream } from '../../../ports/random.ts';
import type { EnsembleMember, ModelId, Side } from '../../../schemas/generated/records.ts';
import type { Slot } from './entries.ts';

/** What the ensemble thinks of one slot at one moment. */
export interface Opinion {
  readonly side: Side;
  /** The regime of the market that the ensemble assumes. */
  readonly regime: string;
  /** Mean of the members. Unit: probability, 0 to 1. */
  readonly confidence: number;
  readonly members: readonly EnsembleMember[];
}

/** Calibration is per model: a change of anything below is another version. */
export const ENSEMBLE_ID = 'ensemble-7' as ModelId;

const MEMBERS = ['trend-lstm', 'order-flow-gbm', 'cross-section-mlp', 'carry-ridge'] as const;

/** Confidences are given in steps of this, so that a mean of members is exact to read. Unit: steps per unit of probability. */
const STEPS = 10_000;

/** A view of 1 is a trend in force (the simulated market's strongest drift). Unit: view per standard deviation of a candle's return. */
const DRIFT_GAIN = 1 / 0.16;
/** On recorded candles the view is trailing momentum instead; three average true ranges in an hour are a trend in force, and more is no surer. Unit: view per average true range. */
const MOMENTUM_GAIN = 0.35;
/** Unit: views. */
const MOMENTUM_LIMIT = 1;

/** Noise that all members share, because they learned from the same past; and each one's own. Unit: views. */
const SHARED_NOISE = 1.4;
const OWN_NOISE = 0.45;
/**
 * Errors last: noise is drawn anew at knots this far apart and runs smoothly between them, so that a view changes over hours, as a
 * position does. Unit: cycles.
 */
const KNOT_CYCLES = 64;

/**
 * How much probability the members make of a view, in log-odds. An honest ensemble with this noise would use about a
 * quarter of it: they are over-confident, which is what calibration is there to find.
 */
const LOG_ODDS_PER_VIEW = 1.9;
/** The most that a member claims: none pretends to be certain. Unit: probability. */
const MAX_CONFIDENCE = 0.94;

/** What the ensemble can look at. Null where it is not known. */
export interface Evidence {
  readonly regime: string | null;
  readonly drift: number | null;
  readonly momentum: number | null;
}

/**
 * Models of modest skill: a view of what moves the price (the hidden drift where the market has one, trailing momentum where it
 * is recorded) under slow noise. Pure in seed, slot, cycle and evidence: nothing is remembered, so a restart changes nothing.
 */
export class Ensemble {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Null while the regime or the evidence of a direction is not known: then no model speaks. */
  opinion(slot: Slot, cycle: number, evidence: Evidence): Opinion | null {
    const view = viewOf(evidence);
    if (view === null || evidence.regime === null) return null;
    const knot = Math.floor(cycle / KNOT_CYCLES);
    const weight = cycle / KNOT_CYCLES - knot;
    const before = this.#knot(slot, knot);
    const after = this.#knot(slot, knot + 1);
    const shared = SHARED_NOISE * between(before, after, weight);
    // Steps of confidence that the price will rise; a fall has the rest.
    const rises = MEMBERS.map(() => {
      const seen = view + shared + OWN_NOISE * between(before, after, weight);
      const odds = 1 / (1 + Math.exp(-LOG_ODDS_PER_VIEW * seen));
      return Math.round(STEPS * (1 - MAX_CONFIDENCE + (2 * MAX_CONFIDENCE - 1) * odds));
    });
    const total = rises.reduce((sum, steps) => sum + steps, 0);
    const rise = 2 * total >= STEPS * MEMBERS.length;
    return {
      side: rise ? 'LONG' : 'SHORT',
      regime: evidence.regime,
      confidence: (rise ? total : STEPS * MEMBERS.length - total) / (STEPS * MEMBERS.length),
      members: MEMBERS.map((name, index) => {
        const steps = rises[index] ?? 0;
        return { name, confidence: (rise ? steps : STEPS - steps) / STEPS };
      }),
    };
  }

  #knot(slot: Slot, knot: number): RandomStream {
    return this.#random.stream('ensemble', slot.account, slot.symbol, knot);
  }
}

/** The same opinion, asked for a position's side. */
export function forSide(opinion: Opinion, side: Side): Opinion {
  if (opinion.side === side) return opinion;
  return {
    side,
    regime: opinion.regime,
    confidence: complement(opinion.confidence, STEPS * MEMBERS.length),
    members: opinion.members.map(({ name, confidence }) => ({ name, confidence: complement(confidence, STEPS) })),
  };
}

/** 1 - confidence, on the same grid of steps. */
function complement(confidence: number, steps: number): number {
  return (steps - Math.round(confidence * steps)) / steps;
}

function viewOf({ drift, momentum }: Evidence): number | null {
  if (drift !== null) return DRIFT_GAIN * drift;
  if (momentum === null) return null;
  return MOMENTUM_GAIN * Math.max(-MOMENTUM_LIMIT, Math.min(MOMENTUM_LIMIT, momentum));
}

/** Normal at the knots, and of the same spread between them. */
function between(before: RandomStream, after: RandomStream, weight: number): number {
  const spread = Math.sqrt(weight * weight + (1 - weight) * (1 - weight));
  return ((1 - weight) * before.normal() + weight * after.normal()) / spread;
}
