/**
 * Gives a command of the kill switch, and tells what became of it.
 *
 * G1  Nothing is claimed that was not seen: a process obeys where it has said so on the log, after the command.
 * G2  It ends within its limit. Where the log hangs, what had happened by then is told: nothing was written, it is not known whether it
 *     was, or it was written and who obeys is not known.
 * G3  A scope that no record and no process knows is refused before anything is written.
 * G4  A command is issued later than all that is known of its scope, whatever the clocks of those who issued before.
 */
import { type Obedience, obedience } from './obedience.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Stop } from '../../ports/kill-switch.ts';
import type { DeskControl } from '../../schemas/generated/records.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import type { SchemaRegistry } from '../../schemas/registry.ts';
import { commandRecords, readKillSwitch, readWitnesses } from './control-topic.ts';
import { refuseUnknown } from './known-scopes.ts';
import { LimitReached, type TimeLimit } from './time-limit.ts';
import { WorkingProcesses } from './working-processes.ts';

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
    const topics = await limit.patiently(async () => {
      const world = await commanded.open();
      worlds.push(world);
      return { log: world.log, codec: await RecordCodec.open(world.registry) };
    });
    const listening = await limit.patiently(() => WorkingProcesses.open(topics, commanded.isDevWorking));
    const { state, known } = await limit.patiently(async () => {
      const before = await readKillSwitch(topics, await readWitnesses(topics));
      const scopes = new Set(given.command === 'RESUME' ? before.scopes() : []);
      return { state: before, known: new Set([...scopes, ...listening.accounts()]) };
    });
    await limit.patiently(() => refuseUnknown(topics, given.scope, known));
    const issued_at = Math.max(clock.now(), state.latestAt(given.scope) + 1);
    const { scope, command, by: issued_by, reason } = given;
    const record: DeskControl = { scope, command, issued_at, issued_by, reason };
    const records = await limit.patiently(() => commandRecords(topics, record));
    told = { ...told, outcome: 'unconfirmed', record };
    // Not tried again: the log itself does, until it is closed.
    await limit.within(topics.log.append(records));
    told = { ...told, outcome: 'written' };
    const since = clock.now();
    for (;;) {
      await limit.patiently(() => listening.readOn());
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
    const standing = await limit.patiently(async () =>
      (await readKillSwitch(topics, await readWitnesses(topics))).stops(),
    );
    return { ...told, standing, trouble: null };
  } catch (thrown) {
    if (!(thrown instanceof LimitReached)) throw thrown;
    return { ...told, trouble: thrown.message };
  } finally {
    const closed = Promise.all(worlds.map((world) => world.close().catch(() => {})));
    await Promise.race([closed, clock.sleep(CLOSE_MS)]);
  }
}
