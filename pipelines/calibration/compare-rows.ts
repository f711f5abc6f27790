import type { OutcomeRow } from './dataset.ts';

/** How the log differs from the rows a version was fitted from. */
export interface RowDifference {
  readonly kind: 'changed' | 'missing' | 'added';
  readonly position_id: string;
  readonly partition: number;
  readonly offset: number;
  /** For `changed`: what the fit saw, and what stands there now. */
  readonly fields: readonly { readonly field: string; readonly recorded: unknown; readonly found: unknown }[];
}

/** Every difference, in the order of `then` and after that of `now`. */
export function compareRows(then: readonly OutcomeRow[], now: readonly OutcomeRow[]): readonly RowDifference[] {
  const found = new Map<string, OutcomeRow>(now.map((row) => [row.position_id, row]));
  const differences: RowDifference[] = [];
  for (const row of then) {
    const other = found.get(row.position_id);
    found.delete(row.position_id);
    if (other === undefined) differences.push(difference('missing', row, []));
    else {
      const fields = changedFields(row, other);
      if (fields.length > 0) differences.push(difference('changed', row, fields));
    }
  }
  for (const row of found.values()) differences.push(difference('added', row, []));
  return differences;
}

function difference(kind: RowDifference['kind'], row: OutcomeRow, fields: RowDifference['fields']): RowDifference {
  const { position_id, partition, offset } = row;
  return { kind, position_id, partition, offset, fields };
}

function changedFields(then: OutcomeRow, now: OutcomeRow): RowDifference['fields'] {
  const fields: { field: string; recorded: unknown; found: unknown }[] = [];
  for (const field of Object.keys(then) as (keyof OutcomeRow)[]) {
    // DS3: an export by the recorded label has no results.
    if (field === 'results' && (then.results === undefined || now.results === undefined)) continue;
    if (JSON.stringify(then[field]) !== JSON.stringify(now[field]))
      fields.push({ field, recorded: then[field], found: now[field] });
  }
  return fields;
}
