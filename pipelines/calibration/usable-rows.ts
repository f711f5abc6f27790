import type { OutcomeLabel } from '../../schemas/generated/records.ts';
import type { OutcomeRow } from './dataset.ts';
import { type LabelRule, RECORDED_LABEL, isLabel, labelOf } from './label-rule.ts';
import type { Counts, Slice } from './report.ts';
import type { Samples } from './samples.ts';

/** What a NEUTRAL outcome counts as. */
export type NeutralRule = 'exclude' | 'loss';

export interface Selection {
  readonly usable: readonly OutcomeRow[];
  /** What each usable row counts as, by the label rule. */
  readonly labels: readonly OutcomeLabel[];
  readonly counts: Counts;
  /** What was left out, by reason, most frequent first. */
  readonly excluded: readonly { readonly reason: string; readonly n: number }[];
}

/** Parts the rows of one model into those to learn from and those left out, each with its reason. */
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

/** Raw confidence and outcome (WIN 1, all else 0) in time order. `halfLifeDays` null: all weigh alike. */
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

/** Usable rows counted by what a desk looks at. A position with several exit reasons counts for each. */
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
