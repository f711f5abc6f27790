/**
 * Finds processors that died or hang (`processor_gone`): a consumer group for which records wait and that commits nothing, and a process
 * that was working an account and shows no sign of life. Pure: offsets and records in, alerts out.
 *
 * WAT-20  A group that has never committed anything is not missed: nobody runs it here. Nor is a process that said that it ends, one whose
 *         account another process works by now, or one whose account was retired.
 * WAT-21  While orders are halted execution is not newly missed: people may be at work on it.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import type { DeskProcess } from '../../schemas/generated/records.ts';
import { type Alert, lookCloser } from '../alerts/alerts.ts';
import { type Claims, executionGroupOf } from '../desk/claims.ts';
import type { Processes } from '../desk/presence.ts';

/**
 * Longer than a rebalance may wait for its slowest member (60 s), a start and a restart take; a group that works commits every second. Short
 * enough that a person knows within three minutes. Unit: milliseconds.
 */
const IDLE_MS = 90_000;

/** A process writes a heartbeat every 3 s; a slow broker, a rebalance or a restart by its supervisor lie within a minute. Unit: milliseconds. */
const LIFELESS_MS = 60_000;

/** A consumer group at one moment, over all of its topics. */
export interface GroupFigures {
  readonly group: string;
  /** Records that it has not committed yet. */
  readonly lag: number;
  /** The sum of its committed offsets; null where it never committed any. */
  readonly committed: number | null;
  readonly halted: boolean;
}

/** When each group last moved, as far as this process has seen. */
export class GroupProgress {
  readonly #moved = new Map<string, { readonly committed: number; readonly at: EpochMillis }>();
  readonly #gone = new Set<string>();

  /** The groups that are gone at `now`. */
  alerts(groups: readonly GroupFigures[], now: EpochMillis): readonly Alert[] {
    return groups.flatMap(({ group, lag, committed, halted }): readonly Alert[] => {
      if (committed === null) return [];
      const before = this.#moved.get(group);
      const hasMoved = before === undefined || lag === 0 || committed !== before.committed;
      if (hasMoved || (halted && !this.#gone.has(group))) {
        this.#moved.set(group, { committed, at: now });
        this.#gone.delete(group);
        return [];
      }
      if (now - before.at < IDLE_MS) return [];
      this.#gone.add(group);
      const seconds = Math.round((now - before.at) / 1000);
      return [
        {
          name: 'processor_gone',
          scope: group,
          since: before.at,
          evidence: `${lag} ${lag === 1 ? 'record waits' : 'records wait'} for the consumer group ${group}, which has committed nothing for ${seconds} s.`,
          next: lookCloser('status'),
        },
      ];
    });
  }
}

/**
 * The processes that are gone at `now`, one alert for each part of an account: that of its latest process. While the log hangs nobody shows a
 * sign of life, so one that was silent for less than LIFELESS_MS still stands for an earlier one that it replaced.
 */
export function lifelessAlerts(processes: Processes, claims: Claims, now: EpochMillis): readonly Alert[] {
  const latest = new Map<string, DeskProcess>();
  for (const process of processes.notEnded()) {
    const other = latest.get(placeOf(process));
    if (other === undefined || other.seen_at < process.seen_at) latest.set(placeOf(process), process);
  }
  const gone = [...latest.values()].filter(
    ({ account, part, seen_at }) => now - seen_at > LIFELESS_MS && claims.of(account, part) !== undefined,
  );
  return gone.map((process) => {
    const { account, part, seen_at, by } = process;
    const name = part === 'EXECUTION' ? 'execution' : 'the source of snapshots';
    const silent = Math.round((now - seen_at) / 1000);
    return {
      name: 'processor_gone',
      scope: scopeOf(process, claims),
      since: seen_at,
      evidence:
        `${name} of account ${account} (process ${process.process}, run by ${by}) has shown no sign of life for ${silent} s, and did not ` +
        'say that it ends. Start it again, or retire the account.',
      next: lookCloser('desk list'),
    };
  });
}

function placeOf({ part, account }: Pick<DeskProcess, 'part' | 'account'>): string {
  return JSON.stringify([part, account]);
}

/** The consumer group, where there is one: of a process that is missed by both, one alert stands. */
function scopeOf({ part, account }: DeskProcess, claims: Claims): string {
  const claim = claims.of(account, part);
  return part === 'EXECUTION' && claim !== undefined ? executionGroupOf(claim) : `snapshots of ${account}`;
}
