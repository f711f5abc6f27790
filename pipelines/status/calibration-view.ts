/** The calibrations in force, for people. */
import { formatEventSecond } from '../../render/event-time.ts';
import { pc, printable } from '../../render/terminal.ts';
import type { CalibrationWatch, RateChange, Verdict } from './calibration-watch.ts';

const VERDICTS: Readonly<Record<Verdict, string>> = {
  not_used_yet: 'not used yet',
  too_early: 'too early to tell',
  steady: pc.green('steady'),
  changed: pc.yellow('changed'),
  think_of_rollback: pc.red('think of a rollback'),
};

/** One calibration in force: its verdict, then the figures behind it. A part may be wrapped. */
export function calibrationTexts({
  model_id,
  version,
  since,
  verdict,
  reasons,
  win_rate,
  hold_rate,
  factor_rates,
  confidence,
}: CalibrationWatch): readonly string[] {
  const began = since === null ? '' : ` since ${formatEventSecond(since)}`;
  return [
    `${printable(model_id)} by ${version}${began}: ${VERDICTS[verdict]}`,
    ...(since === null
      ? []
      : [
          `win rate   ${rateText(win_rate)}`,
          `HOLD rate  ${rateText(hold_rate)}`,
          ...factorTexts(factor_rates),
          `confidence ${meanText(confidence.before)} before, ${meanText(confidence.after)} after`,
        ]),
    ...reasons,
  ];
}

/** The factors of confidence: a confidence map changes no others. */
function factorTexts(rates: CalibrationWatch['factor_rates']): readonly string[] {
  return Object.entries(rates)
    .filter(([name]) => name.startsWith('confidence_'))
    .map(
      ([name, { before, after, mentions }]) =>
        `${name}  ${mentions.before} intents before (${shareText(before)}), ${mentions.after} after (${shareText(after)})`,
    );
}

function shareText(rate: RateChange['before']): string {
  return rate === null ? 'no snapshots' : `${percent(rate.value)} of snapshots`;
}

function rateText({ before, after, difference }: RateChange): string {
  const one = before === null ? 'nothing' : `${percent(before.value)} of ${before.n}`;
  const other = after === null ? 'nothing' : `${percent(after.value)} of ${after.n}`;
  const change =
    difference === null
      ? ''
      : `, difference ${signed(difference.value)} (95 %: ${signed(difference.low)} to ${signed(difference.high)})`;
  return `${one} before, ${other} after${change}`;
}

function meanText(distribution: CalibrationWatch['confidence']['before']): string {
  if (distribution === null) return 'nothing';
  const { mean, q1, q3 } = distribution;
  return `mean ${mean.toFixed(2)} (middle half ${q1.toFixed(2)} to ${q3.toFixed(2)})`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function signed(share: number): string {
  return `${share < 0 ? '−' : '+'}${(100 * Math.abs(share)).toFixed(1)} points`;
}
