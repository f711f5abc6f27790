import type { PositionSnapshot } from '../../schemas/generated/records.ts';

/** One number of a snapshot that can be set by itself. */
export interface InputAxis {
  /** What a snapshot has now; null where it is unknown. */
  readonly measure: (snapshot: PositionSnapshot) => number | null;
  /** The snapshot with it at `to`. */
  readonly at: (to: number) => PositionSnapshot;
  /** Only at these may the action change; those that change nothing do no harm. */
  readonly edges: readonly number[];
  /** How far past an edge is surely past it, and near enough. */
  readonly beyond: number;
  /** The input is always between these. */
  readonly lowest: number;
  readonly highest: number;
}

export interface Candidate {
  readonly to: number;
  readonly snapshot: PositionSnapshot;
}

/**
 * A value on either side of each edge, and each edge itself where the snapshot meets it to the last digit: some conditions hold there
 * and nowhere near. Invariants:
 * N1  Between two neighbouring edges, and outside them, the action is the same everywhere; so whatever action the axis can give, a
 *     candidate gives it, and one within `beyond` of the nearest value that does.
 */
export function candidatesOf(axis: InputAxis): readonly Candidate[] {
  const edges = insideEdges(axis, axis.edges);
  return edges.flatMap((edge, index) => {
    const below = edge - Math.min(axis.beyond, (edge - (edges[index - 1] ?? axis.lowest)) / 2);
    const above = edge + Math.min(axis.beyond, ((edges[index + 1] ?? axis.highest) - edge) / 2);
    const exact = axis.at(edge);
    return [
      ...(below < edge ? [{ to: below, snapshot: axis.at(below) }] : []),
      ...(axis.measure(exact) === edge ? [{ to: edge, snapshot: exact }] : []),
      ...(above > edge ? [{ to: above, snapshot: axis.at(above) }] : []),
    ];
  });
}

export interface Stretch {
  readonly from: number;
  readonly to: number;
  /** A value between the two. */
  readonly inside: number;
}

/** What the edges part the axis into. */
export function stretchesOf({ lowest, highest }: InputAxis, edges: readonly number[]): readonly Stretch[] {
  const ends = [lowest, ...insideEdges({ lowest, highest }, edges), highest];
  return ends.slice(1).flatMap((to, index) => {
    const from = ends[index] ?? lowest;
    return from < to ? [{ from, to, inside: between(from, to) }] : [];
  });
}

function insideEdges(
  { lowest, highest }: Pick<InputAxis, 'lowest' | 'highest'>,
  edges: readonly number[],
): readonly number[] {
  const inside = edges.filter((edge) => edge > lowest && edge < highest);
  return [...new Set(inside)].toSorted((one, other) => one - other);
}

/** One of either end may be infinite, or both. */
function between(from: number, to: number): number {
  if (from === -Infinity) return to === Infinity ? 0 : to - 1;
  return to === Infinity ? from + 1 : (from + to) / 2;
}
