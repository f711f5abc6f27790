import type { ReplayResult } from './compare-policies.ts';
import { count, interval, percent, plain, plural } from '../../render/figures.ts';

/** The names of the two in sentences: an edited file may still have the id of what it is compared with. */
export function policyNames({ policy, against }: Pick<ReplayResult, 'policy' | 'against'>): {
  readonly candidate: string;
  readonly current: string;
} {
  return policy === against
    ? { candidate: `${policy} (candidate)`, current: `${against} (current)` }
    : { candidate: policy, current: against };
}

/** What matters, the first sentence being what is easily missed: that the one which harvests less made more. */
export function headline(result: ReplayResult): string {
  return [holderMadeMore(result), heldSentence(result)].filter((text) => text !== '').join(' ');
}

/** Empty where the policy that harvests less made no more. */
function holderMadeMore(result: ReplayResult): string {
  const { matrix, results, costs } = result;
  const { candidate, current } = policyNames(result);
  const heldByCandidate = matrix.PARTIAL_CLOSE.HOLD + matrix.CLOSE.HOLD;
  const heldByCurrent = matrix.HOLD.PARTIAL_CLOSE + matrix.HOLD.CLOSE;
  const { change, change_interval: range } = results;
  if (change === null || heldByCandidate === heldByCurrent) return '';
  const holdsMore = heldByCandidate > heldByCurrent ? candidate : current;
  const sign = holdsMore === candidate ? 1 : -1;
  if (!(sign * change > 0)) return '';
  const sided = range === null ? null : [sign * range.low, sign * range.high].toSorted((one, other) => one - other);
  const [low = Number.NaN, high = Number.NaN] = sided ?? [];
  const about = sided === null ? '' : ` (95 % interval ${interval({ low, high }, signedR)})`;
  const sure = low > 0;
  const meaning = sure
    ? 'on these paths letting profit run paid more than taking it, until the snapshots end: what it would have given back later is not in them'
    : 'that is within what chance makes of so few positions, and no reason to hold more';
  return `${holdsMore} harvests less and made ${plain(sign * change)} R a position more${costs.source === 'none' ? ' before costs' : ' net of costs'}${about}: ${meaning}.`;
}

function signedR(value: number): string {
  return value > 0 ? `+${plain(value)}` : plain(value);
}

/** Which of the two holds what the other would harvest. */
function heldSentence(result: ReplayResult): string {
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
