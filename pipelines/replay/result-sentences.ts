/** What a comparison says in sentences, for the terminal and for the page. */
import { durationWords, formatEventTime } from '../../render/event-time.ts';
import { count, interval, percent, plain, plural } from '../../render/figures.ts';
import { printable } from '../../render/terminal.ts';
import type { ReplayResult } from './compare-policies.ts';
import type { Flip } from './flip-tally.ts';
import { type LongestHold, PROFITABLE_ABOVE_R } from './open-positions.ts';
import type { TradingCosts } from './trading-costs.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Unit: hours. */
const LONG_HOURS = 72;

/** The names of both policies in sentences. An edited file may still have the id of the policy that it is compared with. */
export function policyNames({ policy, against }: Pick<ReplayResult, 'policy' | 'against'>): {
  readonly candidate: string;
  readonly current: string;
} {
  return policy === against
    ? { candidate: `${policy} (candidate)`, current: `${against} (current)` }
    : { candidate: policy, current: against };
}

/** The main findings. What is easily missed comes first: that the policy which harvests less made more. */
export function headline(result: ReplayResult): string {
  return [holderMadeMore(result), heldSentence(result)].filter((text) => text !== '').join(' ');
}

/** Empty unless the policy that harvests less made more. */
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
  const about = sided === null ? '' : ` (95 % interval ${interval({ low, high }, signed)})`;
  const sure = low > 0;
  const meaning = sure
    ? 'on these paths letting profit run paid more than taking it, until the snapshots end: what it would have given back later is not in them'
    : 'that is within what chance makes of so few positions, and no reason to hold more';
  return `${holdsMore} harvests less and made ${plain(sign * change)} R a position more${costs.source === 'none' ? ' before costs' : ' net of costs'}${about}: ${meaning}.`;
}

/** Which policy holds what the other would harvest. */
function heldSentence(result: ReplayResult): string {
  const { candidate, current } = policyNames(result);
  if (result.snapshots === 0) return 'No snapshot lies in that stretch, so nothing was compared.';
  if (result.flips === 0)
    return `${candidate} takes the same action as ${current} on all ${snapshotCount(result.snapshots)}.`;
  const { matrix } = result;
  const heldByCandidate = matrix.PARTIAL_CLOSE.HOLD + matrix.CLOSE.HOLD;
  const heldByCurrent = matrix.HOLD.PARTIAL_CLOSE + matrix.HOLD.CLOSE;
  if (heldByCandidate === 0 && heldByCurrent === 0)
    return `${candidate} and ${current} harvest the same snapshots, but close differently on ${count(result.flips)} of ${snapshotCount(result.snapshots)} (${percent(result.flips / result.snapshots)}).`;
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

/** Positions that are never closed come first: a hold may be followed by a close. */
function sentence({ holder, harvester, held, harvested, never, positions }: Holding): string {
  const share = `${count(held)} of ${snapshotCount(harvested)} (${percent(held / harvested)}) that ${harvester} would harvest`;
  if (held === harvested)
    return `${holder} never closes what ${harvester} harvests: it holds all of ${snapshotCount(harvested)} in ${plural(positions, 'position')}.`;
  if (never > 0)
    return `${holder} never closes ${count(never)} of the ${plural(positions, 'position')} that ${harvester} harvests, and holds ${share}.`;
  return `${holder} holds ${share}.`;
}

function snapshotCount(n: number): string {
  return plural(n, 'snapshot');
}

/** Flips, positions and snapshots left out. */
export function summarySentence(result: ReplayResult): string {
  const { flips, snapshots, results, unscorable, undecodable } = result;
  const left = [
    ...(unscorable > 0 ? [`${count(unscorable)} could not be scored`] : []),
    ...(undecodable > 0 ? [`${count(undecodable)} did not decode`] : []),
  ];
  const maps = Object.values(result.calibration).flat();
  return [
    `${count(flips)} of ${plural(snapshots, 'snapshot')} flip (${percent(flips / snapshots)}), in ${plural(results.positions, 'position')}.`,
    ...(left.length > 0 ? [`Left out: ${left.join(', ')}.`] : []),
    ...(maps.length > 0 ? [`Confidence by ${maps.join(', ')} for both.`] : []),
  ].join(' ');
}

export function openSentence({
  open_position_hours: recorded,
  open_hours: open,
  policy,
  against,
}: ReplayResult): string {
  const names = policyNames({ policy, against });
  return `Positions were open for ${openText(recorded)} as recorded; under ${names.current} ${openText(open.current)} of that, under ${names.candidate} ${openText(open.candidate)}.`;
}

/** The times of all positions together: long ones stay in hours, so that they can be compared. */
function openText(hours: number): string {
  return hours < LONG_HOURS ? durationWords(hours * HOUR_MS) : `${plain(hours)} h`;
}

export function meansSentence({ results, costs, policy, against }: ReplayResult): string {
  const names = policyNames({ policy, against });
  const { change, change_interval: range, current_mean_r: current, candidate_mean_r: candidate } = results;
  if (change === null || current === null || candidate === null) return '';
  const about = range === null ? '' : ` (95 % interval ${interval(range, signed)})`;
  const { gross } = results;
  const before =
    costs.source === 'none' || gross.current_mean_r === null || gross.candidate_mean_r === null
      ? ''
      : ` Before costs: ${plain(gross.current_mean_r)} and ${plain(gross.candidate_mean_r)} R.`;
  return `Obeyed from the first snapshot on and ${costsWords(costs)}, ${names.current} would have made ${plain(current)} R a position and ${names.candidate} ${plain(candidate)} R: a change of ${signed(change)} R${about}.${before}`;
}

const COSTS_FROM = {
  recorded: 'as recorded on trade.closed',
  policy: 'as the policy deducts them',
  given: 'as given',
} as const satisfies Record<Exclude<TradingCosts['source'], 'none'>, string>;

function costsWords({ source, fee, funding_per_8h: funding }: TradingCosts): string {
  if (source === 'none') return 'before costs, of which nothing is known (--costs gives them)';
  const rate = (value: number): string => `${plain(10_000 * value)} bp`;
  return `net of fees of ${rate(fee)} a side and funding of ${rate(funding.LONG)} (LONG) and ${rate(funding.SHORT)} (SHORT) every 8 h, ${COSTS_FROM[source]}`;
}

/** The realised results of the positions, beside those of both policies. */
export function realisedSentence({ realised, policy, against }: ReplayResult): string {
  if (realised === null) return 'Really made: not known, none of these positions is closed on clm.outcome.';
  const names = policyNames({ policy, against });
  const { positions, mean_r: mean, current_mean_r: current, candidate_mean_r: candidate, costs_recorded } = realised;
  const reckoned =
    costs_recorded === positions
      ? ''
      : ` Costs are recorded for ${count(costs_recorded)} of them, and reckoned for the rest.`;
  return `Really made: ${plain(mean)} R a position net of costs, in ${plural(positions, 'position')} closed on record; of the same ones ${names.current} would have made ${plain(current)} R and ${names.candidate} ${plain(candidate)} R.${reckoned}`;
}

export function holdSentence(name: string, hold: LongestHold | null): string {
  return hold === null
    ? `${name} held no position above R ${PROFITABLE_ABOVE_R}.`
    : `${name} held a position above R ${PROFITABLE_ABOVE_R} for ${durationWords(hold.hours * HOUR_MS)} without a break: ${printable(hold.symbol)}, up to R ${plain(hold.peak_r)}, from ${formatEventTime(hold.from)}.`;
}

function signed(value: number): string {
  return value > 0 ? `+${plain(value)}` : plain(value);
}

/** A decision, for example `PARTIAL_CLOSE 58 % 4/7`: the scores are hold/exit. */
export function decided({ action, fraction, hold_score, exit_score }: Flip['from']): string {
  const share = action === 'PARTIAL_CLOSE' ? ` ${percent(fraction)}` : '';
  return `${action}${share} ${hold_score}/${exit_score}`;
}
