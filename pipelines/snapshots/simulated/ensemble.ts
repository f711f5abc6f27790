/** The simulated models: an ensemble whose opinion has some skill, and too much confidence. */
import type { Random, RandomStream } from '../../../ports/random.ts';
import type { EnsembleMember, ModelId, Side } from '../../../schemas/generated/records.ts';
import type { Slot } from './entries.ts';

/** The ensemble's opinion of one slot at one moment. */
export interface Opinion {
  readonly side: Side;
  /** The regime that the ensemble assumes. */
  readonly regime: string;
  /** Mean of the members. Unit: probability. */
  readonly confidence: number;
  readonly members: readonly EnsembleMember[];
}

/** Calibration is per model, so a change of anything below needs another id. */
export const ENSEMBLE_ID = 'ensemble-7' as ModelId;

const MEMBERS = ['trend-lstm', 'order-flow-gbm', 'cross-section-mlp', 'carry-ridge'] as const;

/** Confidences are whole numbers of steps, so that the mean of the members prints without a tail. Unit: steps per unit of probability. */
const STEPS = 10_000;

/** The simulated market's strongest drift, 0.16, is a view of 1: a trend in force. Unit: view per standard deviation of a candle's return. */
const DRIFT_GAIN = 1 / 0.16;
/** On recorded candles the view is trailing momentum instead: three average true ranges in an hour would be a view of 1. Unit: view per average true range. */
const MOMENTUM_GAIN = 0.35;
/** More momentum than this makes the view no stronger. Unit: average true ranges. */
const MOMENTUM_LIMIT = 1;

/** The noise that all members share, since they learned from the same past, and each member's own. Unit: views. */
const SHARED_NOISE = 1.4;
const OWN_NOISE = 0.45;
/**
 * Noise is drawn at knots this far apart and interpolated between them: so errors last for hours, as long as a position does. Unit: cycles.
 */
const KNOT_CYCLES = 64;

/**
 * The log-odds that the members make of a view of 1. With this noise a quarter of it would be honest: they are over-confident, which is what
 * calibration should find.
 */
const LOG_ODDS_PER_VIEW = 1.9;
/** The highest confidence of a member. Unit: probability. */
const MAX_CONFIDENCE = 0.94;

/** What the ensemble sees of the market. Null: not known. */
export interface Evidence {
  readonly regime: string | null;
  readonly drift: number | null;
  readonly momentum: number | null;
}

/**
 * Models of modest skill. Their view is what moves the price (the hidden drift of a simulated market, the trailing momentum of a recorded one)
 * under slow noise. It is a function of seed, slot, cycle and evidence; nothing is remembered, so a restart changes nothing.
 */
export class Ensemble {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Null while the regime or the direction is not known: the models are silent then. */
  opinion(slot: Slot, cycle: number, evidence: Evidence): Opinion | null {
    const view = viewOf(evidence);
    if (view === null || evidence.regime === null) return null;
    const knot = Math.floor(cycle / KNOT_CYCLES);
    const weight = cycle / KNOT_CYCLES - knot;
    const before = this.#knot(slot, knot);
    const after = this.#knot(slot, knot + 1);
    const shared = SHARED_NOISE * between(before, after, weight);
    // Each member's confidence that the price will rise, in steps; the rest is its confidence in a fall.
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

/** The opinion as seen from a side: confidences of the other side are complemented. */
export function forSide(opinion: Opinion, side: Side): Opinion {
  if (opinion.side === side) return opinion;
  return {
    side,
    regime: opinion.regime,
    confidence: complement(opinion.confidence, STEPS * MEMBERS.length),
    members: opinion.members.map(({ name, confidence }) => ({ name, confidence: complement(confidence, STEPS) })),
  };
}

/** 1 - confidence, in whole steps. */
function complement(confidence: number, steps: number): number {
  return (steps - Math.round(confidence * steps)) / steps;
}

function viewOf({ drift, momentum }: Evidence): number | null {
  if (drift !== null) return DRIFT_GAIN * drift;
  if (momentum === null) return null;
  return MOMENTUM_GAIN * Math.max(-MOMENTUM_LIMIT, Math.min(MOMENTUM_LIMIT, momentum));
}

/** A normal draw between two knots, with the same standard deviation everywhere. */
function between(before: RandomStream, after: RandomStream, weight: number): number {
  const spread = Math.sqrt(weight * weight + (1 - weight) * (1 - weight));
  return ((1 - weight) * before.normal() + weight * after.normal()) / spread;
}
