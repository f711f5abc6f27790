import { type Finding, fine, trouble } from './check.ts';

/**
 * A record whose times lie 60 s ahead is a dead letter, and signed requests are valid for 5 s. A clock that is this far off is not kept by
 * anything. Unit: milliseconds.
 */
const MOST_SKEW_MS = 5000;

const MS_PER_SECOND = 1000;

/** Judges how far another clock is ahead of this machine's. `whose`: `the broker's`. */
export function clockFinding(skewMs: number, whose: string): Finding {
  const away = Math.abs(skewMs);
  const apart = away < MS_PER_SECOND ? `${Math.round(away)} ms` : `${(away / MS_PER_SECOND).toFixed(1)} s`;
  const detail = `this machine is ${apart} ${skewMs > 0 ? 'behind' : 'ahead of'} ${whose} clock`;
  return away <= MOST_SKEW_MS
    ? fine(detail)
    : trouble(detail, 'timedatectl set-ntp true   (on the machine whose clock is wrong)');
}
