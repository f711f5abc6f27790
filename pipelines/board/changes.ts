/**
 * The difference between two pictures of a board.
 *
 * BRD-4  A change applied to the picture before it gives the later picture.
 */
import type { Board, BoardChange } from '../../ports/board.ts';
import { type PositionChanges, bestFirst } from './positions.ts';

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

export function applyChange(
  { positions, ...rest }: Board,
  { positions: changed, closed, rest: parts }: BoardChange,
): Board {
  const byId = new Map(positions.map((position) => [position.position_id, position]));
  for (const id of closed) byId.delete(id);
  for (const position of changed) byId.set(position.position_id, position);
  return { ...rest, ...parts, positions: bestFirst([...byId.values()]) };
}

/** Parts are small, and most are the same object as before. */
function isSame(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
