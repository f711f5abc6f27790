import type { OutcomeLabel } from '../../schemas/generated/records.ts';
import { GATE_OUTCOMES, type GateCondition, GateEvidence } from '../clm/gate.ts';
import type { OutcomeRow } from './dataset.ts';
import { type LabelRule, RECORDED_LABEL, isLabel, labelOf } from './label-rule.ts';
import type { Auc, Counts, Slice } from './report.ts';
import { type Samples, weightedShare } from './samples.ts';

/** Whether NEUTRAL outcomes are left out or count as losses. */
export type NeutralRule = 'exclude' | 'loss';

export interface Selection {
  readonly usable: readonly OutcomeRow[];
  /** The label of each usable row by the label rule. */
  readonly labels: readonly OutcomeLabel[];
  readonly counts: Counts;
  /** Rows left out, by reason, the most frequent first. */
  readonly excluded: readonly { readonly reason: string; readonly n: number }[];
}

/** Separates the rows of one model that a fit learns from, and counts the others by reason. */
export function selectRows(
  rows: readonly OutcomeRow[],
  neutral: NeutralRule,
  rule: LabelRule = RECORDED_LABEL,
): Selection {
  const reasons = new Map<string, number>();
  const usable: OutcomeRow[] = [];
  const labels: OutcomeLabel[] = [];
  let wins = 0;
  let neutrals = 0;
  for (const row of rows) {
    const label = labelOf(row, rule);
    const reason = reasonToLeaveOut(row, label, neutral);
    if (reason !== null) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    else if (isLabel(label)) {
      usable.push(row);
      labels.push(label);
      if (label === 'WIN') wins += 1;
    }
    if (label === 'NEUTRAL' && row.excluded === null) neutrals += 1;
  }
  const leftOutNeutral = reasons.get('NEUTRAL') ?? 0;
  return {
    usable,
    labels,
    counts: {
      final: rows.length,
      usable: usable.length,
      wins,
      losses: usable.length - wins,
      neutral: neutrals,
      excluded: rows.length - usable.length - leftOutNeutral,
      symbols: new Set(usable.map(({ symbol }) => symbol)).size,
    },
    excluded: [...reasons].map(([reason, n]) => ({ reason, n })).toSorted((one, other) => other.n - one.n),
  };
}

/** Unit: milliseconds. */
const DAY_MS = 24 * 60 * 60 * 1000;

/** The usable rows as samples: WIN is 1, all else 0. `halfLifeDays` null: all weigh alike. */
export function samplesOf(
  { usable, labels }: Pick<Selection, 'usable' | 'labels'>,
  halfLifeDays: number | null = null,
): Samples {
  const x = new Float64Array(usable.length);
  const y = new Float64Array(usable.length);
  const opened = new Float64Array(usable.length);
  const closed = new Float64Array(usable.length);
  usable.forEach(({ confidence, opened_at, closed_at }, index) => {
    x[index] = confidence ?? Number.NaN;
    y[index] = labels[index] === 'WIN' ? 1 : 0;
    opened[index] = opened_at;
    closed[index] = closed_at;
  });
  const samples = { x, y, times: { opened, closed } };
  return halfLifeDays === null ? samples : { ...samples, halfLifeMs: halfLifeDays * DAY_MS };
}

/** Usable rows counted by symbol, side, label, exit reason, model, policy and regime. A position with several exit reasons counts for each. */
export function slicesOf({ usable, labels }: Pick<Selection, 'usable' | 'labels'>): readonly Slice[] {
  const slices = new Map<string, { by: Slice['by']; name: string; n: number; wins: number; sum: number }>();
  const add = (by: Slice['by'], name: string, confidence: number | null, won: boolean): void => {
    const key = `${by} ${name}`;
    let slice = slices.get(key);
    if (slice === undefined) slices.set(key, (slice = { by, name, n: 0, wins: 0, sum: 0 }));
    slice.n += 1;
    slice.sum += confidence ?? 0;
    if (won) slice.wins += 1;
  };
  usable.forEach((row, index) => {
    const { confidence, results } = row;
    const label = labels[index] ?? row.label;
    const won = label === 'WIN';
    add('label', label, confidence, won);
    add('model', row.model_id ?? '', confidence, won);
    add('symbol', row.symbol, confidence, won);
    add('side', row.side, confidence, won);
    for (const reason of row.exit_reasons) add('exit_reason', reason, confidence, won);
    const policy = results?.policy_at_close ?? null;
    if (policy !== null) add('policy', policy, confidence, won);
    const regime = results?.regime_at_entry ?? null;
    if (regime !== null) add('regime', regime, confidence, won);
  });
  return [...slices.values()]
    .toSorted((one, other) => other.n - one.n)
    .map(({ by, name, n, wins, sum }) => ({ by, name, n, wins, confidence: sum / n }));
}

function reasonToLeaveOut(
  { excluded, confidence }: OutcomeRow,
  label: ReturnType<typeof labelOf>,
  neutral: NeutralRule,
): string | null {
  if (excluded !== null) return excluded;
  if (confidence === null) return 'NO_CONFIDENCE';
  if (!isLabel(label)) return label;
  return label === 'NEUTRAL' && neutral === 'exclude' ? 'NEUTRAL' : null;
}

/** A condition for a fit that does not hold. `need` is a minimum; 0: there must be none. */
export interface Unmet {
  readonly model_id: string | null;
  readonly condition: Condition;
  readonly have: number;
  readonly need: number;
  readonly why: string;
}

/** The conditions for a fit, and why a fit without them would mislead. */
const CONDITIONS = {
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

type Condition = keyof typeof CONDITIONS;

/** All conditions of the rows that do not hold. `model` null: no outcome names a model. */
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

/** Where weights by recency leave too few outcomes; null: enough. */
export function weighsTooLittle(model: string, samples: Samples): Unmet | null {
  const have = samples.x.length * weightedShare(samples);
  if (have >= GATE_OUTCOMES) return null;
  const condition = 'weighted_outcomes';
  return { model_id: model, condition, have, need: GATE_OUTCOMES, why: CONDITIONS[condition] };
}

/** Where no map is usable (assess.ts). `have` is the AUC, `need` that of a coin toss. */
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
