/**
 * Which processes obey a command of the kill switch, from their records on desk.process: `WorkingProcesses` reads these, `obedience` decides.
 *
 * DSK-25  A process counts from its first record to its ENDED. One without a record for longer than GONE_MS is gone: it was killed, or it is
 *         paused, and then it polls the switch before it sends anything (DSK-12).
 * DSK-26  Clocks of machines differ. A process with a latest record that only looks old is waited for, as long as two heartbeats take, before
 *         it is called gone.
 * DSK-27  A process obeys where it acknowledges this command or a later one.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import type { DeskProcess } from '../../schemas/generated/records.ts';
import { Claims, EVERY_OTHER_ACCOUNT } from './claims.ts';
import { WHOLE_DESK } from './kill-switch.ts';
import { BEAT_MS, GONE_MS, DEV_PROCESS, Processes } from './presence.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord, TopicCursor } from '../runtime/topic-cursor.ts';

/** DSK-26. Unit: milliseconds. */
export const WAIT_MS = 1.5 * BEAT_MS;

/** Clocks are taken to differ by less: a process with an older latest record is not waited for. Unit: milliseconds. */
const CLOCK_ERROR_MS = 60 * 60 * 1000;

export interface GivenCommand {
  readonly scope: string;
  readonly command: 'HALT' | 'RESUME';
  readonly issued_at: EpochMillis;
}

export interface Obedience {
  readonly obeyed: readonly DeskProcess[];
  /** They work, and have not acknowledged the command. */
  readonly silent: readonly DeskProcess[];
  /** They have no ENDED, and no records any more. */
  readonly gone: readonly DeskProcess[];
  /** Nothing that could still come would change this. */
  readonly settled: boolean;
}

/** What has come since the command was given. */
interface Received {
  /** The processes with a new record. */
  readonly processes: ReadonlySet<string>;
  /** How long records were waited for. Unit: milliseconds. */
  readonly forMs: number;
}

/** Judges the processes that execute for the scope of the command. `now` is by the clock of the command. */
export function obedience(
  notEnded: readonly DeskProcess[],
  claims: Claims,
  given: GivenCommand,
  received: Received,
  now: EpochMillis,
): Obedience {
  const obeyed: DeskProcess[] = [];
  const silent: DeskProcess[] = [];
  const gone: DeskProcess[] = [];
  let isWaiting = false;
  for (const process of notEnded) {
    if (process.part !== 'EXECUTION' || !executes(process, given.scope, claims)) continue;
    const silence = now - process.seen_at;
    const lives = received.processes.has(process.process) || silence <= GONE_MS;
    if (!lives) {
      gone.push(process);
      if (silence <= CLOCK_ERROR_MS && received.forMs < WAIT_MS) isWaiting = true;
    } else if (obeys(process, given)) obeyed.push(process);
    else silent.push(process);
  }
  return { obeyed, silent, gone, settled: silent.length === 0 && !isWaiting };
}

/** A process that works every unclaimed account counts for an account unless that is claimed for another venue or mode. */
function executes({ account, venue, mode }: DeskProcess, scope: string, claims: Claims): boolean {
  if (scope === WHOLE_DESK || account === scope) return true;
  if (account !== EVERY_OTHER_ACCOUNT) return false;
  const claim = claims.of(scope, 'EXECUTION');
  return claim === undefined || (claim.venue === venue && claim.mode === mode);
}

/** DSK-27. Where the switch is UNKNOWN to a process, it sends nothing: that obeys a halt, too. */
function obeys({ obeys: all }: DeskProcess, { scope, command, issued_at }: GivenCommand): boolean {
  return all.some(
    (one) => one.scope === scope && one.issued_at >= issued_at && (command === 'HALT') === (one.command !== 'RESUME'),
  );
}

const TOPIC = TOPICS.deskProcess.name;

/** The processes that work accounts, and their claims, as the log has them; read on for new records. */
export class WorkingProcesses {
  readonly claims = new Claims();
  /** The processes with a record after the opening. */
  readonly received = new Set<string>();
  readonly #isDevWorking: () => boolean;
  readonly #processes = new Processes();
  readonly #accounts = new Set<string>();
  readonly #beats: TopicCursor<typeof TOPIC>;

  private constructor(topics: ReadableTopics, isDevWorking: () => boolean) {
    this.#isDevWorking = isDevWorking;
    this.#beats = new TopicCursor(topics, TOPIC, (record) => {
      this.#processes.apply(record);
      this.#accounts.add(record.account);
      this.received.add(record.process);
    });
  }

  static async open(topics: ReadableTopics, isDevWorking: () => boolean): Promise<WorkingProcesses> {
    const found = new WorkingProcesses(topics, isDevWorking);
    await forEachRecord(topics, TOPICS.deskClaim.name, {}, (claim) => {
      found.claims.apply(claim);
      found.#accounts.add(claim.account);
    });
    await found.readOn();
    found.received.clear();
    return found;
  }

  /** Reads the new records. */
  readOn(): Promise<void> {
    return this.#beats.readOn();
  }

  /** The accounts that a process or a claim names. */
  accounts(): readonly string[] {
    return [...this.#accounts].filter((account) => account !== EVERY_OTHER_ACCOUNT);
  }

  /** The processes that have not ended. `dev` counts by its lock, since its records have the market's time. */
  notEnded(now: EpochMillis): readonly DeskProcess[] {
    const others = this.#processes.notEnded().filter(({ process }) => process !== DEV_PROCESS);
    if (!this.#isDevWorking()) return others;
    return [...others, { ...(this.#processes.of(DEV_PROCESS) ?? DEV), seen_at: now }];
  }
}

/** `dev` before it has a record: it writes one when there is something to obey. */
const DEV: DeskProcess = {
  process: DEV_PROCESS,
  part: 'EXECUTION',
  account: EVERY_OTHER_ACCOUNT,
  venue: 'paper',
  mode: 'PAPER',
  state: 'WORKING',
  by: DEV_PROCESS,
  started_at: 0,
  seen_at: 0,
  obeys: [],
};
