import type { OutcomeRow } from './dataset.ts';
import type { CalibrationReport } from './report.ts';

/** Fewer than this and a bootstrap interval is itself uncertain. Unit: outcomes. */
const FEW_OUTCOMES = 200;

/** Above this share one symbol decides what the map looks like. Unit: ratio of the usable outcomes. */
const DOMINANT_SHARE = 0.5;

/** Above this share the outcomes left out may tell another story. Unit: ratio of the FINAL outcomes. */
const LARGE_EXCLUSION = 0.3;

/** A recorder that writes a trade twice does so within this time. Unit: milliseconds. */
const DOUBLE_WITHIN_MS = 50;

type Facts = Omit<CalibrationReport, 'risks' | 'do_not_apply_if' | 'version'>;

/** What may be wrong with this proposal although nothing forbids it. `undecodable`: records in the ranges that did not decode. */
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

/** When a person should not approve it, whatever the figures say. */
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
