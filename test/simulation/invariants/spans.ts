/** Spans of true time, as invariants reckon with them. `until` is not included. Unit: milliseconds since the epoch. */
import type { EpochMillis } from '../../../ports/clock.ts';

export interface Span {
  readonly from: EpochMillis;
  readonly until: EpochMillis;
}

/** What of `span` lies in none of the `others`, in the order of time. */
export function without(span: Span, others: readonly Span[]): readonly Span[] {
  const left: Span[] = [];
  let { from } = span;
  for (const other of others.toSorted((one, next) => one.from - next.from)) {
    if (other.until <= from) continue;
    if (other.from >= span.until) break;
    if (other.from > from) left.push({ from, until: other.from });
    from = other.until;
  }
  if (from < span.until) left.push({ from, until: span.until });
  return left;
}
