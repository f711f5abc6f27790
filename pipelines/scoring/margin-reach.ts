import { EXIT_FACTORS, type Policy, type PolicyRule } from './policy.ts';

/**
 * The most that exit can be over hold where R is within the rule's bounds. Never too small: hold is taken as 0, and every factor
 * for leaving that R allows as given. -Infinity where no R is within the bounds. Unit: points.
 */
export function mostExitOverHold(
  { points, profit_rungs: rungs, thresholds }: Policy,
  when: PolicyRule['when'],
): number {
  const above = when.r_above ?? -Infinity;
  const below = when.r_below ?? Infinity;
  // Where R is above no rung, that is a rung of its own, without points.
  const bands = [...rungs, { above_r: -Infinity, points: 0 }];
  const always = EXIT_FACTORS.reduce((sum, name) => (name === 'old' ? sum : sum + points[name]), 0);
  return bands.reduce((most, band, index) => {
    const from = Math.max(above, band.above_r);
    // The top of a band belongs to it: the rung above needs more than that.
    const to = bands[index - 1]?.above_r ?? Infinity;
    const empty = from >= below || from >= to;
    if (empty) return most;
    const old = from < thresholds.old_below_r ? points.old : 0;
    return Math.max(most, always + old + band.points);
  }, -Infinity);
}
