/** The part of the page's address after #: which position is opened. */

const POSITIONS = '#/positions/';

/** @param {string} id */
export function addressOf(id) {
  return POSITIONS + encodeURIComponent(id);
}

/** Null where no position is. @param {string} hash */
export function positionAt(hash) {
  if (!hash.startsWith(POSITIONS)) return null;
  try {
    return decodeURIComponent(hash.slice(POSITIONS.length)) || null;
  } catch {
    // An address that was cut off in the middle of a character.
    return null;
  }
}
