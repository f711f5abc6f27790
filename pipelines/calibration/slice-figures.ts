import type { ClmOutcome } from '../../schemas/generated/records.ts';
import { type ConfidentOutcome, type Cusum, cusumOf, gapInterval, gapOf } from './day-gaps.ts';
import { squaredError } from './scores.ts';

/** What outcomes can be parted by. */
export const SLICED_BY = ['symbol', 'side', 'regime', 'age', 'policy'] as const;
export type SlicedBy = (typeof SLICED_BY)[number];

/** Counts are in outcomes, shares and gaps in probability. */
export interface SliceFigures {
  readonly by: SlicedBy | 'all' | 'week';
  readonly name: string;
  readonly n: number;
  readonly wins: number;
  readonly hit_rate: number;
  readonly mean_confidence: number;
  /** mean_confidence - hit_rate: above 0 the model is over-confident. */
  readonly gap: number;
  /** 95 %; null where fewer than 10 days cannot tell. */
  readonly gap_low: number | null;
  readonly gap_high: number | null;
  readonly brier: number;
}

/** One model's outcomes, whole and in parts. Maps stay one a model, whatever the parts say. */
export interface ModelSlices {
  readonly model_id: string;
  readonly all: SliceFigures;
  readonly slices: readonly SliceFigures[];
  /** Oldest first; a week is named by its Monday, UTC. */
  readonly weeks: readonly SliceFigures[];
  readonly cusum: Cusum | null;
}

type UsableOutcome = ConfidentOutcome & { readonly outcome: ClmOutcome; readonly model: string };

const UNKNOWN = 'unknown';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The first Monday since 1970. Unit: milliseconds. */
const MONDAY_MS = 4 * DAY_MS;

/** The policies' own words: fresh below an hour, old from six on. Ascending. */
const AGES: readonly (readonly [below: number, name: string])[] = [
  [HOUR_MS, 'below 1 h'],
  [6 * HOUR_MS, '1 to 6 h'],
  [DAY_MS, '6 to 24 h'],
  [Infinity, '24 h and more'],
];

const NAME_OF: Readonly<Record<SlicedBy, (outcome: ClmOutcome) => string>> = {
  symbol: ({ symbol }) => symbol,
  side: ({ side }) => side,
  regime: ({ regime_at_entry: regime }) => regime ?? UNKNOWN,
  age: ageOf,
  policy: ({ policy_at_close: policy }) => policy ?? UNKNOWN,
};

/** The latest outcome of each position, as figures of each model: those that calibration learns from, decided ones. */
export function sliceFigures(outcomes: Iterable<ClmOutcome>, by: readonly SlicedBy[]): readonly ModelSlices[] {
  const usable = [...outcomes].flatMap(usableOf);
  const models = [...Map.groupBy(usable, ({ model }) => model)].toSorted(byName);
  return models.map(([model_id, rows]) => ({
    model_id,
    all: figuresOf('all', model_id, rows),
    slices: by.flatMap((dimension) => {
      const parts = Map.groupBy(rows, ({ outcome }) => NAME_OF[dimension](outcome));
      const figures = [...parts].toSorted(byName).map(([name, part]) => figuresOf(dimension, name, part));
      return figures.toSorted((one, other) => other.n - one.n);
    }),
    weeks: [...Map.groupBy(rows, ({ closed_at }) => weekOf(closed_at))]
      .toSorted(byName)
      .map(([name, part]) => figuresOf('week', name, part)),
    cusum: cusumOf(rows),
  }));
}

function usableOf(outcome: ClmOutcome): readonly UsableOutcome[] {
  const { status, label, closed_at, confidence, model_id: model, excluded_from_calibration: excluded } = outcome;
  if (status !== 'FINAL' || closed_at === null || confidence === null || model === null || excluded !== null) return [];
  return label === 'WIN' || label === 'LOSS' ? [{ outcome, model, closed_at, confidence, won: label === 'WIN' }] : [];
}

function figuresOf(by: SliceFigures['by'], name: string, rows: readonly UsableOutcome[]): SliceFigures {
  const n = rows.length;
  const wins = rows.filter(({ won }) => won).length;
  const interval = gapInterval(rows);
  return {
    by,
    name,
    n,
    wins,
    hit_rate: wins / n,
    mean_confidence: rows.reduce((sum, { confidence }) => sum + confidence, 0) / n,
    gap: gapOf(rows),
    gap_low: interval?.low ?? null,
    gap_high: interval?.high ?? null,
    brier: rows.reduce((sum, { confidence, won }) => sum + squaredError(confidence, won ? 1 : 0), 0) / n,
  };
}

/** A recorder that does not know how long a position was open has it opened when it closed. */
function ageOf({ opened_at, closed_at }: ClmOutcome): string {
  const age = (closed_at ?? opened_at) - opened_at;
  return age <= 0 ? UNKNOWN : (AGES.find(([below]) => age < below)?.[1] ?? UNKNOWN);
}

function weekOf(at: number): string {
  const monday = at - ((((at - MONDAY_MS) % (7 * DAY_MS)) + 7 * DAY_MS) % (7 * DAY_MS));
  return new Date(monday).toISOString().slice(0, 10);
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}
