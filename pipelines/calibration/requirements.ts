import { type GateCondition, GateEvidence, GATE_OUTCOMES } from '../clm/gate-conditions.ts';
import type { OutcomeRow } from './dataset.ts';
import type { Auc } from './report.ts';
import { type Samples, weightedShare } from './samples.ts';
import type { Selection } from './usable-rows.ts';

/** What the rows of one model must be before anything is fitted. `need` is a minimum, but 0 where the thing must not be. */
export interface Unmet {
  readonly model_id: string | null;
  readonly condition: Condition;
  readonly have: number;
  readonly need: number;
  readonly why: string;
}

/** Each condition, and why a fit without it would fool its reader. */
export const CONDITIONS = {
  usable_outcomes: 'With fewer WIN and LOSS outcomes a map follows the noise, whatever the method.',
  symbols: 'One market tells of that market, not of the model, however many spellings and dollars it is quoted in.',
  wins: 'With so few WIN each of them decides the map.',
  losses: 'With so few LOSS each of them decides the map.',
  distinct_confidences: 'A confidence that never varies carries no information: nothing can be mapped.',
  confidence_spread:
    'All but these few outcomes have one confidence, to within 0.02: the few decide the map, and the rest carry no information.',
  prices_not_positive: 'A price that is not positive and finite was never traded: its label is made up.',
  weighted_outcomes:
    'By recency so few outcomes are left to learn from: the half-life is too short for how often positions close.',
  usable_relation:
    'The best map falls: the surer the model, the less often it is right, and no rising map can mend that.',
  duplicate_trades: 'A trade counted in two positions weighs twice.',
} as const satisfies Record<string, string> & Record<GateCondition, string>;

export type Condition = keyof typeof CONDITIONS;

/** All conditions that do not hold, at once; none where the rows may be fitted. `model` null: no outcome names a model. */
export function unmetConditions(
  model: string | null,
  rows: readonly OutcomeRow[],
  { usable, labels }: Pick<Selection, 'usable' | 'labels'>,
): readonly Unmet[] {
  const unmet: Unmet[] = [];
  const none = (condition: Condition, have: number): void => {
    if (have > 0) unmet.push({ model_id: model, condition, have, need: 0, why: CONDITIONS[condition] });
  };
  const evidence = new GateEvidence();
  usable.forEach(({ symbol, confidence }, index) => {
    evidence.count({ won: labels[index] === 'WIN', symbol, confidence }, 1);
  });
  for (const { condition, have, need } of evidence.unmet())
    unmet.push({ model_id: model, condition, have, need, why: CONDITIONS[condition] });
  none('prices_not_positive', rows.filter((row) => !isPrice(row.entry_price) || !isPrice(row.exit_price)).length);
  none('duplicate_trades', duplicateTrades(rows));
  return unmet;
}

/** Weights by recency leave fewer outcomes than may be fitted; null: enough. */
export function weighsTooLittle(model: string, samples: Samples): Unmet | null {
  const have = samples.x.length * weightedShare(samples);
  if (have >= GATE_OUTCOMES) return null;
  const condition = 'weighted_outcomes';
  return { model_id: model, condition, have, need: GATE_OUTCOMES, why: CONDITIONS[condition] };
}

/** No map is usable (assess.ts): what is there is AUC, and what is needed is more than a coin toss. */
export function noUsableRelation(model: string, { auc }: { readonly auc: Auc }): Unmet {
  const { value, low, high } = auc;
  const found = `AUC ${value.toFixed(3)}, 95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}`;
  const why = `No usable relation (${found}). ${CONDITIONS.usable_relation}`;
  return { model_id: model, condition: 'usable_relation', have: value, need: 0.5, why };
}

function isPrice(price: number): boolean {
  return Number.isFinite(price) && price > 0;
}

function duplicateTrades(rows: readonly OutcomeRow[]): number {
  const seen = new Set<string>();
  let duplicates = 0;
  for (const { slices } of rows) {
    for (const trade of slices) {
      if (seen.has(trade)) duplicates += 1;
      else seen.add(trade);
    }
  }
  return duplicates;
}
