import type { Range, Slice } from './report.ts';
import { SLICE_TITLES } from './report-words.ts';
import { wilsonInterval } from './statistics.ts';

export interface SliceRow {
  readonly name: string;
  readonly n: number;
  /** Mean raw confidence. */
  readonly confidence: number;
  /** Null by label, which is the result itself. */
  readonly won: { readonly wins: number; readonly rate: number; readonly interval: Range } | null;
}

export interface SliceGroup {
  readonly by: Slice['by'];
  readonly title: string;
  readonly rows: readonly SliceRow[];
}

/** Slices by kind, the largest first; those beyond `top` become one row. Kinds without a slice are left out. */
export function sliceGroups(slices: readonly Slice[], top: number): readonly SliceGroup[] {
  return Object.entries(SLICE_TITLES).flatMap(([by, title]) => {
    const own = slices.filter((slice) => slice.by === by).toSorted((one, other) => other.n - one.n);
    if (own.length === 0) return [];
    const rest = own.slice(top);
    const rows = [...own.slice(0, top), ...(rest.length === 0 ? [] : [merged(rest)])].map(rowOf);
    return [{ by: by as Slice['by'], title, rows }];
  });
}

function merged(slices: readonly Slice[]): Slice {
  const n = slices.reduce((sum, slice) => sum + slice.n, 0);
  return {
    by: slices[0]?.by ?? 'symbol',
    name: `${slices.length} others`,
    n,
    wins: slices.reduce((sum, { wins }) => sum + wins, 0),
    confidence: slices.reduce((sum, slice) => sum + slice.confidence * slice.n, 0) / n,
  };
}

function rowOf({ by, name, n, wins, confidence }: Slice): SliceRow {
  const won = by === 'label' ? null : { wins, rate: wins / n, interval: wilsonInterval(wins, n) };
  return { name, n, confidence, won };
}
