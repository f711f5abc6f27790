import { pc, printable } from '../../render/terminal.ts';
import { formatCoordinates } from '../../errors/harvestline-error.ts';
import { ACTIONS, type Flip, type FlipCount } from './flip-tally.ts';
import { type LongestHold, PROFITABLE_ABOVE_R } from './open-positions.ts';
import type { FailedCondition } from './fail-if.ts';
import type { TradingCosts } from './trading-costs.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { count, interval, percent, plain, plural } from '../../render/figures.ts';
import { wrapped } from '../../render/terminal-text.ts';
import { plainTable } from '../../render/tables.ts';
import type { ReplayResult } from './compare-policies.ts';
import { headline, policyNames } from './headline.ts';

/** Of the flips and the symbols; JSON and page have the others. */
const SHOWN = 10;

/** The comparison for people, what matters first. */
export function resultLines(result: ReplayResult, failed: readonly FailedCondition[], width = 80): readonly string[] {
  const { candidate, current } = policyNames(result);
  if (result.snapshots === 0) return [pc.bold(headline(result)), ...failedLines(failed)];
  return [
    ...wrapped(headline(result), width).map((line) => pc.bold(line)),
    ...wrapped(summarySentence(result), width),
    ...failedLines(failed),
    '',
    ...matrixLines(result),
    '',
    ...wrapped(openSentence(result), width),
    ...holdLine(current, result.longest_hold.current, width),
    ...holdLine(candidate, result.longest_hold.candidate, width),
    ...wrapped(meansSentence(result), width),
    ...wrapped(realisedSentence(result), width),
    '',
    ...countLines('R', result.by_r),
    '',
    ...countLines('age', result.by_age),
    '',
    ...countLines('symbol', result.by_symbol.slice(0, SHOWN)),
    ...moreSymbols(result),
    '',
    ...factorLines(result),
    ...flipLines(result, width),
    '',
    pc.dim('What this cannot know:'),
    ...result.cannot_know.flatMap((text) =>
      wrapped(text, width - 2).map((line, index) => pc.dim(`${index === 0 ? '-' : ' '} ${line}`)),
    ),
  ];
}

/** Flips, positions, and what was left out. */
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
  return `Positions were open for ${plain(recorded)} h as recorded; under ${names.current} ${plain(open.current)} h of that, under ${names.candidate} ${plain(open.candidate)} h.`;
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

/** What really became of the positions, beside the two. */
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
    : `${name} held a position above R ${PROFITABLE_ABOVE_R} for ${plain(hold.hours)} h without a break: ${printable(hold.symbol)}, up to R ${plain(hold.peak_r)}, from ${formatEventTime(hold.from)}.`;
}

export function signed(value: number): string {
  return value > 0 ? `+${plain(value)}` : plain(value);
}

function holdLine(name: string, hold: LongestHold | null, width: number): readonly string[] {
  return wrapped(holdSentence(name, hold), width);
}

function failedLines(failed: readonly FailedCondition[]): readonly string[] {
  return failed.map(({ condition, value }) =>
    pc.red(`fails: ${condition}, found ${value === null ? 'nothing to judge by' : plain(value)}`),
  );
}

function matrixLines(result: ReplayResult): readonly string[] {
  const { candidate, current } = policyNames(result);
  const columns = [
    { head: `${current} ↓  ${candidate} →` },
    ...ACTIONS.map((head) => ({ head, align: 'right' as const })),
  ];
  const rows = ACTIONS.map((from) => [
    from,
    ...ACTIONS.map((to) => {
      const n = result.matrix[from][to];
      return from !== to && n > 0 ? pc.yellow(count(n)) : count(n);
    }),
  ]);
  return plainTable(columns, rows);
}

function countLines(head: string, counts: readonly FlipCount[]): readonly string[] {
  const columns = [
    { head },
    { head: 'snapshots', align: 'right' },
    { head: 'flips', align: 'right' },
    { head: 'share', align: 'right' },
  ] as const;
  const rows = counts.map(({ name, snapshots, flips }) => [
    printable(name),
    count(snapshots),
    count(flips),
    snapshots === 0 ? '–' : percent(flips / snapshots),
  ]);
  return plainTable(columns, rows);
}

function moreSymbols({ by_symbol: { length } }: ReplayResult): readonly string[] {
  return length > SHOWN ? [pc.dim(`and ${plural(length - SHOWN, 'more symbol')}: --json has them`)] : [];
}

function factorLines({ by_factor }: ReplayResult): readonly string[] {
  if (by_factor.length === 0) return [];
  const columns = [{ head: 'points differ in' }, { head: 'flips', align: 'right' }] as const;
  return plainTable(
    columns,
    by_factor.map(({ name, flips }) => [printable(name), count(flips)]),
  );
}

/** Two lines each: what each policy says and why, then whose snapshot it is, for `explain`. */
function flipLines({ listed_flips: flips }: ReplayResult, width: number): readonly string[] {
  if (flips.length === 0) return [];
  return [
    '',
    'latest flips: R at the snapshot and at the last one of its position; hold/exit scores and reasons',
    ...flips
      .slice(0, SHOWN)
      .flatMap((flip) => [
        ...wrapped(
          `${printable(flip.symbol)} R ${plain(flip.r)}${lastR(flip)}: ${decided(flip.from)} ${printable(flip.from.reason)} → ${decided(flip.to)} ${printable(flip.to.reason)}`,
          width,
        ),
        pc.dim(`  ${printable(flip.position_id)} at ${place(flip)}`),
      ]),
  ];
}

/** What holding on has made of it. */
function lastR({ last_r: r }: Flip): string {
  return r === null ? '' : `, then ${plain(r)}`;
}

/** For example `PARTIAL_CLOSE 58 % 4/7`: the scores are hold/exit. */
export function decided({ action, fraction, hold_score, exit_score }: Flip['from']): string {
  const share = action === 'PARTIAL_CLOSE' ? ` ${percent(fraction)}` : '';
  return `${action}${share} ${hold_score}/${exit_score}`;
}

function place({ topic, partition, offset }: Flip): string {
  return formatCoordinates({ topic, partition, offset });
}
