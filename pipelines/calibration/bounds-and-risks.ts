import { type ConfidenceMap, calibrate } from '../scoring/confidence-map.ts';
import type { OutcomeRow } from './dataset.ts';
import type { Auc, Bound, CalibrationReport, Evaluation, Flips } from './report.ts';
import type { Samples } from './samples.ts';
import { argsort } from './statistics.ts';

/**
 * Where outcomes are thin a map follows its formula and not the data: there it may change a confidence by at most this. Unit: probability.
 */
const LARGEST_THIN_CHANGE = 0.15;

/** Outcomes are thin where fewer independent ones lie around a confidence: 30 give a win rate to about ±0.18. Unit: outcomes. */
const THIN_BELOW = 30;

/** Outcomes lie around a confidence when theirs is this close. Unit: probability. */
const AROUND = 0.1;

/** A map that flips more decisions is in effect another policy, and must be replayed and decided as one. Unit: ratio of the snapshots. */
const MOST_FLIPS = 0.1;

/** A factor that held this often before, and never with the map, is muted. Unit: snapshots. */
const OFTEN = 10;

type Change = CalibrationReport['largest_change'];

interface Changes {
  /** The largest change over the observed confidences. */
  readonly overall: Change;
  /** The largest change where outcomes are thin; null where they are nowhere thin. */
  readonly thin: Change | null;
}

/** How far a map moves confidences from what scores today. `independent`: the share of outcomes that counts as independent. */
export function largestChange(
  map: ConfidenceMap,
  inForce: ConfidenceMap | null,
  { x }: Samples,
  independent = 1,
): Changes {
  const sorted = x.map((_, at) => x[at] as number).toSorted();
  let overall: Change = { at: Number.NaN, from: Number.NaN, to: Number.NaN };
  let thin: Change | null = null;
  let size = -1;
  let thinSize = -1;
  let first = 0;
  let end = 0;
  for (const at of argsort(x)) {
    const confidence = x[at] as number;
    while ((sorted[first] as number) < confidence - AROUND) first += 1;
    while (end < sorted.length && (sorted[end] as number) <= confidence + AROUND) end += 1;
    const from = inForce === null ? confidence : calibrate(inForce, confidence);
    const to = calibrate(map, confidence);
    const moved = Math.abs(to - from);
    if (moved > size) [size, overall] = [moved, { at: confidence, from, to }];
    if ((end - first) * independent < THIN_BELOW && moved > thinSize)
      [thinSize, thin] = [moved, { at: confidence, from, to }];
  }
  return { overall, thin };
}

interface Evidence {
  readonly change: Changes;
  readonly outOfFold: Evaluation;
  readonly auc: Auc;
  /** Brier score of the constant base rate out of fold. */
  readonly constant: number;
}

/** The bounds that outcomes decide, with the values found. */
export function safetyBounds({ change: { thin }, outOfFold, auc, constant }: Evidence): readonly Bound[] {
  const brier = outOfFold.scores.find(({ name }) => name === 'brier');
  if (brier === undefined) throw new TypeError('an evaluation has a Brier score');
  const moved = thin === null ? 0 : Math.abs(thin.to - thin.from);
  const worst = brier.change_interval.high;
  const overConstant = brier.after - constant;
  return [
    {
      name: 'brier_improvement',
      rule: 'Brier out of fold: 95 % interval of the change below 0',
      limit: 0,
      value: worst,
      holds: worst < 0,
    },
    {
      name: 'beats_constant',
      rule: 'Brier out of fold: below the constant base rate',
      limit: 0,
      value: overConstant,
      holds: overConstant < 0,
    },
    {
      name: 'tells_apart',
      rule: 'AUC: 95 % interval above 0.5',
      limit: 0.5,
      value: auc.low,
      holds: auc.low > 0.5,
    },
    {
      name: 'largest_change',
      rule: `no change above ${LARGEST_THIN_CHANGE} where outcomes are thin`,
      limit: LARGEST_THIN_CHANGE,
      value: moved,
      holds: moved <= LARGEST_THIN_CHANGE,
    },
  ];
}

/** The bounds on the effect on decisions. `neverDegraded`: with the map confidence_degraded can no longer occur. */
export function decisionBounds(flips: Flips | null, neverDegraded: boolean): readonly Bound[] {
  const share = flips === null ? 0 : flips.flips / flips.snapshots;
  const against = flips?.against_direction ?? 0;
  const muted = mutedFactors(flips, neverDegraded).length;
  return [
    {
      name: 'flips',
      rule: `at most ${100 * MOST_FLIPS} % of past snapshots decided otherwise`,
      limit: MOST_FLIPS,
      value: share,
      holds: share <= MOST_FLIPS,
    },
    {
      name: 'flips_against_direction',
      rule: 'no decision flips against the direction of the map',
      limit: 0,
      value: against,
      holds: against === 0,
    },
    {
      name: 'factors_possible',
      rule: 'every factor of the policy can occur (no override)',
      limit: 0,
      value: muted,
      holds: muted === 0,
    },
  ];
}

/** Factors of the policy that can no longer occur with the map. */
function mutedFactors(flips: Flips | null, neverDegraded: boolean): readonly string[] {
  const muted = new Set<string>(neverDegraded ? ['confidence_degraded'] : []);
  for (const [name, before] of Object.entries(flips?.factors.before ?? {}))
    if (before >= OFTEN && flips?.factors.after[name] === 0) muted.add(name);
  return [...muted];
}

/** With fewer outcomes a bootstrap interval is itself uncertain. Unit: usable outcomes. */
const FEW_OUTCOMES = 200;

/** Above this share one symbol decides the map. Unit: ratio of the usable outcomes. */
const DOMINANT_SHARE = 0.5;

/** Above this share the outcomes left out may change the finding. Unit: ratio of the FINAL outcomes. */
const LARGE_EXCLUSION = 0.3;

/** A trade that a recorder wrote twice closed within this time. Unit: milliseconds. */
const DOUBLE_WITHIN_MS = 50;

type Facts = Omit<CalibrationReport, 'risks' | 'do_not_apply_if' | 'version'>;

/** What may be wrong with a proposal although no bound forbids it. `undecodable`: records in the ranges that did not decode. */
export function risksOf(facts: Facts, usable: readonly OutcomeRow[], undecodable: number): readonly string[] {
  const { counts, slices, method, detectable, observed } = facts;
  const brier = facts.out_of_fold.scores.find(({ name }) => name === 'brier');
  const risks: string[] = [];
  if (counts.usable < FEW_OUTCOMES)
    risks.push(
      `Only ${counts.usable} usable outcomes: intervals are wide, and the next hundred may tell another story.`,
    );
  const top = slices.find(({ by }) => by === 'symbol');
  if (top !== undefined && top.n / counts.usable > DOMINANT_SHARE)
    risks.push(
      `${percent(top.n / counts.usable)} of the outcomes are of ${top.name}: the map is mostly that symbol's.`,
    );
  if (counts.final > 0 && (counts.final - counts.usable) / counts.final > LARGE_EXCLUSION)
    risks.push(
      `${percent((counts.final - counts.usable) / counts.final)} of the FINAL outcomes are left out of the fit.`,
    );
  if (brier !== undefined && brier.change_interval.high >= 0)
    risks.push('The 95 % interval of the change in Brier score out of fold reaches 0: the improvement may be chance.');
  if (Math.abs(detectable.found) < detectable.gap)
    risks.push(
      `The gap found (${percent(detectable.found)}) is below what ${detectable.n} outcomes can show (${percent(detectable.gap)}).`,
    );
  if (method === 'isotonic')
    risks.push('An isotonic map has steps: confidences close to a step change a lot for a little.');
  if (observed.low > 0 || observed.high < 1)
    risks.push(
      `No outcome had a confidence below ${figure(observed.low)} or above ${figure(observed.high)}: there the map is a constant, not a finding.`,
    );
  const policies = slices.filter(({ by }) => by === 'policy');
  if (policies.length > 1)
    risks.push(
      `The exit policy changed within the sample (${policies.map(({ name, n }) => `${name} ${n}`).join(', ')}): the map is of a mixture of exits.`,
    );
  const doubles = possibleDoubles(usable);
  if (doubles > 0)
    risks.push(`${doubles} outcomes repeat symbol, side and prices of another one within ${DOUBLE_WITHIN_MS} ms.`);
  if (undecodable > 0) risks.push(`${undecodable} records in the ranges do not decode and are not part of the fit.`);
  return risks;
}

/** Reasons for a person not to approve it, whatever the figures say. */
export function reasonsNotToApply(facts: Facts, usable: readonly OutcomeRow[]): readonly string[] {
  const first = usable[0];
  const last = usable.at(-1);
  const span =
    first === undefined || last === undefined
      ? ''
      : ` (the outcomes closed from ${new Date(first.closed_at).toISOString()} to ${new Date(last.closed_at).toISOString()})`;
  const reasons = [
    `${facts.model_id} was retrained, or its inputs changed, since these outcomes were recorded${span}.`,
    'The policy, the stops or the label rule changed in between: outcomes are results of exits too, not of the model alone.',
    'The market of the coming weeks is expected to be unlike the market of these outcomes.',
    'The outcomes were imported from a recorder whose confidences nobody has checked.',
  ];
  if (facts.method === 'identity')
    reasons.unshift('Nothing to gain: no map did better than raw confidence on later data.');
  for (const bound of facts.bounds)
    if (!bound.holds) reasons.unshift(`You cannot say why this bound may be broken: ${bound.rule}.`);
  return reasons;
}

function possibleDoubles(usable: readonly OutcomeRow[]): number {
  const latest = new Map<string, number>();
  let doubles = 0;
  for (const { symbol, side, entry_price, exit_price, closed_at } of usable) {
    const trade = `${symbol} ${side} ${entry_price} ${exit_price}`;
    const before = latest.get(trade);
    if (before !== undefined && closed_at - before <= DOUBLE_WITHIN_MS) doubles += 1;
    latest.set(trade, closed_at);
  }
  return doubles;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function figure(value: number): string {
  return String(Number(value.toPrecision(4)));
}
