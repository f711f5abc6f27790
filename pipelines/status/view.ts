import { pc, printable } from '../../render/terminal.ts';
import type { CalibrationWatch, RateChange, Verdict } from './calibration-watch.ts';
import { formatEventTime } from '../../render/event-time.ts';

const VERDICTS: Readonly<Record<Verdict, string>> = {
  not_used_yet: 'not used yet',
  too_early: 'too early to tell',
  steady: pc.green('steady'),
  changed: pc.yellow('changed'),
  think_of_rollback: pc.red('think of a rollback'),
};

/** What `status` says of the versions in force, for people. */
export function watchLines(watches: readonly CalibrationWatch[]): readonly string[] {
  return watches.flatMap(
    ({ model_id, version, since, verdict, reasons, win_rate, hold_rate, factor_rates, confidence }) => [
      `${pc.bold('calibrated')} ${printable(model_id)} by ${version}` +
        `${since === null ? '' : ` since ${formatEventTime(since)}`}: ${VERDICTS[verdict]}`,
      ...(since === null
        ? []
        : [
            `           win rate   ${rateText(win_rate)}`,
            `           HOLD rate  ${rateText(hold_rate)}`,
            ...factorLines(factor_rates),
            `           confidence ${meanText(confidence.before)} before, ${meanText(confidence.after)} after`,
          ]),
      ...reasons.map((reason) => `           ${reason}`),
    ],
  );
}

/** Those that confidence decides: a map has no say in the others. */
function factorLines(rates: CalibrationWatch['factor_rates']): readonly string[] {
  return Object.entries(rates)
    .filter(([name]) => name.startsWith('confidence_'))
    .map(
      ([name, { before, after, mentions }]) =>
        `           ${name}  ${mentions.before} intents before (${shareText(before)}), ${mentions.after} after (${shareText(after)})`,
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
