/** The percentile of ascending values, linear between neighbours (the usual definition, numpy's default). `share` is 0 to 1. */
export function percentileOf(ascending: Float64Array, share: number): number {
  const at = share * (ascending.length - 1);
  const below = Math.floor(at);
  const low = ascending[below] as number;
  const high = ascending[Math.min(below + 1, ascending.length - 1)] as number;
  return low + (at - below) * (high - low);
}
