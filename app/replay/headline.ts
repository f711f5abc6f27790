import type { ReplayResult } from './compare-policies.ts';
import { count, percent, plural } from '../calibrate/report/figures.ts';

/** The names of the two in sentences: an edited file may still have the id of what it is compared with. */
export function policyNames({ policy, against }: Pick<ReplayResult, 'policy' | 'against'>): {
  readonly candidate: string;
  readonly current: string;
} {
  return policy === against
    ? { candidate: `${policy} (candidate)`, current: `${against} (current)` }
    : { candidate: policy, current: against };
}

/** What matters, in a sentence: which of the two holds what the other would harvest. */
export function headline(result: ReplayResult): string {
  const { candidate, current } = policyNames(result);
  if (result.snapshots === 0) return 'No snapshot lies in that stretch, so nothing was compared.';
  if (result.flips === 0)
    return `${candidate} takes the same action as ${current} on all ${snapshots(result.snapshots)}.`;
  const { matrix } = result;
  const heldByCandidate = matrix.PARTIAL_CLOSE.HOLD + matrix.CLOSE.HOLD;
  const heldByCurrent = matrix.HOLD.PARTIAL_CLOSE + matrix.HOLD.CLOSE;
  if (heldByCandidate === 0 && heldByCurrent === 0)
    return `${candidate} and ${current} harvest the same snapshots, but close differently on ${count(result.flips)} of ${snapshots(result.snapshots)} (${percent(result.flips / result.snapshots)}).`;
  const harvestedByCurrent = result.snapshots - matrix.HOLD.HOLD - heldByCurrent;
  const harvestedByCandidate = result.snapshots - matrix.HOLD.HOLD - heldByCandidate;
  const { harvested_positions: positions, never_closed_positions: never } = result;
  return heldByCandidate > heldByCurrent
    ? sentence({
        holder: candidate,
        harvester: current,
        held: heldByCandidate,
        harvested: harvestedByCurrent,
        never: never.candidate,
        positions: positions.current,
      })
    : sentence({
        holder: current,
        harvester: candidate,
        held: heldByCurrent,
        harvested: harvestedByCandidate,
        never: never.current,
        positions: positions.candidate,
      });
}

interface Holding {
  readonly holder: string;
  readonly harvester: string;
  /** Of the snapshots that the harvester would harvest, those that the holder holds. */
  readonly held: number;
  readonly harvested: number;
  /** Of the positions that the harvester harvests, those that the holder never closes any part of. */
  readonly never: number;
  readonly positions: number;
}

/** Positions come first: one that is held at a moment may be closed later, one that is never closed is what goes unnoticed. */
function sentence({ holder, harvester, held, harvested, never, positions }: Holding): string {
  const share = `${count(held)} of ${snapshots(harvested)} (${percent(held / harvested)}) that ${harvester} would harvest`;
  if (held === harvested)
    return `${holder} never closes what ${harvester} harvests: it holds all of ${snapshots(harvested)} in ${plural(positions, 'position')}.`;
  if (never > 0)
    return `${holder} never closes ${count(never)} of the ${plural(positions, 'position')} that ${harvester} harvests, and holds ${share}.`;
  return `${holder} holds ${share}.`;
}

function snapshots(n: number): string {
  return plural(n, 'snapshot');
}
