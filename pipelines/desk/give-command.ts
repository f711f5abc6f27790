import type { LogSession } from '../runtime/log-session.ts';
/**
 * Gives a command of the kill switch, and waits until it is known what became of it.
 *
 * DSK-17  Nothing is claimed that was not seen: a process obeys where its record on the log says so, after the command.
 * DSK-18  It ends within its time limit. Where the log hangs, the result says how far it came: nothing was written, or it is not known whether
 *         the command was, or it was and who obeys is not known.
 * DSK-19  A scope that no record and no process knows is refused before anything is written.
 * DSK-20  A command is issued later than everything known of its scope, whatever the clocks of earlier commands.
 */
import { type Obedience, obedience, WorkingProcesses } from './obedience.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { Stop } from '../../ports/kill-switch.ts';
import type { DeskControl } from '../../schemas/generated/records.ts';
import { commandRecords, readKillSwitch, readLastObeyed } from './control-topic.ts';
import { printable } from '../../render/terminal.ts';
import { retryTransient } from '../../ports/retry.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { nearestFirst } from '../../errors/nearest.ts';
import { WHOLE_DESK } from './kill-switch.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, decodeBatch } from '../runtime/topic-cursor.ts';

/** The log that a command is for. */
export interface CommandedLog {
  /** Throws where there is no log: a command does not make one. */
  readonly open: () => Promise<LogSession>;
  /** Whether `dev` works on it now. */
  readonly isDevWorking: () => boolean;
}

export interface Command {
  readonly scope: string;
  readonly command: 'HALT' | 'RESUME';
  readonly by: string;
  readonly reason: string;
}

/**
 * `obeyed`: every executing process obeys. `idle`: the command is written, and nothing executes there. `silent`: a process has not
 * acknowledged it. `written`: it is on the log, which did not answer who obeys. `unconfirmed`: the log did not answer whether it took the
 * command. `unwritten`: nothing was sent to the log.
 */
export type Outcome = 'obeyed' | 'idle' | 'silent' | 'written' | 'unconfirmed' | 'unwritten';

/** What became of a command. */
export interface CommandResult {
  readonly outcome: Outcome;
  /** Null where it ended before the record was made. */
  readonly record: DeskControl | null;
  readonly obedience: Pick<Obedience, 'obeyed' | 'silent' | 'gone'>;
  /** What stops orders now; empty where that could not be read. */
  readonly standing: readonly Stop[];
  /** Why it ended before everything was known; null where it did not. */
  readonly trouble: string | null;
}

/** Between two reads of the processes' records. Unit: milliseconds. */
const POLL_MS = 100;

/** Bounds the end where a connection hangs. Unit: milliseconds. */
const CLOSE_MS = 1000;

/** Throws USAGE for an unknown scope, and every error but an outage: a log that is not there, a record that breaks a rule. */
export async function giveCommand(
  commanded: CommandedLog,
  given: Command,
  limit: TimeLimit,
  clock: Clock,
): Promise<CommandResult> {
  const opened: LogSession[] = [];
  let result: Omit<CommandResult, 'trouble'> = {
    outcome: 'unwritten',
    record: null,
    obedience: { obeyed: [], silent: [], gone: [] },
    standing: [],
  };
  try {
    const topics = await limit.retry(async () => {
      const session = await commanded.open();
      opened.push(session);
      return { log: session.log, codec: await session.openCodec() };
    });
    const processes = await limit.retry(() => WorkingProcesses.open(topics, commanded.isDevWorking));
    const { state, known } = await limit.retry(async () => {
      const before = await readKillSwitch(topics, await readLastObeyed(topics));
      const scopes = new Set(given.command === 'RESUME' ? before.scopes() : []);
      return { state: before, known: new Set([...scopes, ...processes.accounts()]) };
    });
    await limit.retry(() => refuseUnknown(topics, given.scope, known));
    const issued_at = Math.max(clock.now(), state.latestAt(given.scope) + 1);
    const { scope, command, by: issued_by, reason } = given;
    const record: DeskControl = { scope, command, issued_at, issued_by, reason };
    const records = await limit.retry(() => commandRecords(topics, record));
    result = { ...result, outcome: 'unconfirmed', record };
    // Not retried here: the log itself does, until it is closed.
    await limit.within(topics.log.append(records));
    result = { ...result, outcome: 'written' };
    const since = clock.now();
    for (;;) {
      await limit.retry(() => processes.readOn());
      const received = { processes: processes.received, forMs: clock.now() - since };
      const found = obedience(processes.notEnded(clock.now()), processes.claims, record, received, clock.now());
      result = {
        ...result,
        outcome: found.obeyed.length + found.silent.length === 0 ? 'idle' : 'silent',
        obedience: found,
      };
      if (found.settled) break;
      await limit.within(clock.sleep(POLL_MS));
    }
    if (result.outcome === 'silent') result = { ...result, outcome: 'obeyed' };
    const standing = await limit.retry(async () =>
      (await readKillSwitch(topics, await readLastObeyed(topics))).stops(),
    );
    return { ...result, standing, trouble: null };
  } catch (thrown) {
    if (!(thrown instanceof LimitReached)) throw thrown;
    return { ...result, trouble: thrown.message };
  } finally {
    const closed = Promise.all(opened.map((session) => session.close().catch(() => {})));
    await Promise.race([closed, clock.sleep(CLOSE_MS)]);
  }
}

/** The topics with an account in every record, small ones first. */
const OF_ACCOUNTS = [
  TOPICS.executionReport.name,
  TOPICS.harvestIntent.name,
  TOPICS.positionReconciled.name,
  TOPICS.positionSnapshot.name,
] as const;

/**
 * Throws USAGE for a scope that is neither the desk nor a known account, with the known ones, the nearest first. `known`: the accounts that
 * processes and claims name. Only for a scope that is not among them are records read, up to the first that names it.
 */
async function refuseUnknown(topics: ReadableTopics, scope: string, known: ReadonlySet<string>): Promise<void> {
  if (scope === WHOLE_DESK || known.has(scope)) return;
  const accounts = new Set(known);
  for (const topic of OF_ACCOUNTS) {
    if (await addAccounts(topics, topic, accounts, scope)) return;
  }
  const list = nearestFirst(scope, [WHOLE_DESK, ...accounts])
    .map(printable)
    .join(', ');
  throw new HarvestlineError(
    'USAGE',
    `--scope ${printable(scope)}: no process and no record on this log knows it; nothing was written. Known: ${list}`,
  );
}

/** Adds the accounts of a topic's records, and returns true as soon as `wanted` is among them. */
async function addAccounts(
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

/** The time limit is reached. The message says what was awaited. */
export class LimitReached extends Error {
  override readonly name = 'LimitReached';
}

/** Between two tries while the log does not answer. Unit: milliseconds. */
const RETRY_MS = 500;

/** How often a person who waits is told that it is still tried. Unit: milliseconds. */
const SAY_EVERY_MS = 2000;

/** One limit for all that a command asks of a log, for a person who waits: long waits are reported, and none exceeds the limit. */
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

  /** Retries transient errors. Throws LimitReached when the time is up, and any other error at once. */
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
    return retryTransient({ clock, firstMs: RETRY_MS, longestMs: RETRY_MS, onWait }, () => this.within(work()));
  }

  /** Waits for `work` as long as there is time. Throws LimitReached. */
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
      // Nobody awaits the loser of the race.
      limit.catch(() => {});
      work.catch(() => {});
    }
  }

  async #untilTheEnd(signal: AbortSignal): Promise<void> {
    let waited = 0;
    while (this.#leftMs() > 0 && !signal.aborted) {
      const wait = Math.min(SAY_EVERY_MS, this.#leftMs());
      await this.#clock.sleep(wait, signal);
      waited += wait;
      if (signal.aborted || this.#leftMs() <= 0) break;
      this.#say(`${this.#log} has not answered for ${(waited / 1000).toFixed(0)} s; still trying`);
    }
    // `work` has won the race: this must not end it.
    if (signal.aborted) await new Promise(() => {});
  }

  #leftMs(): number {
    return this.#endsAt - this.#clock.now();
  }
}
