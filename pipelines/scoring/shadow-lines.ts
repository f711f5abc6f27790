import { pc, printable } from '../../render/terminal.ts';
import { formatEventMinute, formatEventTime } from '../../render/event-time.ts';
import type { ShadowScore } from './shadow-board.ts';
import type { ShadowAction, ShadowDecision } from '../../schemas/generated/records.ts';
import { plainTable } from '../../render/plain-table.ts';
import type { ShadowReport } from './shadow-report.ts';

const ACTIONS = ['HOLD', 'PARTIAL_CLOSE', 'CLOSE'] as const satisfies readonly ShadowAction[];

/** How much of the scoreboard is shown. */
export interface ShadowLayout {
  /** All columns of the flips; else the ones that fit into 80 characters. */
  readonly wide: boolean;
  readonly matrix: boolean;
  /** At most so many of each candidate's latest flips. */
  readonly flips: number;
}

const EVERYTHING: ShadowLayout = { wide: true, matrix: true, flips: Infinity };

/** The scoreboard for people. */
export function shadowLines(
  { as_of, undecodable, candidates }: ShadowReport,
  layout: ShadowLayout = EVERYTHING,
): readonly string[] {
  if (as_of === null)
    return ['no decisions of candidates yet: `harvestline run scoring --shadow CANDIDATE` writes them'];
  return [
    `as of ${formatEventTime(as_of)}, the time of the newest decision`,
    ...candidates.flatMap((score) => scoreLines(score, layout)),
    ...(undecodable === 0 ? [] : ['', pc.yellow(`${undecodable} records could not be read`)]),
  ];
}

function scoreLines(score: ShadowScore, { wide, matrix, flips: most }: ShadowLayout): readonly string[] {
  const { policy, against, decisions, agreed, resized, flips, flips_last_hour, flips_last_day } = score;
  const counts = `${decisions} decisions: ${agreed} the same, ${resized} of another size, ${flips} flips`;
  const lately = `(${flips_last_hour} in the last hour, ${flips_last_day} in the last day)`;
  const latest = score.latest_flips.slice(0, most);
  return [
    '',
    `${pc.bold(printable(policy))} against ${printable(against)}`,
    ...(wide ? [`${counts} ${lately}`] : [counts, lately]),
    ...(matrix ? ['', ...matrixLines(score)] : []),
    ...(latest.length === 0 ? [] : ['', ...(wide ? flipLines(latest) : shortFlipLines(latest))]),
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

function shortFlipLines(flips: readonly ShadowDecision[]): readonly string[] {
  const columns = [{ head: 'latest flips' }, { head: 'position' }, { head: 'current -> candidate' }] as const;
  const rows = flips.map((flip) => [
    formatEventMinute(flip.observed_at),
    printable(`${flip.account} ${flip.symbol} ${flip.side}`),
    `${flip.current_action} ${flip.current_fraction} -> ${flip.action} ${flip.fraction}`,
  ]);
  return plainTable(columns, rows);
}
