export const HEADER = 'timestamp_ms,open,high,low,close,volume';

/** Five minutes. Unit: milliseconds. */
export const FIVE_MINUTES_MS = 300_000;

/** Rows of a quiet market that rises and falls. The row at `index` closes at `(index + 1) * FIVE_MINUTES_MS`. */
export function row(index: number): string {
  const open = price(index);
  const close = price(index + 1);
  const high = Math.max(open, close) * 1.001;
  const low = Math.min(open, close) * 0.999;
  return [index * FIVE_MINUTES_MS, open, high, low, close, 12.5].join();
}

export function rows(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => row(from + index));
}

function price(index: number): number {
  return 100 + 5 * Math.sin(index / 12) + Math.sin(index * 1.7);
}
