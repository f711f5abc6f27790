import type { Origin } from '../../schemas/generated/records.ts';

/**
 * Why calibration leaves a position out. The codes are stable: records carry them. Strongest first: a position that has
 * several reasons carries the strongest, so the result does not depend on which slice came first.
 */
export const EXCLUSIONS = {
  CONFLICTING_MODEL:
    'The slices disagree on the model or on its confidence at entry; neither is believed and both are null.',
  LIQUIDATION: 'The venue liquidated the position or reduced it (ADL); that says nothing about the decision to exit.',
  EXTERNAL: 'Someone or something else closed part of the position; its result is not that of our exits.',
  NO_CONFIDENCE: 'No confidence at entry is known, so there is nothing to calibrate.',
  NO_MODEL: 'It is not known which model the confidence came from, and a confidence map belongs to one model.',
} as const satisfies Record<string, string>;

export type Exclusion = keyof typeof EXCLUSIONS;

const STRONGEST_FIRST = Object.keys(EXCLUSIONS) as readonly Exclusion[];

/** These two follow from the outcome as it stands and go away when a later slice brings the value; the others stay. */
const REVOCABLE: ReadonlySet<string> = new Set(['NO_CONFIDENCE', 'NO_MODEL'] satisfies readonly Exclusion[]);

const BY_ORIGIN: Readonly<Record<Origin, Exclusion | null>> = {
  HARVEST: null,
  BACKFILL: null,
  EXTERNAL: 'EXTERNAL',
  LIQUIDATION: 'LIQUIDATION',
};

export interface ExclusionFacts {
  /** What the outcome carried before this slice. */
  readonly previous: string | null;
  readonly origin: Origin;
  readonly conflicting: boolean;
  readonly confidence: number | null;
  readonly model: string | null;
}

/** The strongest reason that holds, or null. A code this version does not know stays: who wrote it knew why. */
export function exclusionOf(facts: ExclusionFacts): string | null {
  const { previous } = facts;
  const kept = previous === null || REVOCABLE.has(previous) ? null : previous;
  if (kept !== null && !Object.hasOwn(EXCLUSIONS, kept)) return kept;
  const holds = new Set<string | null>([kept, BY_ORIGIN[facts.origin]]);
  if (facts.conflicting) holds.add('CONFLICTING_MODEL');
  if (facts.confidence === null) holds.add('NO_CONFIDENCE');
  if (facts.model === null) holds.add('NO_MODEL');
  return STRONGEST_FIRST.find((code) => holds.has(code)) ?? null;
}
