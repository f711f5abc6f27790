import pc from 'picocolors';
import { formatEventTime } from '../pipelines/watch/event-time.ts';
import type { ShadowScore } from '../pipelines/watch/shadow-board.ts';
import type { ShadowAction, ShadowDecision } from '../schemas/generated/records.ts';
import { plainTable } from './plain-table.ts';
import { printable } from './printable.ts';
import type { ShadowReport } from './shadow-report.ts';

const ACTIONS = ['HOLD', 'PARTIAL_CLOSE', 'CLOSE'] as const satisfies readonly ShadowAction[];

/** The scoreboard for people. */
export function shadowLines({ as_of, undecodable, candidates }: ShadowReport): readonly string[] {
  if (as_of === null)
    return ['no decisions of candidates yet: `harvestline run scoring --shadow CANDIDATE` writes them'];
  return [
    `as of ${formatEventTime(as_of)}, the time of the newest decision`,
    ...candidates.flatMap(scoreLines),
    ...(undecodable === 0 ? [] : ['', pc.yellow(`${undecodable} records could not be read`)]),
  ];
}

function scoreLines(score: ShadowScore): readonly string[] {
  const { policy, against, decisions, agreed, resized, flips, flips_last_hour, flips_last_day, latest_flips } = score;
  return [
    '',
    `${pc.bold(printable(policy))} against ${printable(against)}`,
    `${decisions} decisions: ${agreed} the same, ${resized} of another size, ${flips} flips` +
      ` (${flips_last_hour} in the last hour, ${flips_last_day} in the last day)`,
    '',
    ...matrixLines(score),
    ...(latest_flips.length === 0 ? [] : ['', ...flipLines(latest_flips)]),
  ];
}

function matrixLines({ matrix }: ShadowScore): readonly string[] {
  const columns = [{ head: 'current \\ candidate' }, ...ACTIONS.map((head) => ({ head, align: 'right' as const }))];
  const cell = (current: ShadowAction, action: ShadowAction): string => {
    // Where both hold nothing is written: 0 would be a lie.
    if (current === 'HOLD' && action === 'HOLD') return '-';
    return String(matrix[current][action]);
  };
  const rows = ACTIONS.map((current) => [current, ...ACTIONS.map((action) => cell(current, action))]);
  return plainTable(columns, rows);
}

function flipLines(flips: readonly ShadowDecision[]): readonly string[] {
  const columns = [
    { head: 'latest flips' },
    { head: 'position' },
    { head: 'R', align: 'right' },
    { head: 'current' },
    { head: 'candidate' },
    { head: 'reason' },
  ] as const;
  const rows = flips.map((flip) => [
    formatEventTime(flip.observed_at),
    printable(`${flip.account} ${flip.symbol} ${flip.side}`),
    flip.r.toFixed(2),
    `${flip.current_action} ${flip.current_fraction}`,
    `${flip.action} ${flip.fraction}`,
    printable(flip.reason),
  ]);
  return plainTable(columns, rows);
}
