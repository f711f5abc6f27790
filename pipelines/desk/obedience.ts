/**
 * Which processes obey a command of the kill switch, from what they say of themselves. Pure.
 *
 * O1  A process counts from its first record to its ENDED. One that fell silent for longer than GONE_MS is gone: it was killed, or it
 *     stands still, and then it looks at the switch before it sends anything (desk-control.ts K1).
 * O2  Clocks of machines differ. A process whose latest record only looks old is listened for, as long as two beats take, before it
 *     is called gone.
 * O3  A process obeys where it says so of this command or of a later one.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import type { DeskProcess } from '../../schemas/generated/records.ts';
import { Claims, EVERY_OTHER_ACCOUNT } from './claims.ts';
import { WHOLE_DESK } from './kill-switch.ts';
import { BEAT_MS, GONE_MS, DEV_PROCESS, Processes } from './presence.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord, TopicCursor } from '../runtime/topic-cursor.ts';

/** O2. Unit: milliseconds. */
export const LISTEN_MS = 1.5 * BEAT_MS;

/** A clock that is wrong by more is somebody's first concern; a process that was killed before is not waited for. Unit: milliseconds. */
const CLOCK_ERROR_MS = 60 * 60 * 1000;

export interface GivenCommand {
  readonly scope: string;
  readonly command: 'HALT' | 'RESUME';
  readonly issued_at: EpochMillis;
}

export interface Obedience {
  readonly obeyed: readonly DeskProcess[];
  /** They work, and have not said yet that they obey. */
  readonly silent: readonly DeskProcess[];
  /** They never said that they ended, and say nothing any more. */
  readonly gone: readonly DeskProcess[];
  /** Whether nothing that is waited for could change this. */
  readonly settled: boolean;
}

export interface Heard {
  /** Those of which a record came since the command was given. */
  readonly processes: ReadonlySet<string>;
  /** How long has been listened. Unit: milliseconds. */
  readonly forMs: number;
}

/** Those that execute for the scope of the command. `now` is by the clock of who asks. */
export function obedience(
  unended: readonly DeskProcess[],
  claims: Claims,
  given: GivenCommand,
  heard: Heard,
  now: EpochMillis,
): Obedience {
  const obeyed: DeskProcess[] = [];
  const silent: DeskProcess[] = [];
  const gone: DeskProcess[] = [];
  let isListening = false;
  for (const process of unended) {
    if (process.part !== 'EXECUTION' || !executes(process, given.scope, claims)) continue;
    const silence = now - process.seen_at;
    const lives = heard.processes.has(process.process) || silence <= GONE_MS;
    if (!lives) {
      gone.push(process);
      if (silence <= CLOCK_ERROR_MS && heard.forMs < LISTEN_MS) isListening = true;
    } else if (obeys(process, given)) obeyed.push(process);
    else silent.push(process);
  }
  return { obeyed, silent, gone, settled: silent.length === 0 && !isListening };
}

/** A process of every other account counts for a scope unless the account is claimed for another venue or mode. */
function executes({ account, venue, mode }: DeskProcess, scope: string, claims: Claims): boolean {
  if (scope === WHOLE_DESK || account === scope) return true;
  if (account !== EVERY_OTHER_ACCOUNT) return false;
  const claim = claims.of(scope, 'EXECUTION');
  return claim === undefined || (claim.venue === venue && claim.mode === mode);
}

/** O3. What stops orders besides a halt obeys a halt, too. */
function obeys({ obeys: all }: DeskProcess, { scope, command, issued_at }: GivenCommand): boolean {
  return all.some(
    (one) => one.scope === scope && one.issued_at >= issued_at && (command === 'HALT') === (one.command !== 'RESUME'),
  );
}

const TOPIC = TOPICS.deskProcess.name;

/** The processes that work accounts on a log, read once and then listened to. */
export class WorkingProcesses {
  readonly claims = new Claims();
  /** Those of which a record came after the opening. */
  readonly heard = new Set<string>();
  readonly #isDevWorking: () => boolean;
  readonly #processes = new Processes();
  readonly #accounts = new Set<string>();
  readonly #beats: TopicCursor<typeof TOPIC>;

  private constructor(topics: ReadableTopics, isDevWorking: () => boolean) {
    this.#isDevWorking = isDevWorking;
    this.#beats = new TopicCursor(topics, TOPIC, (record) => {
      this.#processes.apply(record);
      this.#accounts.add(record.account);
      this.heard.add(record.process);
    });
  }

  static async open(topics: ReadableTopics, isDevWorking: () => boolean): Promise<WorkingProcesses> {
    const found = new WorkingProcesses(topics, isDevWorking);
    await forEachRecord(topics, TOPICS.deskClaim.name, {}, (claim) => {
      found.claims.apply(claim);
      found.#accounts.add(claim.account);
    });
    await found.readOn();
    found.heard.clear();
    return found;
  }

  /** Reads what has come since. */
  readOn(): Promise<void> {
    return this.#beats.readOn();
  }

  /** Every account that a process or a claim names. */
  accounts(): readonly string[] {
    return [...this.#accounts].filter((account) => account !== EVERY_OTHER_ACCOUNT);
  }

  /** Those that have not ended; `dev` says by its lock whether it works, since its records bear the market's time. */
  unended(now: EpochMillis): readonly DeskProcess[] {
    const others = this.#processes.unended().filter(({ process }) => process !== DEV_PROCESS);
    if (!this.#isDevWorking()) return others;
    return [...others, { ...(this.#processes.of(DEV_PROCESS) ?? DEV), seen_at: now }];
  }
}

/** `dev` before it has said anything: it speaks up when there is something to obey. */
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
