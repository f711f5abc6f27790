/** A small line of recent R, as SVG path data. Pure. */

export const SPARK_WIDTH = 84;
export const SPARK_HEIGHT = 24;
const MARGIN = 2;

/** The least span that fills the height: smaller moves look small. Unit: R. */
const LEAST_SPAN = 0.5;

/**
 * The line, and the height of R 0 where it is in sight. Coordinates have one decimal, so that the same picture is the same text.
 *
 * @param {readonly number[]} history oldest first
 * @returns {{ line: string, zero: number | null, lastX: number, lastY: number } | null} null for fewer than two values
 */
export function sparkline(history) {
  if (history.length < 2) return null;
  const low = Math.min(...history);
  const high = Math.max(...history);
  const span = Math.max(LEAST_SPAN, high - low);
  const bottom = (low + high - span) / 2;
  const step = (SPARK_WIDTH - 2 * MARGIN) / (history.length - 1);
  const x = (/** @type {number} */ index) => (MARGIN + index * step).toFixed(1);
  const y = (/** @type {number} */ r) =>
    (SPARK_HEIGHT - MARGIN - ((r - bottom) / span) * (SPARK_HEIGHT - 2 * MARGIN)).toFixed(1);
  const line = history.map((r, index) => `${index === 0 ? 'M' : 'L'}${x(index)} ${y(r)}`).join('');
  const zero = bottom <= 0 && 0 <= bottom + span ? Number(y(0)) : null;
  return { line, zero, lastX: Number(x(history.length - 1)), lastY: Number(y(history.at(-1) ?? 0)) };
}
