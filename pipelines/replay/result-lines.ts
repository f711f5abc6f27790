import { formatCoordinates } from '../../errors/harvestline-error.ts';
import { matrixLines } from '../../render/action-matrix.ts';
import { count, percent, plain, plural } from '../../render/figures.ts';
import { plainTable } from '../../render/tables.ts';
import { wrapped } from '../../render/terminal-text.ts';
import { pc, printable } from '../../render/terminal.ts';
import type { ReplayResult } from './compare-policies.ts';
import { type FailedCondition, failedText } from './fail-if.ts';
import type { Flip, FlipCount } from './flip-tally.ts';
import {
  decided,
  headline,
  holdSentence,
  meansSentence,
  openSentence,
  policyNames,
  realisedSentence,
  summarySentence,
} from './result-sentences.ts';

/** Of the flips and of the symbols; --json and the page have the others. */
const SHOWN = 10;

/** A comparison for people, what matters first. */
export function resultLines(result: ReplayResult, failed: readonly FailedCondition[], width = 80): readonly string[] {
  const { candidate, current } = policyNames(result);
  if (result.snapshots === 0) return [pc.bold(headline(result)), ...failedLines(failed)];
  return [
    ...wrapped(headline(result), width).map((line) => pc.bold(line)),
    ...wrapped(summarySentence(result), width),
    ...failedLines(failed),
    '',
    ...matrixLines(result.matrix, { current, candidate }),
    '',
    ...wrapped(openSentence(result), width),
    ...wrapped(holdSentence(current, result.longest_hold.current), width),
    ...wrapped(holdSentence(candidate, result.longest_hold.candidate), width),
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

function failedLines(failed: readonly FailedCondition[]): readonly string[] {
  return failed.map((one) => pc.red(failedText(one)));
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

/** Two lines a flip: both decisions with their reasons, then the position, for `explain`. */
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

/** R at the position's last snapshot, where it is over. */
function lastR({ last_r: r }: Flip): string {
  return r === null ? '' : `, then ${plain(r)}`;
}

function place({ topic, partition, offset }: Flip): string {
  return formatCoordinates({ topic, partition, offset });
}
