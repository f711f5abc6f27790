import { formatCoordinates, isKind } from '../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../ports/clock.ts';
import type { Batch } from '../ports/event-log.ts';
import type { Halt, KillSwitch } from '../ports/kill-switch.ts';
import type { Logger } from '../ports/logger.ts';
import type { DeskControl, ObeyedCommand } from '../schemas/generated/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { Obedience } from './desk/presence.ts';
import { type ReadableTopics, prepareBatch } from './read-topic.ts';

const TOPIC = TOPICS.deskControl.name;

/** The scope of the whole desk; any other scope is an account. */
export const WHOLE_DESK = 'desk';

/** A halt is obeyed within a second; a look costs one question to the log. Unit: milliseconds. */
const LOOK_MS = 250;

/**
 * The kill switch, as people have set it on desk.control.
 * K1  An answer is from a look that began at most LOOK_MS before the question, or there is none: a failed look throws.
 * K2  The latest record of a scope is in force. One that does not decode changes nothing, and is said.
 * K3  Partitions that ask at the same time share one look.
 */
export class DeskControlWatch implements KillSwitch, Obedience {
  readonly #topics: ReadableTopics;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #inForce = new Map<string, DeskControl>();
  readonly #next = new Map<number, number>();
  #lookedAt: EpochMillis = -Infinity;
  #looking: Promise<void> | null = null;

  constructor(topics: ReadableTopics, clock: Clock, logger: Logger) {
    this.#topics = topics;
    this.#clock = clock;
    this.#logger = logger;
  }

  async halted(account: string): Promise<Halt | null> {
    const askedAt = this.#clock.now();
    // A look in the future was dated by a clock that was set back since: it counts as old.
    if (this.#lookedAt > askedAt || this.#isOldAt(askedAt)) await this.look();
    // The look that was joined may have taken long.
    if (this.#isOldAt(askedAt)) await this.look();
    return this.halts().find(({ scope }) => scope === WHOLE_DESK || scope === account) ?? null;
  }

  /** Everything that is halted, as of the last look. */
  halts(): readonly Halt[] {
    return [...this.#inForce.values()].flatMap(({ scope, command, issued_by, issued_at, reason }) =>
      command === 'HALT' ? [{ scope, by: issued_by, since: issued_at, reason }] : [],
    );
  }

  async obey(): Promise<void> {
    // A log that is away is said by who needs it.
    if (this.#isOldAt(this.#clock.now())) await this.look().catch(() => {});
  }

  obeys(): readonly ObeyedCommand[] {
    return [...this.#inForce.values()]
      .map(({ scope, command, issued_at }): ObeyedCommand => ({ scope, command, issued_at }))
      .toSorted((one, other) => (one.scope < other.scope ? -1 : 1));
  }

  /** K1. */
  #isOldAt(askedAt: EpochMillis): boolean {
    return askedAt - this.#lookedAt >= LOOK_MS;
  }

  /** Reads to the end that stands now. Throws the log's transient errors. */
  async look(): Promise<void> {
    this.#looking ??= this.#read().finally(() => {
      this.#looking = null;
    });
    await this.#looking;
  }

  async #read(): Promise<void> {
    const { log } = this.#topics;
    const startedAt = this.#clock.now();
    const offsets = await log.offsets(TOPIC);
    const grown = offsets.filter(({ partition, begin, end }) => end > (this.#next.get(partition) ?? begin));
    if (grown.length > 0) {
      const partitions = grown.map(({ partition }) => partition);
      for await (const batch of log.read(TOPIC, { from: this.#next, partitions })) await this.#take(batch);
    }
    this.#lookedAt = startedAt;
  }

  async #take(batch: Batch): Promise<void> {
    const { codec } = this.#topics;
    await prepareBatch(codec, TOPIC, batch);
    for (const at of batch.records) {
      try {
        const record = codec.decode(TOPIC, at.value);
        this.#inForce.set(record.scope, record);
        this.#logger.warn({ ...record }, `${record.command} of ${record.scope}`);
      } catch (thrown) {
        if (!isKind(thrown, 'poison')) throw thrown;
        const { topic, partition, offset } = at;
        const where = formatCoordinates({ topic, partition, offset });
        this.#logger.error({ topic, partition, offset, code: thrown.code }, `passed over: ${where}: ${thrown.message}`);
      }
    }
    this.#next.set(batch.partition, batch.nextOffset);
  }
}
