/**
 * What a process shows of itself on desk.process while it works an account: that it lives, and which commands of the kill switch it obeys.
 * `Presence` writes it, `Processes` folds it. `halt` waits for it, and a claim whose processes are gone can be replaced.
 *
 * A process writes a heartbeat every BEAT_MS. One without a record for GONE_MS was killed, or cannot reach the log: it counts as gone. Times
 * are those of the machines, whose clocks may differ by a few seconds.
 *
 * DSK-28  The first record is durable before the process consumes or observes anything.
 * DSK-29  Besides the heartbeat, a newly obeyed command is recorded at once, and only after it is obeyed.
 * DSK-30  ENDED follows the last thing that the process did. A process that is killed leaves no ENDED: its heartbeats stop.
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

/** The kill switch as a process obeys it. */
export interface ObeyedSwitch {
  /** Polls the switch where the last poll is old. Resolves once everything in this process obeys it. Never throws. */
  obey(): Promise<void>;
  /** The commands that are obeyed now. */
  obeys(): readonly ObeyedCommand[];
}

interface PresenceOptions {
  readonly desk: Desk;
  /** The name of the process and its part. */
  readonly process: string;
  /** The user it runs as. */
  readonly by: string;
  readonly log: EventLog;
  readonly codec: RecordCodec;
  /** The machine's clock. */
  readonly clock: Clock;
  /** Null for a part that sends no orders. */
  readonly killSwitch: ObeyedSwitch | null;
  readonly logger: Logger;
}

/** Between two polls of the switch: half of the age that an order may rest on. Unit: milliseconds. */
const OBEY_EVERY_MS = 125;

/** Bounds a drain while the log does not answer: without ENDED the process counts as gone later. Unit: milliseconds. */
const END_BOUND_MS = 2000;

export class Presence {
  readonly #options: PresenceOptions;
  readonly #writer: TopicWriter;
  readonly #startedAt: EpochMillis;
  #published = '';
  #publishedAt: EpochMillis = -Infinity;
  #ended = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#writer = new TopicWriter(TOPICS.deskProcess.writer, options.codec);
    this.#startedAt = options.clock.now();
  }

  /** DSK-28. Throws what the log throws. */
  async begin(): Promise<void> {
    await this.#options.killSwitch?.obey();
    await this.#publish('WORKING');
  }

  /** DSK-29, until `signal` aborts. Never throws. */
  async beat(signal: AbortSignal): Promise<void> {
    const { clock, killSwitch, logger } = this.#options;
    let away = false;
    while (!signal.aborted) {
      await clock.sleep(killSwitch === null ? BEAT_MS : OBEY_EVERY_MS, signal);
      if (signal.aborted) return;
      try {
        await killSwitch?.obey();
        // DSK-30: the end may have been recorded meanwhile.
        if (this.#ended) return;
        const due = Math.abs(clock.now() - this.#publishedAt) >= BEAT_MS;
        if (due || this.#published !== this.#obeyed()) await this.#publish('WORKING');
        away = false;
      } catch (thrown) {
        if (!away) logger.warn({ err: thrown }, `this process cannot be seen by others: ${messageOf(thrown)}`);
        away = true;
      }
    }
  }

  /** DSK-30. Never throws. */
  async end(): Promise<void> {
    const { clock, logger } = this.#options;
    this.#ended = true;
    const done = new AbortController();
    try {
      await Promise.race([this.#publish('ENDED'), clock.sleep(END_BOUND_MS, done.signal)]);
    } catch (thrown) {
      logger.warn({ err: thrown }, `its end is not on ${TOPICS.deskProcess.name}: ${messageOf(thrown)}`);
    } finally {
      done.abort();
    }
  }

  async #publish(state: ProcessState): Promise<void> {
    const { desk, process, by, log, clock, killSwitch } = this.#options;
    const seenAt = clock.now();
    const obeys = killSwitch?.obeys() ?? [];
    const obeyed = this.#obeyed();
    const record = { process, ...desk, state, by, started_at: this.#startedAt, seen_at: seenAt, obeys };
    await log.append([this.#writer.encode(TOPICS.deskProcess, record, seenAt)]);
    this.#published = obeyed;
    this.#publishedAt = seenAt;
  }

  #obeyed(): string {
    return JSON.stringify(this.#options.killSwitch?.obeys() ?? []);
  }
}

/** Often enough that a killed process is known to be gone within a quarter of a minute. Unit: milliseconds. */
export const BEAT_MS = 3000;

/** Four heartbeats may be lost to a rebalance or a slow broker. Unit: milliseconds. */
export const GONE_MS = 15_000;

/** The name of `dev` as a process. A lock on its data folder shows whether it works: its records have the market's time. */
export const DEV_PROCESS = 'dev';

/** The latest record of every process. */
export class Processes {
  readonly #latest = new Map<string, DeskProcess>();

  apply(record: DeskProcess): void {
    this.#latest.set(record.process, record);
  }

  of(process: string): DeskProcess | undefined {
    return this.#latest.get(process);
  }

  /** The processes without ENDED, by name, however long ago they were seen. */
  notEnded(): readonly DeskProcess[] {
    return [...this.#latest.values()]
      .filter(({ state }) => state === 'WORKING')
      .toSorted((one, other) => (one.process < other.process ? -1 : 1));
  }

  /** The processes that live at `now`, by name. */
  working(now: EpochMillis): readonly DeskProcess[] {
    return this.notEnded().filter(({ seen_at }) => now - seen_at <= GONE_MS);
  }
}
