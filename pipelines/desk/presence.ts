/**
 * What a process says of itself on desk.process while it works an account: that it lives, and which commands of the kill switch
 * it obeys. `halt` waits for it, and claims of processes that are gone can be replaced by it.
 *
 * R1  `begin` is durable before the process consumes or observes anything.
 * R2  A record every BEAT_MS; a command that it newly obeys is recorded at once, and only after it is obeyed.
 * R3  ENDED follows the last thing that the process did. A process that is killed leaves no ENDED: its beats stop.
 * R4  Records are written one after the other, so the latest on the log is the latest that was said.
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Desk } from './claims.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ObeyedCommand, ProcessState, DeskProcess } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';

/** What a process obeys of the kill switch. */
export interface Obedience {
  /** Looks at the switch where the last look is old. Resolves once everything in this process obeys what it found. Never throws. */
  obey(): Promise<void>;
  /** What is obeyed now. */
  obeys(): readonly ObeyedCommand[];
}

export interface PresenceOptions {
  readonly desk: Desk;
  /** Names the process and its part. */
  readonly process: string;
  /** The user that it runs as. */
  readonly by: string;
  readonly log: EventLog;
  readonly codec: RecordCodec;
  /** The machine's. */
  readonly clock: Clock;
  /** Null for a part that sends no orders. */
  readonly killSwitch: Obedience | null;
  readonly logger: Logger;
}

/** Between two looks at what is obeyed: half of what an order may rest on. Unit: milliseconds. */
const OBEY_EVERY_MS = 125;

/** A drain does not wait longer for a log that is away: the process is taken for gone later. Unit: milliseconds. */
const END_BOUND_MS = 2000;

export class Presence {
  readonly #options: PresenceOptions;
  readonly #writer: TopicWriter;
  readonly #startedAt: EpochMillis;
  #said = '';
  #saidAt: EpochMillis = -Infinity;
  #ended = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#writer = new TopicWriter(TOPICS.deskProcess.writer, options.codec);
    this.#startedAt = options.clock.now();
  }

  /** R1. Throws what the log throws. */
  async begin(): Promise<void> {
    await this.#options.killSwitch?.obey();
    await this.#say('WORKING');
  }

  /** R2, until `signal` aborts. Never throws. */
  async beat(signal: AbortSignal): Promise<void> {
    const { clock, killSwitch, logger } = this.#options;
    let away = false;
    while (!signal.aborted) {
      await clock.sleep(killSwitch === null ? BEAT_MS : OBEY_EVERY_MS, signal);
      if (signal.aborted) return;
      try {
        await killSwitch?.obey();
        // R3: the end may have been recorded meanwhile.
        if (this.#ended) return;
        const due = Math.abs(clock.now() - this.#saidAt) >= BEAT_MS;
        if (due || this.#said !== this.#obeyed()) await this.#say('WORKING');
        away = false;
      } catch (thrown) {
        if (!away) logger.warn({ err: thrown }, `this process cannot be seen by others: ${messageOf(thrown)}`);
        away = true;
      }
    }
  }

  /** R3. Never throws. */
  async end(): Promise<void> {
    const { clock, logger } = this.#options;
    this.#ended = true;
    const done = new AbortController();
    try {
      await Promise.race([this.#say('ENDED'), clock.sleep(END_BOUND_MS, done.signal)]);
    } catch (thrown) {
      logger.warn({ err: thrown }, `its end is not on ${TOPICS.deskProcess.name}: ${messageOf(thrown)}`);
    } finally {
      done.abort();
    }
  }

  /** R4: the callers wait for each other. */
  async #say(state: ProcessState): Promise<void> {
    const { desk, process, by, log, clock, killSwitch } = this.#options;
    const seenAt = clock.now();
    const obeys = killSwitch?.obeys() ?? [];
    const obeyed = this.#obeyed();
    const record = { process, ...desk, state, by, started_at: this.#startedAt, seen_at: seenAt, obeys };
    await log.append([this.#writer.encode(TOPICS.deskProcess, record, seenAt)]);
    this.#said = obeyed;
    this.#saidAt = seenAt;
  }

  #obeyed(): string {
    return JSON.stringify(this.#options.killSwitch?.obeys() ?? []);
  }
}

/**
 * The processes that work accounts, folded from desk.process, and whether they live.
 *
 * A process writes a record every BEAT_MS. One whose latest record is older than GONE_MS was killed, or cannot reach the log: it is
 * taken for gone. Times are those of the machines, whose clocks may differ by a few seconds.
 */

/** Often enough that a process that was killed is known to be gone within a quarter of a minute. Unit: milliseconds. */
export const BEAT_MS = 3000;

/** Four beats may be lost to a rebalance or a slow broker. Unit: milliseconds. */
export const GONE_MS = 15_000;

/**
 * `dev` as a process: one at a time works a data folder, and a lock there tells whether it does. Its records bear the market's time, so
 * they say nothing about when it lived.
 */
export const DEV_PROCESS = 'dev';

export class Processes {
  readonly #latest = new Map<string, DeskProcess>();

  apply(record: DeskProcess): void {
    this.#latest.set(record.process, record);
  }

  of(process: string): DeskProcess | undefined {
    return this.#latest.get(process);
  }

  /** Those that have not said that they ended, whenever they were seen last, in the order of their names. */
  unended(): readonly DeskProcess[] {
    return [...this.#latest.values()]
      .filter(({ state }) => state === 'WORKING')
      .toSorted((one, other) => (one.process < other.process ? -1 : 1));
  }

  /** Those that work at `now`, in the order of their names. */
  working(now: EpochMillis): readonly DeskProcess[] {
    return this.unended().filter(({ seen_at }) => now - seen_at <= GONE_MS);
  }
}
