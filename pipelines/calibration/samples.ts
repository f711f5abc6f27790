/** What a fit learns from, in the order of closing: raw confidence (0 to 1) and outcome (1 WIN, 0 not), equally long. */
export interface Samples {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** When each position was opened and closed; left out where nothing is known of time. Unit: milliseconds since 1970-01-01 UTC. */
  readonly times?: { readonly opened: Float64Array; readonly closed: Float64Array };
}

/** Rows from `start` up to, not including, `end`, without a copy. */
export function slice({ x, y, times }: Samples, start: number, end: number): Samples {
  const part = { x: x.subarray(start, end), y: y.subarray(start, end) };
  if (times === undefined) return part;
  return {
    ...part,
    times: { opened: times.opened.subarray(start, end), closed: times.closed.subarray(start, end) },
  };
}

/** The share of outcomes that were won. */
export function baseRate({ y }: Samples): number {
  let wins = 0;
  for (const outcome of y) wins += outcome;
  return wins / y.length;
}
