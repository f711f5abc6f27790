import { GATE_OUTCOMES } from '../clm/gate.ts';
import type { OutcomeRow } from './dataset.ts';
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
  symbols: 'One symbol tells of that symbol, not of the model.',
  wins: 'Without a WIN every map says that the model is always wrong.',
  losses: 'Without a LOSS every map says that the model is always right.',
  distinct_confidences: 'A confidence that never varies carries no information: nothing can be mapped.',
  prices_not_positive: 'A price that is not positive and finite was never traded: its label is made up.',
  duplicate_trades: 'A trade counted in two positions weighs twice.',
} as const satisfies Record<string, string>;

export type Condition = keyof typeof CONDITIONS;

/** All conditions that do not hold, at once; none where the rows may be fitted. `model` null: no outcome names a model. */
export function unmetConditions(
  model: string | null,
  rows: readonly OutcomeRow[],
  { usable, counts }: Selection,
): readonly Unmet[] {
  const unmet: Unmet[] = [];
  const atLeast = (condition: Condition, have: number, need: number): void => {
    if (have < need) unmet.push({ model_id: model, condition, have, need, why: CONDITIONS[condition] });
  };
  const none = (condition: Condition, have: number): void => {
    if (have > 0) unmet.push({ model_id: model, condition, have, need: 0, why: CONDITIONS[condition] });
  };
  atLeast('usable_outcomes', counts.usable, GATE_OUTCOMES);
  atLeast('symbols', counts.symbols, 2);
  atLeast('wins', counts.wins, 1);
  atLeast('losses', counts.losses, 1);
  atLeast('distinct_confidences', distinctConfidences(usable), 2);
  none('prices_not_positive', rows.filter((row) => !isPrice(row.entry_price) || !isPrice(row.exit_price)).length);
  none('duplicate_trades', duplicateTrades(rows));
  return unmet;
}

/** Counts to two: more makes no difference here. */
function distinctConfidences(usable: readonly OutcomeRow[]): number {
  const [first] = usable;
  if (first === undefined) return 0;
  return usable.some(({ confidence }) => confidence !== first.confidence) ? 2 : 1;
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
