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
  return heldByCandidate > heldByCurrent
    ? sentence(candidate, current, heldByCandidate, harvestedByCurrent)
    : sentence(current, candidate, heldByCurrent, harvestedByCandidate);
}

function sentence(holder: string, harvester: string, held: number, harvested: number): string {
  const verb = held === harvested ? 'never closes' : held * 2 >= harvested ? 'holds most of' : 'holds part of';
  return `${holder} ${verb} what ${harvester} harvests: of ${snapshots(harvested)} that ${harvester} would harvest, ${holder} holds ${count(held)} (${percent(held / harvested)}).`;
}

function snapshots(n: number): string {
  return plural(n, 'snapshot');
}
