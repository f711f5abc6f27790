/** Which positions are listed, and in which order. Pure. */
/** @import { BoardPosition } from '../../../ports/board.ts' */

/**
 * The value that a column sorts by; unknown ones come last in either direction.
 *
 * @typedef {(position: BoardPosition) => number | string | null} SortKey
 */

/** @satisfies {Record<string, SortKey>} */
const SORT_KEYS = {
  symbol: ({ symbol, account }) => `${symbol} ${account}`,
  side: ({ side }) => side,
  age: ({ age_minutes }) => age_minutes,
  r: ({ r }) => r,
  mark: ({ mark_price, entry_price }) => mark_price / entry_price,
  stop: ({ stop_price, mark_price }) => (stop_price === null ? null : Math.abs(mark_price - stop_price) / mark_price),
  confidence: ({ confidence }) => confidence,
  regime: ({ regime }) => regime,
  scores: ({ exit_score, hold_score }) => exit_score - hold_score,
  decision: ({ action, fraction }) => (action === 'HOLD' ? 0 : fraction),
  cooldown: ({ cooldown_until }) => cooldown_until,
  resting: ({ resting }) => resting?.length ?? null,
};

/** @typedef {keyof typeof SORT_KEYS} SortColumn */

export const COLUMN_NAMES = /** @type {SortColumn[]} */ (Object.keys(SORT_KEYS));

/** @typedef {{ column: SortColumn, descending: boolean }} Sort */

/** @type {Sort} */
export const FIRST_SORT = { column: 'r', descending: true };

/** Columns of words begin at A, columns of numbers with the largest. @param {SortColumn} column */
export function startsDescending(column) {
  return column !== 'symbol' && column !== 'side' && column !== 'regime';
}

/** The order after a click on a column. @param {Sort} sort @param {SortColumn} column @returns {Sort} */
export function sortedBy(sort, column) {
  const descending = sort.column === column ? !sort.descending : startsDescending(column);
  return { column, descending };
}

/** @param {Iterable<BoardPosition>} positions @param {Sort} sort @param {string} filter @returns {BoardPosition[]} */
export function listed(positions, { column, descending }, filter) {
  const key = SORT_KEYS[column];
  const wanted = matching(filter);
  return Array.from(positions)
    .filter(wanted)
    .map((position) => ({ position, by: key(position) }))
    .toSorted((one, other) => {
      const unknown = Number(one.by === null) - Number(other.by === null);
      if (unknown !== 0) return unknown;
      const before = one.by === null || other.by === null ? 0 : compared(one.by, other.by);
      // Equal ones keep one order, so that rows do not change places for nothing.
      return (descending ? -before : before) || compared(one.position.position_id, other.position.position_id);
    })
    .map(({ position }) => position);
}

/**
 * The list while its order is held for a person: what was shown stands as before without what is gone, and what is new comes last.
 *
 * @param {readonly string[]} before ids as they stand @param {readonly BoardPosition[]} sorted @returns {BoardPosition[]}
 */
export function held(before, sorted) {
  const left = new Map(sorted.map((position) => [position.position_id, position]));
  const kept = before.flatMap((id) => {
    const position = left.get(/** @type {BoardPosition['position_id']} */ (id));
    return position !== undefined && left.delete(position.position_id) ? [position] : [];
  });
  return [...kept, ...left.values()];
}

/** @param {number | string} one @param {number | string} other */
function compared(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Whether a position has every word of the filter. @param {string} filter @returns {(position: BoardPosition) => boolean} */
export function matching(filter) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return () => true;
  return ({ symbol, account, venue, side, regime, action, reason }) => {
    const text = `${symbol} ${account} ${venue} ${side} ${regime ?? ''} ${action} ${reason}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
}
