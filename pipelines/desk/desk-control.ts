/**
 * The kill switch as a process obeys it: what people have commanded on desk.control, looked at again and again.
 *
 * K1  An order is sent only where a look that began less than LOOK_MS before it was asked for found nothing that stops it. What that look
 *     and all later ones found counts in the turn of the event loop in which the order is handed to the network; there it is no older
 *     than OLDEST_MS, so a process that stood still looks again.
 * K2  What a look finds is the whole topic (pipelines/desk/kill-switch.ts): it is read from its beginning whenever its offsets are not as
 *     they were, and every WHOLE_MS besides, so a topic that was made anew is never taken for the old one.
 * K3  Callers at the same time share one look.
 * K4  A switch that cannot be known stops everything: a topic that is not there, that refuses to be read, or that can forget (asked every
 *     SETTINGS_MS). While the log is away an order that would be sent is withheld, and work that has not come so far waits for the log.
 * K5  A stop is acknowledged (`obeys`) only when every send that was let through before has its answer.
 */
import { isKind, messageOf } from '../../errors/harvestline-error.ts';
import { type KillSwitchState, type Remembered, WHOLE_DESK } from './kill-switch.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { PartitionOffsets } from '../../ports/event-log.ts';
import {
  type KillSwitch,
  type SendGate,
  type Stop,
  type UnknownSwitch,
  WithheldOrder,
  describeStop,
} from '../../ports/kill-switch.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ObeyedCommand } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { readKillSwitch, readWitnesses } from './control-topic.ts';
import type { Obedience } from './presence.ts';
import type { ReadableTopics } from '../runtime/topic-cursor.ts';

const TOPIC = TOPICS.deskControl.name;

/** A halt is obeyed within a second; a look costs one question to the log. Unit: milliseconds. */
export const LOOK_MS = 250;

/** Nobody alters settings so that it is over before: a command must survive a second to be forgotten. Unit: milliseconds. */
const SETTINGS_MS = 1000;

/** Bounds what a topic made anew with the same offsets could hide while this process stood still. Unit: milliseconds. */
const WHOLE_MS = 5000;

/** A look that takes so long is no look any more: it is said. Unit: milliseconds. */
const SILENT_MS = 3000;

/** A look takes milliseconds, on a busy machine a second. Unit: milliseconds. */
const OLDEST_MS = 2000;

export interface DeskControlOptions {
  /** Why the topic can forget a command; null: it cannot. Not asked where left out. */
  readonly whyItForgets?: () => Promise<string | null>;
  /** Bounds what is waited for; the clock where left out. Another one where the clock is virtual, and would move by it. */
  readonly timer?: Pick<Clock, 'sleep'>;
  /** Called after everything that may have changed what stands. */
  readonly onLook?: () => void;
}

export class DeskControlWatch implements KillSwitch, Obedience {
  readonly #topics: ReadableTopics;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: DeskControlOptions;
  #state: KillSwitchState | null = null;
  /** Why nothing can be known (K4); null: it can. */
  #blind: UnknownSwitch | null = null;
  /** Since when and why the log has not answered; null: it has. */
  #away: UnknownSwitch | null = null;
  /** Offsets as of the state. */
  #ends = '';
  #offsets: readonly PartitionOffsets[] = [];
  #lookedAt: EpochMillis = -Infinity;
  #readAt: EpochMillis = -Infinity;
  #settingsAt: EpochMillis = -Infinity;
  #forgets: string | null = null;
  #looking: Promise<void> | null = null;
  readonly #sending = new Set<Promise<unknown>>();
  #obeyed: readonly ObeyedCommand[] = [];
  /** Counts the states that were read; the one that is acknowledged. */
  #read = 0;
  #acknowledged = 0;
  #logged: readonly string[] = [];

  constructor(topics: ReadableTopics, clock: Clock, logger: Logger, options: DeskControlOptions = {}) {
    this.#topics = topics;
    this.#clock = clock;
    this.#logger = logger;
    this.#options = options;
  }

  async halted(account: string): Promise<Stop | null> {
    const askedAt = this.#clock.now();
    if (this.#isDatedAfter(askedAt) || this.#isOldAt(askedAt)) await this.look();
    // The look that was joined may have taken long.
    if (this.#isOldAt(askedAt)) await this.look();
    return this.#stopOf(account);
  }

  gate(account: string): SendGate {
    return async (send) => {
      const askedAt = this.#clock.now();
      if (this.#isDatedAfter(askedAt) || this.#isOldAt(askedAt)) await this.#lookWithin(OLDEST_MS);
      if (this.#isOldAt(askedAt)) await this.#lookWithin(OLDEST_MS);
      // K1: from here to `send` nothing is waited for.
      const isLate = this.#isOldAt(askedAt) || this.#clock.now() - this.#lookedAt >= OLDEST_MS;
      const stop = isLate ? this.#unanswered('it does not answer') : this.#stopOf(account);
      if (stop !== null) throw new WithheldOrder(stop);
      const sending = send();
      this.#sending.add(sending);
      try {
        return await sending;
      } finally {
        this.#sending.delete(sending);
      }
    };
  }

  /** Everything that stops orders, as of the last look. */
  stops(): readonly Stop[] {
    return [this.#away, this.#blind, ...(this.#state?.stops() ?? [])].filter((stop) => stop !== null);
  }

  async obey(): Promise<void> {
    const now = this.#clock.now();
    if (!this.#isDatedAfter(now) && !this.#isOldAt(now)) return;
    await this.#lookWithin(LOOK_MS);
    if (this.#clock.now() - this.#lookedAt >= SILENT_MS) this.#isAway('it does not answer');
  }

  obeys(): readonly ObeyedCommand[] {
    return this.#obeyed;
  }

  /** Reads to the end that stands now. Throws the log's transient errors. */
  async look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
      this.#options.onLook?.();
    });
    await this.#looking;
  }

  /** As long as that; a look that is not over by then goes on. Never throws. */
  async #lookWithin(ms: number): Promise<void> {
    const over = new AbortController();
    const { timer = this.#clock } = this.#options;
    await Promise.race([this.look().catch(() => {}), timer.sleep(ms, over.signal)]);
    over.abort();
  }

  /** K1. */
  #isOldAt(askedAt: EpochMillis): boolean {
    return askedAt - this.#lookedAt >= LOOK_MS;
  }

  /** By a clock that was set back since: it says nothing about how old the look is. */
  #isDatedAfter(now: EpochMillis): boolean {
    return this.#lookedAt > now;
  }

  #stopOf(account: string): Stop | null {
    return this.#blind ?? this.#state?.stopOf(account) ?? null;
  }

  async #look(): Promise<void> {
    const startedAt = this.#clock.now();
    try {
      await this.#readOn(startedAt);
      this.#away = null;
      this.#becomes(this.#forgets);
    } catch (thrown) {
      if (isKind(thrown, 'transient')) {
        this.#isAway(thrown.message);
        throw thrown;
      }
      // K4.
      this.#ends = '';
      this.#becomes(`it cannot be read: ${messageOf(thrown)}`);
    }
    this.#lookedAt = startedAt;
  }

  async #readOn(startedAt: EpochMillis): Promise<void> {
    const { log } = this.#topics;
    const offsets = await log.offsets(TOPIC);
    if (Math.abs(startedAt - this.#settingsAt) >= SETTINGS_MS) {
      this.#forgets = (await this.#options.whyItForgets?.()) ?? null;
      this.#settingsAt = startedAt;
    }
    const ends = JSON.stringify(offsets);
    if (ends === this.#ends && Math.abs(startedAt - this.#readAt) < WHOLE_MS) return;
    if (wentBack(this.#offsets, offsets)) this.#becomes('its offsets went back: it was made anew');
    const before = this.#state === null ? await readWitnesses(this.#topics) : remembered(this.#state);
    this.#state = await readKillSwitch(this.#topics, before);
    this.#ends = ends;
    this.#offsets = offsets;
    this.#readAt = startedAt;
    this.#acknowledge(this.#state);
  }

  #becomes(why: string | null): void {
    if (why === null) this.#blind = null;
    else this.#blind = { scope: WHOLE_DESK, why: `${TOPIC}: ${why}`, since: this.#blind?.since ?? this.#clock.now() };
    this.#logOnce(this.stops().map(describeStop));
  }

  /** K5. */
  #acknowledge(state: KillSwitchState): void {
    const before = [...this.#sending];
    const number = ++this.#read;
    const acknowledge = (): void => {
      if (number < this.#acknowledged) return;
      this.#acknowledged = number;
      this.#obeyed = state.obeys();
    };
    if (before.length === 0) acknowledge();
    else void Promise.allSettled(before).then(acknowledge);
  }

  #isAway(why: string): void {
    this.#away = this.#unanswered(why);
    this.#logOnce(this.stops().map(describeStop));
    this.#options.onLook?.();
  }

  #unanswered(why: string): UnknownSwitch {
    const since = this.#away?.since ?? (this.#lookedAt === -Infinity ? this.#clock.now() : this.#lookedAt);
    return { scope: WHOLE_DESK, why: `${TOPIC}: ${why}`, since };
  }

  #logOnce(lines: readonly string[]): void {
    const said = this.#logged;
    this.#logged = lines;
    for (const line of lines)
      if (!said.includes(line)) this.#logger.warn({ topic: TOPIC }, `orders are stopped: ${line}`);
    if (lines.length === 0 && said.length > 0) this.#logger.warn({ topic: TOPIC }, 'orders may be sent again');
  }
}

/** Where the log was deleted and made anew it starts from the first offset again. */
function wentBack(before: readonly PartitionOffsets[], now: readonly PartitionOffsets[]): boolean {
  const ends = new Map(now.map(({ partition, end }) => [partition, end]));
  return before.some(({ partition, end }) => (ends.get(partition) ?? 0) < end);
}

function remembered(state: KillSwitchState): Remembered {
  return new Map(state.obeys().map((obeyed) => [obeyed.scope, obeyed]));
}
