/**
 * The difference between two pictures of a board.
 *
 * BRD-4  A change applied to the picture before it gives the later picture.
 */
import type { Board, BoardChange } from '../../ports/board.ts';
import type { PositionChanges } from './positions.ts';

/** All of a board but its positions. */
export type BoardRest = Omit<Board, 'positions'>;

/** Null where nothing changed. */
export function changeOf(
  before: BoardRest,
  after: BoardRest,
  { changed, closed }: PositionChanges,
): BoardChange | null {
  const differing = Object.entries(after).filter(([part, value]) => !isSame(before[part as keyof BoardRest], value));
  if (differing.length === 0 && changed.length === 0 && closed.length === 0) return null;
  return { positions: changed, closed, rest: Object.fromEntries(differing) };
}

/** Parts are small, and most are the same object as before. */
function isSame(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
