/**
 * Gives a command of the kill switch, and tells what became of it.
 *
 * G1  Nothing is claimed that was not seen: a process obeys where it has said so on the log, after the command.
 * G2  It ends within its limit. Where the log hangs, what had happened by then is told: nothing was written, it is not known whether it
 *     was, or it was written and who obeys is not known.
 * G3  A scope that no record and no process knows is refused before anything is written.
 * G4  A command is issued later than all that is known of its scope, whatever the clocks of those who issued before.
 */
import { type Obedience, obedience, WorkingProcesses } from './obedience.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Stop } from '../../ports/kill-switch.ts';
import type { DeskControl } from '../../schemas/generated/records.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import type { SchemaRegistry } from '../../schemas/registry.ts';
import { commandRecords, readKillSwitch, readWitnesses } from './control-topic.ts';
import { printable } from '../../render/terminal.ts';
import { retryTransient } from '../../ports/retry.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { nearestFirst } from '../../errors/nearest.ts';
import { WHOLE_DESK } from './kill-switch.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, decodeBatch } from '../runtime/topic-cursor.ts';

/** The log that a command is for, as it is opened and reached. */
export interface CommandedLog {
  /** Throws where there is none: a command makes no log. */
  readonly open: () => Promise<OpenLog>;
  /** Whether `dev` works on it now. */
  readonly isDevWorking: () => boolean;
}

interface OpenLog {
  readonly log: EventLog;
  readonly registry: SchemaRegistry;
  readonly close: () => Promise<void>;
}

export interface Command {
  readonly scope: string;
  readonly command: 'HALT' | 'RESUME';
  readonly by: string;
  readonly reason: string;
}

/**
 * `obeyed`: everything that executes there obeys. `idle`: it is written, and nothing executes there. `silent`: a process has not said
 * that it obeys. `written`: it is on the log, and who obeys could not be asked. `unconfirmed`: the log never said whether it took it.
 * `unwritten`: nothing was sent to the log.
 */
export type Outcome = 'obeyed' | 'idle' | 'silent' | 'written' | 'unconfirmed' | 'unwritten';

export interface Told {
  readonly outcome: Outcome;
  /** Null where it was never made up. */
  readonly record: DeskControl | null;
  readonly obedience: Pick<Obedience, 'obeyed' | 'silent' | 'gone'>;
  /** What stops orders now; empty where that could not be read. */
  readonly standing: readonly Stop[];
  /** Why it ended before everything was known; null: it did not. */
  readonly trouble: string | null;
}

/** How often processes are listened for. Unit: milliseconds. */
const POLL_MS = 100;

/** A connection that hangs is not waited for at the end. Unit: milliseconds. */
const CLOSE_MS = 1000;

/** Throws USAGE for a scope that nobody knows, and what is no outage: a log that is not there, a record that breaks a rule. */
export async function giveCommand(
  commanded: CommandedLog,
  given: Command,
  limit: TimeLimit,
  clock: Clock,
): Promise<Told> {
  const worlds: OpenLog[] = [];
  let told: Omit<Told, 'trouble'> = {
    outcome: 'unwritten',
    record: null,
    obedience: { obeyed: [], silent: [], gone: [] },
    standing: [],
  };
  try {
    const topics = await limit.retry(async () => {
      const world = await commanded.open();
      worlds.push(world);
      return { log: world.log, codec: await RecordCodec.open(world.registry) };
    });
    const listening = await limit.retry(() => WorkingProcesses.open(topics, commanded.isDevWorking));
    const { state, known } = await limit.retry(async () => {
      const before = await readKillSwitch(topics, await readWitnesses(topics));
      const scopes = new Set(given.command === 'RESUME' ? before.scopes() : []);
      return { state: before, known: new Set([...scopes, ...listening.accounts()]) };
    });
    await limit.retry(() => refuseUnknown(topics, given.scope, known));
    const issued_at = Math.max(clock.now(), state.latestAt(given.scope) + 1);
    const { scope, command, by: issued_by, reason } = given;
    const record: DeskControl = { scope, command, issued_at, issued_by, reason };
    const records = await limit.retry(() => commandRecords(topics, record));
    told = { ...told, outcome: 'unconfirmed', record };
    // Not tried again: the log itself does, until it is closed.
    await limit.within(topics.log.append(records));
    told = { ...told, outcome: 'written' };
    const since = clock.now();
    for (;;) {
      await limit.retry(() => listening.readOn());
      const heard = { processes: listening.heard, forMs: clock.now() - since };
      const found = obedience(listening.unended(clock.now()), listening.claims, record, heard, clock.now());
      told = {
        ...told,
        outcome: found.obeyed.length + found.silent.length === 0 ? 'idle' : 'silent',
        obedience: found,
      };
      if (found.settled) break;
      await limit.within(clock.sleep(POLL_MS));
    }
    if (told.outcome === 'silent') told = { ...told, outcome: 'obeyed' };
    const standing = await limit.retry(async () => (await readKillSwitch(topics, await readWitnesses(topics))).stops());
    return { ...told, standing, trouble: null };
  } catch (thrown) {
    if (!(thrown instanceof LimitReached)) throw thrown;
    return { ...told, trouble: thrown.message };
  } finally {
    const closed = Promise.all(worlds.map((world) => world.close().catch(() => {})));
    await Promise.race([closed, clock.sleep(CLOSE_MS)]);
  }
}

/** Which scopes a command of the kill switch can be for: the desk, and every account that a process or a record knows. */

/** Whose records name an account: small topics first. */
const OF_ACCOUNTS = [
  TOPICS.executionReport.name,
  TOPICS.harvestIntent.name,
  TOPICS.positionReconciled.name,
  TOPICS.positionSnapshot.name,
] as const;

/**
 * Throws USAGE where nobody knows the scope, with what is known, the nearest first. `known` is what processes and claims name; only
 * where that does not have it the records are read, to the first that does.
 */
async function refuseUnknown(topics: ReadableTopics, scope: string, known: ReadonlySet<string>): Promise<void> {
  if (scope === WHOLE_DESK || known.has(scope)) return;
  const accounts = new Set(known);
  for (const topic of OF_ACCOUNTS) {
    if (await gather(topics, topic, accounts, scope)) return;
  }
  const list = nearestFirst(scope, [WHOLE_DESK, ...accounts])
    .map(printable)
    .join(', ');
  throw new HarvestlineError(
    'USAGE',
    `--scope ${printable(scope)}: no process and no record on this log knows it; nothing was written. Known: ${list}`,
  );
}

/** True as soon as `wanted` turns up. */
async function gather(
  topics: ReadableTopics,
  topic: (typeof OF_ACCOUNTS)[number],
  accounts: Set<string>,
  wanted: string,
): Promise<boolean> {
  for await (const batch of topics.log.read(topic)) {
    await decodeBatch(topics, topic, batch, ({ account }) => accounts.add(account));
    if (accounts.has(wanted)) return true;
  }
  return false;
}

/** The time was up. The message says what was waited for. */
export class LimitReached extends Error {
  override readonly name = 'LimitReached';
}

/** Between two tries of a log that is away. Unit: milliseconds. */
const AGAIN_MS = 500;

/** A person who waits in a hurry is told so often that it is still tried. Unit: milliseconds. */
const STILL_MS = 2000;

/** A limit on everything that a command asks of a log, for a person who waits: what takes long is said, and nothing takes longer. */
export class TimeLimit {
  readonly #clock: Clock;
  readonly #endsAt: EpochMillis;
  readonly #seconds: number;
  readonly #log: string;
  readonly #say: (line: string) => void;

  constructor(clock: Clock, seconds: number, log: string, say: (line: string) => void) {
    this.#clock = clock;
    this.#endsAt = clock.now() + 1000 * seconds;
    this.#seconds = seconds;
    this.#log = log;
    this.#say = say;
  }

  /** Tries again while the log is unavailable. Throws LimitReached when the time is up, and any other error. */
  retry<T>(work: () => Promise<T>): Promise<T> {
    let last = '';
    const onWait = ({ code, message }: HarvestlineError): void => {
      last = `${code}: ${message}`;
      if (this.#leftMs() <= 0) throw new LimitReached(last);
      this.#say(`${last}; trying again`);
    };
    const sleep = (ms: number): Promise<void> =>
      this.within(this.#clock.sleep(ms)).catch(() => {
        throw new LimitReached(last);
      });
    const clock = { now: () => this.#clock.now(), sleep };
    return retryTransient({ clock, firstMs: AGAIN_MS, longestMs: AGAIN_MS, onWait }, () => this.within(work()));
  }

  /** Waits for something as long as there is time. Throws LimitReached. */
  async within<T>(work: Promise<T>): Promise<T> {
    const over = new AbortController();
    const late = new LimitReached(`BROKER_AWAY: ${this.#log} gave no answer within ${this.#seconds} s`);
    const limit = this.#untilTheEnd(over.signal).then((): never => {
      throw late;
    });
    try {
      return await Promise.race([work, limit]);
    } finally {
      over.abort();
      // Whichever lost the race has nobody to tell.
      limit.catch(() => {});
      work.catch(() => {});
    }
  }

  async #untilTheEnd(signal: AbortSignal): Promise<void> {
    let waited = 0;
    while (this.#leftMs() > 0 && !signal.aborted) {
      const wait = Math.min(STILL_MS, this.#leftMs());
      await this.#clock.sleep(wait, signal);
      waited += wait;
      if (signal.aborted || this.#leftMs() <= 0) break;
      this.#say(`${this.#log} has not answered for ${(waited / 1000).toFixed(0)} s; still trying`);
    }
    // The race was won: it is over for good.
    if (signal.aborted) await new Promise(() => {});
  }

  #leftMs(): number {
    return this.#endsAt - this.#clock.now();
  }
}
