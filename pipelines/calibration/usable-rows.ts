import type { OutcomeRow } from './dataset.ts';
import type { Counts, Slice } from './report.ts';
import type { Samples } from './samples.ts';

/** What a NEUTRAL outcome counts as. */
export type NeutralRule = 'exclude' | 'loss';

export interface Selection {
  readonly usable: readonly OutcomeRow[];
  readonly counts: Counts;
  /** What was left out, by reason, most frequent first. */
  readonly excluded: readonly { readonly reason: string; readonly n: number }[];
}

/** Parts the rows of one model into those to learn from and those left out, each with its reason. */
export function selectRows(rows: readonly OutcomeRow[], neutral: NeutralRule): Selection {
  const reasons = new Map<string, number>();
  const usable: OutcomeRow[] = [];
  let wins = 0;
  let neutrals = 0;
  for (const row of rows) {
    const reason = reasonToLeaveOut(row, neutral);
    if (reason !== null) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    else {
      usable.push(row);
      if (row.label === 'WIN') wins += 1;
    }
    if (row.label === 'NEUTRAL' && row.excluded === null) neutrals += 1;
  }
  const leftOutNeutral = reasons.get('NEUTRAL') ?? 0;
  return {
    usable,
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

/** Raw confidence and outcome (WIN 1, all else 0) in time order. */
export function samplesOf(usable: readonly OutcomeRow[]): Samples {
  const x = new Float64Array(usable.length);
  const y = new Float64Array(usable.length);
  usable.forEach(({ confidence, label }, index) => {
    x[index] = confidence ?? Number.NaN;
    y[index] = label === 'WIN' ? 1 : 0;
  });
  return { x, y };
}

/** Usable rows counted by what a desk looks at. A position with several exit reasons counts for each. */
export function slicesOf(usable: readonly OutcomeRow[]): readonly Slice[] {
  const slices = new Map<string, { by: Slice['by']; name: string; n: number; wins: number; sum: number }>();
  const add = (by: Slice['by'], name: string, row: OutcomeRow): void => {
    const key = `${by} ${name}`;
    let slice = slices.get(key);
    if (slice === undefined) slices.set(key, (slice = { by, name, n: 0, wins: 0, sum: 0 }));
    slice.n += 1;
    slice.sum += row.confidence ?? 0;
    if (row.label === 'WIN') slice.wins += 1;
  };
  for (const row of usable) {
    add('label', row.label, row);
    add('model', row.model_id ?? '', row);
    add('symbol', row.symbol, row);
    add('side', row.side, row);
    for (const reason of row.exit_reasons) add('exit_reason', reason, row);
  }
  return [...slices.values()]
    .toSorted((one, other) => other.n - one.n)
    .map(({ by, name, n, wins, sum }) => ({ by, name, n, wins, confidence: sum / n }));
}

function reasonToLeaveOut({ excluded, confidence, label }: OutcomeRow, neutral: NeutralRule): string | null {
  if (excluded !== null) return excluded;
  if (confidence === null) return 'NO_CONFIDENCE';
  return label === 'NEUTRAL' && neutral === 'exclude' ? 'NEUTRAL' : null;
}
