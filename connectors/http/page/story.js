/** An explanation in words: the same that `explain` prints, made ready for the page. Pure. A record may lack what an older program did not write. */
import { decisionText, duration, measured, percent, plural, price, signedR, UNKNOWN } from './format.js';

const HOUR_MS = 3_600_000;

/** @typedef {{ name: string, side: string, points: number, value: number | null, threshold: number | null }} Factor */
/** @typedef {{ input: string, from: number | string | null, to: number | string, action: string, reason: string }} Change */
/** @typedef {{ name: string, value: number | string | null, threshold: number | string | null }} Condition */

/**
 * @typedef {object} Decided
 * @property {string} action
 * @property {number} fraction
 * @property {string} reason
 * @property {number} hold_score
 * @property {number} exit_score
 * @property {number} r
 * @property {readonly Factor[]} factors
 * @property {readonly string[]} unknown
 * @property {string} policy
 * @property {string | null} calibration_version
 * @property {boolean} assumed
 */

/** @typedef {Decided & { at: number, partition: number, offset: number, confidence_mapped: boolean, policy_available: boolean, conditions?: readonly Condition[] | null, changes: readonly Change[] | null }} Explained */
/** @typedef {Decided & { from: number, to: number, count: number, last_r: number, last_fraction: number, intents: boolean, partition: number, first_offset: number, last_offset: number }} Run */
/** @typedef {{ topic: string, partition: number, offset: number, at: number, intent_id: string | null, kind: string, figures: string }} Step */

/**
 * @typedef {object} Explanation
 * @property {string} position_id
 * @property {string} policy
 * @property {readonly Run[]} runs
 * @property {Explained | null} decision
 * @property {readonly Step[]} steps
 * @property {readonly unknown[]} decisions
 * @property {readonly unknown[]} unscorable
 */

/** @type {Record<'r' | 'share' | 'hours' | 'probability', (value: number) => string>} */
const UNITS = {
  r: (value) => `R ${signedR(value)}`,
  share: (value) => `${measured(100 * value)}\u00A0%`,
  hours: (value) => duration(value * HOUR_MS),
  probability: (value) => measured(value),
};

/**
 * Factor -> what it says where it holds, how its value stands to its threshold, and what both are measured in.
 *
 * @type {Record<string, readonly [says: string, relation: string, unit: keyof typeof UNITS]>}
 */
const FACTORS = {
  regime_intact: ['The regime is the one at entry', '', 'share'],
  volatility_expanding: ['Volatility expands', 'above', 'share'],
  momentum_strong: ['Momentum is strong', 'above', 'r'],
  confidence_intact: ['Confidence holds', 'not below', 'probability'],
  fresh: ['It is freshly opened', 'below', 'hours'],
  near_peak: ['It is near its best price', 'within', 'share'],
  regime_changed: ['The regime has changed since entry', '', 'share'],
  volatility_contracting: ['Volatility does not expand', 'not above', 'share'],
  confidence_degraded: ['Confidence has dropped', 'below', 'probability'],
  old: ['It is open for long', 'above', 'hours'],
  off_peak: ['It is off its best price', 'beyond', 'share'],
  profit_rung: ['A profit rung is reached', 'above', 'r'],
};

/** @param {Factor} factor */
export function factorText({ name, value, threshold }) {
  const [says = words(name), relation = 'against', unit = 'probability'] = FACTORS[name] ?? [];
  const write = UNITS[unit];
  if (value === null) return { says, figures: '' };
  return { says, figures: threshold === null ? write(value) : `${write(value)}, ${relation} ${write(threshold)}` };
}

/** @param {string} name */
function words(name) {
  const text = name.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Factors by side, the weightiest first. @param {readonly Factor[]} factors @param {string} side */
export function onSide(factors, side) {
  return factors.filter((factor) => factor.side === side).toSorted((one, other) => other.points - one.points);
}

/** Why, in a sentence. @param {Decided} decided */
export function because({ action, reason, hold_score: hold, exit_score: exit }) {
  const scores = `${measured(exit)} for leaving against ${measured(hold)} for holding`;
  if (reason === 'no_rule_applies') return `No rule of the policy applies: ${scores}.`;
  if (reason === 'fraction_rounds_to_zero') return `The rule that applies would close less than 1 %: ${scores}.`;
  if (reason === 'dust') return 'It is smaller than any order that the venue takes.';
  return action === 'HOLD' ? `${reason}: ${scores}.` : `The rule ${reason} applies: ${scores}.`;
}

/** @type {Record<string, (value: string, threshold: string) => string>} */
const CONDITIONS = {
  r_above: (value, threshold) => `R ${value} is above ${threshold}`,
  r_below: (value, threshold) => `R ${value} is below ${threshold}`,
  any_factor: (value) => `one of these holds: ${value}`,
  symbol: (value) => `the symbol is ${value}`,
  age_minutes_above: (value, threshold) => `open for ${value} min, more than ${threshold}`,
  age_minutes_below: (value, threshold) => `open for ${value} min, less than ${threshold}`,
  stop_hit: (value, threshold) => `mark ${value} is at or beyond the stop ${threshold}`,
  take_profit_hit: (value, threshold) => `mark ${value} is at or beyond the take profit ${threshold}`,
};

/** What the rule that decided asked for, as it was. @param {Condition} condition */
export function conditionText({ name, value, threshold }) {
  if (typeof threshold === 'number' && typeof value !== 'string') {
    if (name === 'exit_above_hold_plus') return `${leadAbove(threshold)}${lead(value)}`;
    if (name === 'exit_at_least_hold_plus') return `${leadAtLeast(threshold)}${lead(value)}`;
    if (name === 'gave_back_above')
      return `gave back ${value === null ? UNKNOWN : UNITS.share(value)}, more than ${UNITS.share(threshold)}`;
  }
  const write = CONDITIONS[name];
  return write === undefined ? `${words(name)} ${input(value)}` : write(input(value), input(threshold));
}

/** @param {number} points that leaving has to be above holding, at least */
function leadAtLeast(points) {
  if (points < 0) return `leaving may trail holding by ${pointsOf(-points)} at most`;
  return points === 0 ? 'leaving must not trail holding' : `leaving must lead by at least ${pointsOf(points)}`;
}

/** @param {number} points that leaving has to be above holding, and more */
function leadAbove(points) {
  if (points < 0) return `leaving must trail holding by less than ${pointsOf(-points)}`;
  return points === 0 ? 'leaving must lead' : `leaving must lead by more than ${pointsOf(points)}`;
}

/** @param {number | null} points of leaving over holding, as it was */
function lead(points) {
  if (points === null) return '';
  if (points === 0) return ' (they are level)';
  return points > 0 ? ` (it leads by ${measured(points)})` : ` (it trails by ${measured(-points)})`;
}

/** @param {number} points */
function pointsOf(points) {
  return `${measured(points)}\u00A0${points === 1 ? 'point' : 'points'}`;
}

/** @param {number | string | null} value */
function input(value) {
  return typeof value === 'string' ? value : measured(value, 6);
}

/**
 * Input -> its name in a sentence, and how its values are written: as the factors write theirs.
 *
 * @type {Record<string, readonly [string, (value: number) => string]>}
 */
const INPUTS = {
  r: ['R', signedR],
  age_hours: ['the age', UNITS.hours],
  confidence: ['confidence', UNITS.probability],
  volatility: ['the volatility gradient', UNITS.share],
  momentum: ['momentum', UNITS.r],
  off_peak: ['the distance from its best price', UNITS.share],
  gave_back: ['the share given back', UNITS.share],
  stop_price: ['the stop', price],
  take_profit_price: ['the take profit', price],
  regime: ['the regime', String],
};

/**
 * Changes that lead to the same decision, together; the smallest first.
 *
 * @param {Explained} explained
 * @returns {readonly { decision: string, reason: string, ways: readonly string[] }[]}
 */
export function otherwise({ changes, confidence_mapped: mapped }) {
  const byOutcome = Map.groupBy(changes ?? [], ({ action, reason }) => `${action} ${reason}`);
  return Array.from(byOutcome.values(), (same) => ({
    decision: same[0]?.action === 'PARTIAL_CLOSE' ? 'Partial close' : decisionText(same[0]?.action ?? '', 1),
    reason: same[0]?.reason ?? '',
    ways: same.map(({ input: name, from, to }) => {
      const [said = words(name).toLowerCase(), write = (/** @type {number} */ value) => measured(value)] =
        INPUTS[name] ?? [];
      const one = (/** @type {number | string | null} */ value) =>
        value === null ? 'unknown' : typeof value === 'string' ? value : write(value);
      return `${mapped && name === 'confidence' ? 'mapped ' : ''}${said} were ${one(to)} (is ${one(from)})`;
    }),
  }));
}

/** @typedef {'intent' | 'fill' | 'slice'} MarkKind */

/** What is marked on the time axis. @param {readonly Step[]} steps @returns {readonly { at: number, kind: MarkKind }[]} */
export function marksOf(steps) {
  return steps.flatMap((step) => {
    const kind = markKind(step);
    return kind === null ? [] : [{ at: step.at, kind }];
  });
}

/** Topic -> what a record of it is called where it stands first. @type {readonly (readonly [topic: string, title: string])[]} */
const TITLES = [
  ['harvest.intent', 'Intent'],
  ['execution.report', 'Report'],
  ['trade.closed', 'Trade'],
  ['clm.outcome', 'Outcome'],
];

/** Topics of a desk with a name have it before their own. @param {Step} step @returns {MarkKind | null} */
function markKind({ topic, kind }) {
  if (topic.endsWith('harvest.intent')) return 'intent';
  if (topic.endsWith('trade.closed')) return 'slice';
  return topic.endsWith('execution.report') && kind.startsWith('FILLED') ? 'fill' : null;
}

/**
 * One line of the timeline: a run of decisions, or an intent with what followed from it (several, where they went alike and closed nothing).
 *
 * @typedef {object} Entry
 * @property {'run' | 'step'} kind
 * @property {number} at
 * @property {number} until
 * @property {string} title
 * @property {string} detail
 * @property {boolean} traded
 */

/** Newest first. @param {Pick<Explanation, 'runs' | 'steps'>} explanation @returns {readonly Entry[]} */
export function timelineOf({ runs, steps }) {
  return [...runs.map(runEntry), ...stepEntries(steps)].toSorted(
    (one, other) => other.until - one.until || other.at - one.at,
  );
}

/** @param {Run} run @returns {Entry} */
function runEntry({ from, to, count: decisions, action, fraction, last_fraction, reason, r, last_r, policy, assumed }) {
  const fractions = action === 'PARTIAL_CLOSE' && fraction !== last_fraction ? ` to ${percent(last_fraction)}` : '';
  const rs = signedR(r) === signedR(last_r) ? signedR(r) : `${signedR(r)} to ${signedR(last_r)}`;
  return {
    kind: 'run',
    at: from,
    until: to,
    title: `${decisionText(action, fraction)}${fractions}`,
    detail: `${reason}, ${plural(decisions, 'decision')}, R ${rs}, policy ${policy}${assumed ? ' (assumed)' : ''}`,
    traded: false,
  };
}

/** @param {readonly Step[]} steps @returns {readonly Entry[]} */
function stepEntries(steps) {
  /** @type {{ entry: Entry, kinds: string, times: number }[]} */
  const grouped = [];
  for (const episode of Map.groupBy(steps, (step) => step.intent_id ?? step).values()) {
    const [first] = episode;
    if (first === undefined) continue;
    const kinds = episode.map(({ kind }) => kind).join(', ');
    const traded = episode.some((step) => markKind(step) === 'fill' || markKind(step) === 'slice');
    const last = grouped.at(-1);
    if (last !== undefined && last.kinds === kinds && !traded) {
      last.times += 1;
      last.entry = { ...last.entry, until: first.at, detail: `${kinds}, ${plural(last.times, 'time')} alike` };
      continue;
    }
    const title = titleOf(first);
    const detail = episode.map(saidBy).join(' → ');
    grouped.push({ entry: { kind: 'step', at: first.at, until: first.at, title, detail, traded }, kinds, times: 1 });
  }
  return grouped.map(({ entry }) => entry);
}

/** @param {Step} step */
function titleOf({ topic }) {
  const [, title = 'Record'] = TITLES.find(([name]) => topic.endsWith(name)) ?? [];
  return title;
}

/** The figures of some records begin with what they say. @param {Step} step */
function saidBy({ kind, figures }) {
  return figures.startsWith(kind) ? figures : `${kind} ${figures}`.trim();
}

/** What there is of it, in a line. @param {Explanation} explanation */
export function extentOf({ runs, decisions, unscorable }) {
  const from = runs[0]?.from;
  const to = runs.at(-1)?.to;
  const span = from === undefined || to === undefined ? UNKNOWN : duration(to - from);
  const bad = unscorable.length === 0 ? '' : `; ${plural(unscorable.length, 'snapshot')} could not be scored`;
  return `${plural(decisions.length, 'snapshot')} over ${span}, in ${plural(runs.length, 'run')} of equal decisions${bad}`;
}
